#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod copy;
mod database;
mod echoes;
mod error;
mod listener;
mod migrations;
mod pipeline;
mod server;
mod texts;
mod tls;
mod url;
mod values;

pub use config::PgConfig;
pub use database::{PgDatabase, PgStore};
pub use error::{Error, OpenError, Refusal};
