//! What an object looks like, and what is refused.
