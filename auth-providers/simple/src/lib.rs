#![doc = include_str!("../README.md")]

mod config;
mod credentials;
mod error;
mod provider;
mod token;
mod users;

pub use config::{SimpleConfig, SimpleUser};
pub use error::SimpleConfigError;
pub use provider::SimpleAuth;
