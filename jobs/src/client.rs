//! The HTTP client of a producer.
