//! Routes, extractors, middleware and HTTP errors for axum.
//!
//! [`Corridor`] puts the API, and routers of your own, behind authentication, authorisation and the record.
#![doc = include_str!("../README.md")]

mod client;
mod corridor;
mod error;
mod extract;
mod gate;
mod guard;
mod handlers;
mod headers;
mod path;
mod serve;

pub use corridor::{Corridor, ErrorPages, FailedRequest, Protected};
pub use error::{HttpError, status};
pub use extract::{
    AuthContext, CurrentUser, FormBody, IfMatch, JsonBody, PathParams, Permissions, QueryParams,
};
pub use gate::Gate;
pub use handlers::{event_stream, json_reply, stream_response};
pub use serve::serve;
