//! Rules that hold for every page in every state of the gallery, and the real router driven like a browser drives it.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, also in the functions that tests share"
)]

mod agents;
mod browser;
mod contrast;
mod doubles;
mod markup;
mod roles;
mod sessions;
mod sign_in;
mod table;
mod workflows;

#[path = "../../examples/gallery/samples.rs"]
mod samples;
