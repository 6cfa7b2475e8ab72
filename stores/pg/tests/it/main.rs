//! Tests of the crate through its public interface.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changes;
mod conformance;
mod copied_tables;
mod dropping;
mod migrations;
mod outage;
mod scratch;
mod secrets;
mod tls;
mod transactions;
