//! Rules that hold for every page in every state of the gallery, and the real router driven like a browser drives it.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, also in the functions that tests share"
)]

mod account;
mod agents;
mod browser;
mod contrast;
mod doubles;
mod links;
mod markup;
mod roles;
mod second_factor;
mod sessions;
mod sign_in;
mod step_up;
mod table;
mod workflows;

#[path = "../../examples/gallery/samples.rs"]
mod samples;
