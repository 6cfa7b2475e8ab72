//! The product in a real browser.

mod failures;
mod owner;
mod plain;
mod sessions;
mod sign_in;
mod sign_up;
mod sso;
mod viewer;
