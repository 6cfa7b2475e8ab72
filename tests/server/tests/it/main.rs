//! Attacks on a whole server, and what it must answer.

mod access;
mod bodies;
mod cookies;
mod cross_site;
mod faults;
mod foreign;
mod licence;
mod record;
mod redirects;
mod request_headers;
mod roles;
mod secrets;
mod spellings;
mod sso;
mod threads;
mod wire;
