#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a conformance case fails by panicking, as every test does"
)]

mod clock;
mod conformance;
mod parallel;
mod samples;

pub mod agent_store;
pub mod ended_session_store;
pub mod run_store;
pub mod session_store;
pub mod sign_in_flow_store;
pub mod thread_store;
pub mod workflow_runs;
pub mod workflow_store;

pub use clock::TestClock;
pub use conformance::{Fixture, run};
pub use parallel::in_parallel;
pub use samples::{hard_metadata, hard_texts, hard_times};
