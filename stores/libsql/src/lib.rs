#![doc = include_str!("../README.md")]

mod config;
mod error;
mod execute;
mod file;
mod migrations;
mod open;
mod point_reads;
mod queue;
#[cfg(feature = "remote")]
mod remote;
mod writer;

pub use config::SqliteConfig;
pub use error::{Error, OpenError};
pub use file::{SqliteFile, SqliteStore};
#[cfg(feature = "remote")]
pub use remote::{RemoteConfig, RemoteDatabase, RemoteError, RemoteOpenError, RemoteStore};
