//! Tests of the crate through its public interface.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod close;
mod concurrency;
mod conformance;
mod copied_tables;
mod crash;
mod explained;
mod opening;
mod schema;
mod scratch;
mod upgrade;
