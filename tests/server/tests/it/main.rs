//! Attacks on a whole server, and what it must answer.

mod access;
mod cookies;
mod cross_site;
mod redirects;
mod request_headers;
mod spellings;
mod sso;
