//! Tests of the store on a libSQL server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod failures;
mod scratch;
mod two_processes;
