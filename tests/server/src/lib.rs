//! A whole server in one process, and attacks on it.
