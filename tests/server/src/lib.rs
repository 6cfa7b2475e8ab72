//! A whole server in one process: every part that the product has, in memory, driven without a socket.
//!
//! [`TestServer`] is the server, [`Ask`] a request to it, [`Answer`] what came back. [`Call`] is a request
//! that succeeds, for each operation of the route table. The attacks are the tests of this crate.
#![expect(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod answer;
mod ask;
mod audit;
mod call;
mod dice;
mod directory;
mod encoding;
mod idp;
mod kept;
mod letters;
mod logs;
mod open;
mod parts;
mod people;
mod seeds;
mod server;
mod setup;
mod store;

pub use answer::Answer;
pub use ask::Ask;
pub use audit::MemoryAudit;
pub use call::{Call, expect_success, needs_accounts};
pub use dice::Dice;
pub use encoding::percent_encode;
pub use idp::FakeIdp;
pub use letters::{Letter, Letters};
pub use logs::LogCapture;
pub use open::Open;
pub use people::{Stranger, Who, roles};
pub use server::TestServer;
pub use setup::{AuthKind, SessionKind, Setup};
pub use store::TestStore;
