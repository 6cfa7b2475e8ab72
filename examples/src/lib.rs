//! Small programs that use the crates.
