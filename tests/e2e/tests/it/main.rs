//! The product in a real browser.

mod account;
mod failures;
mod letters;
mod owner;
mod plain;
mod sessions;
mod sign_in;
mod sign_up;
mod sso;
mod two_step;
mod viewer;
