use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::SinkName;

/// How a sink is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum SinkHealth {
    /// Deliveries fail and are tried again.
    #[serde(rename_all = "camelCase")]
    Failing {
        /// Whether it has failed so often that only single events are tried.
        is_open: bool,
        /// What the last try said.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// Nothing is sent until an operator says so.
    Paused {
        /// Why.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// All is well.
    Working,
}

/// Everything that is worth knowing of a sink.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SinkStatus {
    /// What it is called.
    pub name: SinkName,
    /// What kind of place it is.
    pub kind: &'static str,
    /// How it is.
    pub health: SinkHealth,
    /// How many events it has taken since the start, some of them more than once.
    pub accepted: u64,
    /// How many events it does not want.
    pub dead_letters: u64,
    /// How many events of the logs stand behind its cursors.
    pub lag: u64,
    /// When it has taken something for the last time since the start.
    pub last_accepted_at: Option<Timestamp>,
    /// The numbers of the last events that are done, by log.
    pub positions: BTreeMap<String, u64>,
    /// How many replays wait or are under way.
    pub replays: usize,
}
