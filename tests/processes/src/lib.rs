//! Real servers, as processes on real databases: what must not be lost when one is killed, what all of them must know
//! within a second, and what none of them may tell.
//!
//! [`Installation`] is what servers share, [`Server`] one of them, [`Api`] how it is asked. [`Load`] writes and keeps a
//! [`Journal`] of what was acknowledged; [`Vault`] keeps the secrets that were used and searches for them.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and is told by variables where the binary is and how much to do"
)]

mod api;
mod audit;
mod callers;
mod dice;
mod disk;
mod harness;
mod journal;
mod load;
mod lossy;
mod mailbox;
mod process;
mod receiver;
mod stream;
mod times;
mod vault;

pub use api::{Answer, Api, Ask, Credential};
pub use audit::{Actors, Done, Record, settle};
pub use callers::{Act, Call, Callers, call, recorded, times};
pub use dice::Dice;
pub use disk::SmallDisk;
pub use harness::{Installation, Server};
pub use journal::{Journal, Write};
pub use load::Load;
pub use lossy::{Losses, LossyDisk};
pub use mailbox::{Mailbox, secret_of_link};
pub use process::{Process, command};
pub use receiver::{Conduct, Receiver};
pub use stream::OpenStream;
pub use times::Times;
pub use vault::{Search, Vault};

use std::time::Duration;

/// How long something may take that has no bound of its own before a test gives up: longer than the minute for which what
/// was away may be left alone.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Returns the number that a variable says, for a longer run than usual.
pub fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is `{text}` and must be a number")),
        Err(_) => otherwise,
    }
}

/// Waits for something, for [`PATIENCE`] at most; the message says for what.
pub async fn patiently<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, wait).await;
    done.unwrap_or_else(|_| panic!("{what} takes more than {} s", PATIENCE.as_secs()))
}
