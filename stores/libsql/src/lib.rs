#![doc = include_str!("../README.md")]

mod agents;
mod columns;
mod config;
mod error;
mod flows;
mod migrations;
mod open;
mod point_reads;
mod queue;
mod runs;
mod sessions;
mod store;
mod threads;
mod workflows;
mod writer;

pub use config::SqliteConfig;
pub use error::{Error, OpenError};
pub use store::SqliteStore;
