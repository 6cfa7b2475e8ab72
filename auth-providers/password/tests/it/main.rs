//! Tests of the crate through its public interface.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers as well"
)]

mod config;
mod enrolment;
mod invitations;
mod lock;
mod passwords;
mod people;
mod races;
mod second_factor;
mod secrets;
mod setup;
mod sign_in;
mod sign_up;
#[cfg(feature = "smtp")]
mod smtp;
mod store;
mod world;
