//! Tests of the crate through its public interface.

mod permission_oracle;
mod permission_vectors;
mod roles;
