//! Both halves of a store in one SQLite file.
