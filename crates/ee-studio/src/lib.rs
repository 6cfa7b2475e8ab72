//! Studio: the server-rendered web interface.
//!
//! A page is a pure function from a view model to [`maud::Markup`]; nothing in
//! these functions waits, reads a store or decides a permission. What a person
//! may do arrives as bools that the server has decided, and the server decides
//! again when a form is submitted.
//!
//! [`router`] answers the routes of [`StudioOp`], each behind its declaration, and [`StudioPages`] draws refusals and
//! failures. The handlers between them call the use cases that the API calls.
//!
//! - [`pages`] holds one function per page, the *content* alone. Wrap it with
//!   [`layout::layout`] for a full answer; htmx picks its part out of that.
//! - [`components`] holds what pages share.
//! - [`paths`] builds every address, [`assets`] the embedded files.
//!
//! `cargo run -p ee-studio --example gallery` writes every page in its states to
//! `target/gallery/`, to look at without a server.
//!
//! View models are plain structs that a caller fills completely, so they are
//! not `#[non_exhaustive]`.
#![doc = include_str!("../README.md")]

pub mod assets;
pub mod components;
mod error_pages;
mod handlers;
mod icons;
pub mod layout;
pub mod markdown;
pub mod pages;
pub mod paths;
mod return_target;
mod routes;
mod visit;

pub use crate::error_pages::StudioPages;
pub use crate::icons::Icon;
pub use crate::routes::{StudioOp, StudioSettings, router};
