#![doc = include_str!("../README.md")]

mod agents;
mod background;
mod error;
mod issues;
mod list_cache;
mod models;
mod samples;
mod slug;
mod workflows;

pub use agents::Agents;
pub use background::Background;
pub use error::ModelError;
pub use models::{ECHO_MODEL, Models, ModelsConfig};
pub use workflows::{RunLimits, Workflows};
