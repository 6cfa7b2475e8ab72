//! The storage domains in SQL that several databases understand.
#![doc = include_str!("../README.md")]

mod accounts;
mod agents;
mod audit;
pub mod copy;
mod database;
mod grants;
mod groups;
mod identities;
mod keys;
mod roles;
mod runs;
mod sessions;
mod statement;
mod store;
mod threads;
mod throttle;
mod tokens;
mod value;
mod workflows;

pub use audit::leave;
pub use database::{Database, Dialect, Done, Look, Reach, SchemaStatus, Then};
pub use statement::{Batch, Rows, Statement};
pub use store::SqlStore;
pub use value::{FromValue, Json, Name, Row, Value, ValueRef};
