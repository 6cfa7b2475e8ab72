#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a conformance case fails by panicking, as every test does"
)]

mod audit_samples;
mod clock;
mod conformance;
mod dice;
#[cfg(feature = "hrana")]
mod hrana;
mod listing;
mod parallel;
#[cfg(feature = "pg")]
mod pg_cluster;
mod samples;

pub mod account_store;
pub mod agent_store;
pub mod api_key_store;
pub mod assignment_store;
pub mod audit_outbox;
pub mod audit_proof_store;
pub mod audit_retention;
pub mod audit_ride;
pub mod audit_search;
pub mod audit_secrets;
pub mod audit_store;
pub mod changes;
pub mod deletions;
pub mod ended_session_store;
pub mod grant_histories;
pub mod grant_store;
pub mod group_store;
pub mod identity_store;
pub mod last_owner;
pub mod one_time_token_store;
pub mod ownership;
pub mod role_store;
pub mod run_store;
pub mod session_store;
pub mod sign_in_flow_store;
pub mod thread_store;
pub mod throttle_store;
pub mod workflow_runs;
pub mod workflow_store;

pub use clock::TestClock;
pub use conformance::{Fixture, run};
#[cfg(feature = "hrana")]
pub use hrana::HranaServer;
pub use parallel::in_parallel;
#[cfg(feature = "pg")]
pub use pg_cluster::{PgCluster, PgTestDatabase};
pub use samples::{hard_metadata, hard_texts, hard_times};
