//! Tests of the crate through its public interface.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers as well"
)]

mod capabilities;
mod composite;
mod composition;
mod doubles;
mod license;
mod limits;
mod permission_oracle;
mod permission_vectors;
mod roles;
mod visible;
