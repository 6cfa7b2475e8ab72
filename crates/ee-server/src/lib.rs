//! Use cases and the route table of the access server, without a web framework.
//!
//! An adapter asks [`admit`] before it runs a handler and tells [`record`] how it ended; the handlers
//! are the functions of the modules below. [`Op`] is the table of all routes.
#![doc = include_str!("../README.md")]

pub mod access;
pub mod account;
pub mod agents;
mod api;
pub mod audit;
pub mod auth;
pub mod chat;
mod context;
mod corridor;
mod csrf;
mod device;
pub mod health;
pub mod metrics;
mod object;
mod openapi;
pub mod permissions;
mod reply;
mod route;
pub mod runs;
mod server;
pub mod sso;
pub mod threads;
mod visible;
pub mod workflows;

pub use api::Op;
pub use context::{Cx, RequestId};
pub use corridor::{Arrival, AuditNote, Outcome, Refusal, Trail, admit, record};
pub use object::Object;
pub use openapi::openapi;
pub use reply::{Destination, Reply, ShownOnce};
pub use route::{Access, Body, Route, Scope, Surface};
pub use server::{AuthMode, Origins, Server};
