//! The binary from outside: what it says, what it refuses, what it keeps.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

#[cfg(all(feature = "store-libsql", feature = "store-pg"))]
mod admin;
mod commands;
mod config;
mod restart;
mod running;
mod serve;
#[cfg(all(feature = "store-libsql", feature = "store-pg"))]
mod store_copy;
