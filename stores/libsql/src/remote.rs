//! A libSQL server over HTTP (Hrana over HTTP, version 2).

mod client;
mod config;
mod database;
mod error;
mod feed;
mod schema;
mod wire;

pub use config::RemoteConfig;
pub use database::{RemoteDatabase, RemoteStore};
pub use error::{RemoteError, RemoteOpenError};
