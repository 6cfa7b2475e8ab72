//! Tests of the crate through its public interface.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers as well"
)]

mod console_audit;
mod cookie_sessions;
mod doubles;
mod memory;
mod static_rbac;
mod store_sessions;
