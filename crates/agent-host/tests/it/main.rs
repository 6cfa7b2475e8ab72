//! Behaviour of the crate as a whole, over stores in memory and a model endpoint on a socket.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

mod agents;
mod chat;
mod clock;
mod endpoint;
mod openai;
mod runs;
mod samples;
mod script;
mod stops;
mod stores;
mod watch;
mod workflows;
mod world;
