//! What of a sink outlives a restart.

mod file;

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use ee_core::{Error, storage::AuditEntry};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use file::FileSinkStore;

use super::SinkName;

/// The last event of a log that is done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SinkCursor {
    /// Which event; nil where that is not known.
    pub id: Uuid,
    /// Its number.
    pub seq: u64,
}

impl SinkCursor {
    /// Before the first event.
    pub const START: Self = Self {
        id: Uuid::nil(),
        seq: 0,
    };

    pub(super) const fn at(entry: &AuditEntry) -> Self {
        Self {
            id: entry.record.event.id,
            seq: entry.seq,
        }
    }
}

/// Why nothing is sent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SinkPause {
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Events that are sent once more.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum SinkReplay {
    /// Those that were refused.
    DeadLetters {
        /// The last one that was tried.
        after: Option<Uuid>,
    },
    /// Those of a log from one number to another.
    Events {
        /// Which log.
        partition: String,
        /// The next number.
        next: u64,
        /// The last number.
        last: u64,
    },
}

/// What of a sink outlives a restart, but for its dead letters.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SinkState {
    /// What is done, by log.
    pub cursors: BTreeMap<String, SinkCursor>,
    /// Whether an operator has stopped it.
    pub paused: Option<SinkPause>,
    /// What was asked for once more, the first one first.
    pub replays: Vec<SinkReplay>,
}

/// An event that a sink does not want. It says where the event is, and nothing of what is in it: what is erased there is
/// not left here.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeadLetter {
    /// When it was given up.
    pub at: Timestamp,
    /// Which event.
    pub id: Uuid,
    /// In which log.
    pub partition: String,
    /// What the receiver said.
    pub reason: String,
    /// Its number there.
    pub seq: u64,
    /// How often it was tried.
    pub tries: u32,
}

impl DeadLetter {
    /// Describes an event that was given up.
    pub fn new(entry: &AuditEntry, reason: String, tries: u32, at: Timestamp) -> Self {
        Self {
            at,
            id: entry.record.event.id,
            partition: entry.partition.clone(),
            reason,
            seq: entry.seq,
            tries,
        }
    }
}

/// Keeps what of sinks outlives a restart. What it has answered for is durable.
#[async_trait]
pub trait SinkStore: fmt::Debug + Send + Sync + 'static {
    /// Returns what was saved; the default when nothing was.
    async fn load(&self, sink: &SinkName) -> Result<SinkState, Error>;

    /// Replaces what was saved, in one step.
    async fn save(&self, sink: &SinkName, state: &SinkState) -> Result<(), Error>;

    /// Keeps a dead letter, in place of one of the same event.
    async fn put_dead_letter(&self, sink: &SinkName, letter: &DeadLetter) -> Result<(), Error>;

    /// Returns dead letters by the ids of their events, those behind one of them.
    async fn dead_letters(
        &self,
        sink: &SinkName,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error>;

    /// Counts the dead letters.
    async fn count_dead_letters(&self, sink: &SinkName) -> Result<u64, Error>;

    /// Forgets dead letters by the ids of their events and returns how many there were.
    async fn remove_dead_letters(&self, sink: &SinkName, ids: &[Uuid]) -> Result<u64, Error>;
}
