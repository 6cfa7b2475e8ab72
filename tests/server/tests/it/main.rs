//! Attacks on a whole server, and what it must answer.

mod access;
mod bodies;
mod cookies;
mod cross_site;
mod redirects;
mod request_headers;
mod roles;
mod spellings;
mod sso;
