//! The storage domains in SQL that several databases understand.
#![doc = include_str!("../README.md")]

mod accounts;
mod agents;
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

pub use database::{Database, Done, SchemaStatus};
pub use statement::{Batch, Statement};
pub use store::SqlStore;
pub use value::{FromValue, Json, Name, Row, Value};
