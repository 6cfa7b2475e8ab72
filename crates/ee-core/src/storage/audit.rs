//! The record as a store keeps it.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    AuditEvent, AuditField, AuditFilter, AuditHash, AuditHead, AuditNode, AuditQuery, Error,
};

/// An event, ready to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// JSON in the canonical form of RFC 8785, with commitments in place of what can be erased. This is hashed, and kept
    /// as it is.
    pub canonical: String,
    /// The same event with everything in it: what is searched.
    pub event: AuditEvent,
    /// What the commitments stand for; gone when it was erased.
    pub personal: Option<String>,
}

/// An event that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// What is kept. The event of a part that was erased is without it.
    pub record: AuditRecord,
    /// Which log it is in.
    pub partition: String,
    /// When the store took it.
    pub received_at: Timestamp,
    /// Its number there.
    pub seq: u64,
}

/// What is kept of an event, as it lies there.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditKept {
    /// An event like nearly all: there is a [glance](crate::AuditGlance) at it, and it is found by what it is.
    Plain {
        /// Which event it is.
        id: Uuid,
        /// The hash of its canonical bytes.
        leaf: AuditHash,
        /// Its number.
        seq: u64,
    },
    /// Something that has to be looked at closely.
    Text {
        /// What was hashed.
        canonical: String,
        /// What is searched, where a store does not make it of the other two.
        event: Option<Box<AuditEvent>>,
        /// Whether the event is found by what it is: what a store searches in is made of the other two.
        is_filed: bool,
        /// What the commitments stand for.
        personal: Option<String>,
        /// Its number.
        seq: u64,
    },
}

impl AuditKept {
    /// Returns its number.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Plain { seq, .. } | Self::Text { seq, .. } => *seq,
        }
    }
}

impl From<AuditEntry> for AuditKept {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { record, seq, .. } = entry;
        Self::Text {
            canonical: record.canonical,
            event: Some(Box::new(record.event)),
            is_filed: true,
            personal: record.personal,
            seq,
        }
    }
}

/// What an event has got in its log, also when the event itself has been removed after its time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditStoredLink {
    /// Hash of everything up to it.
    pub chain: AuditHash,
    /// Id of the event.
    pub id: Uuid,
    /// Hash of its canonical bytes.
    pub leaf: AuditHash,
    /// Its number.
    pub seq: u64,
}

/// Keeps the logs.
///
/// Events of a partition are added one behind another, whoever adds them, and what is added is on the disk. What is
/// there is never changed but by [`AuditRetention`].
#[async_trait]
pub trait AuditStore: fmt::Debug + Send + Sync + 'static {
    /// Adds the events that the log does not have yet, in this order, and returns where it ends then. All are there or
    /// none.
    async fn append(
        &self,
        partition: &str,
        records: Vec<AuditRecord>,
        now: Timestamp,
    ) -> Result<AuditHead, Error>;

    /// Adds up to so many events that changes of the store have left in their transactions, and returns how many.
    async fn append_left(&self, partition: &str, most: u32, now: Timestamp) -> Result<u32, Error>;

    /// Returns where a log ends; one that nobody has begun ends at its genesis.
    async fn head(&self, partition: &str) -> Result<AuditHead, Error>;

    /// Returns the logs that there are, by name.
    async fn partitions(&self) -> Result<Vec<String>, Error>;

    /// Finds an event by its id.
    async fn find_event(&self, id: Uuid) -> Result<Option<AuditEntry>, Error>;

    /// Returns the events of a log behind this number, in order.
    async fn feed(&self, partition: &str, after: u64, limit: u32)
    -> Result<Vec<AuditEntry>, Error>;

    /// Returns the same as it is kept, whether it is an event or not.
    async fn feed_kept(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditKept>, Error> {
        let entries = self.feed(partition, after, limit).await?;
        Ok(entries.into_iter().map(AuditKept::from).collect())
    }
}

/// How many events there are, as far as they were counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuditCount {
    /// As many were counted.
    pub counted: u64,
    /// Whether there are more.
    pub is_capped: bool,
}

/// Events of one span of time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditBucket {
    /// When the span begins.
    pub start: Timestamp,
    /// How many events have this value.
    pub count: u64,
    /// What they have in the field.
    pub value: String,
}

/// Spans of time that are all as long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuditSpans {
    /// How long each one is, in seconds.
    pub seconds: u32,
    /// How far the clock by which they begin is ahead of UTC, in seconds: they begin at whole multiples on that clock.
    pub offset: i32,
}

impl AuditSpans {
    /// Spans of so many seconds on the clock of UTC.
    pub const fn of(seconds: u32) -> Self {
        Self { seconds, offset: 0 }
    }

    /// Takes a clock that is so many seconds ahead of UTC.
    #[must_use]
    pub const fn ahead_by(mut self, offset: i32) -> Self {
        self.offset = offset;
        self
    }
}

/// Searches the logs, all of them at once.
#[async_trait]
pub trait AuditSearch: fmt::Debug + Send + Sync + 'static {
    /// Returns events by the time when they happened. It costs the same at any depth.
    async fn search(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, Error>;

    /// Counts up to so many.
    async fn count(&self, filter: &AuditFilter, most: u64) -> Result<AuditCount, Error>;

    /// Counts events by the time when they happened, in such spans, and what they have in a field.
    async fn histogram(
        &self,
        filter: &AuditFilter,
        by: AuditField,
        spans: AuditSpans,
    ) -> Result<Vec<AuditBucket>, Error>;

    /// Returns the values that occur most in a field, and how often.
    async fn facet(
        &self,
        filter: &AuditFilter,
        field: AuditField,
        most: u32,
    ) -> Result<Vec<(String, u64)>, Error>;
}

/// Follows behind the logs with what makes searches quick. A search is right without it, and slow.
#[async_trait]
pub trait AuditIndex: fmt::Debug + Send + Sync + 'static {
    /// Brings up to so many more events into the indexes of words and counts. Returns how many, 0 when all are there.
    async fn index_events(&self, most: u32) -> Result<u32, Error>;
}

/// Keeps what proves that nothing was changed.
#[async_trait]
pub trait AuditProofStore: fmt::Debug + Send + Sync + 'static {
    /// Returns links of a log behind this number, in order.
    async fn links(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditStoredLink>, Error>;

    /// Returns kept nodes of one level from an index on, in order.
    async fn nodes(
        &self,
        partition: &str,
        level: u8,
        from: u64,
        limit: u32,
    ) -> Result<Vec<AuditNode>, Error>;

    /// Keeps a signed checkpoint over so many events.
    async fn put_checkpoint(
        &self,
        partition: &str,
        size: u64,
        note: &str,
        now: Timestamp,
    ) -> Result<(), Error>;

    /// Returns signed checkpoints with their sizes over at least so many events, the smallest first.
    async fn checkpoints(
        &self,
        partition: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<(u64, String)>, Error>;

    /// Returns the newest one.
    async fn last_checkpoint(&self, partition: &str) -> Result<Option<(u64, String)>, Error>;
}

/// A legal hold: what fits it stays until it is released.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditHold {
    /// Which one.
    pub id: String,
    /// What must stay, in the grammar of the search.
    pub filter: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub owner: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// Removes what its time, or the law, lets go.
#[async_trait]
pub trait AuditRetention: fmt::Debug + Send + Sync + 'static {
    /// Removes events by their ids and leaves their links. Returns how many there were.
    async fn prune(&self, partition: &str, ids: &[Uuid]) -> Result<u64, Error>;

    /// Removes what the commitments of these events stand for, here and in what is searched. Returns how many had any.
    async fn erase(&self, ids: &[Uuid]) -> Result<u64, Error>;

    /// Begins a hold. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when its id is taken.
    async fn put_hold(&self, hold: AuditHold) -> Result<(), Error>;

    /// Ends a hold and returns it.
    async fn release_hold(&self, id: &str) -> Result<Option<AuditHold>, Error>;

    /// Returns the holds, the oldest first.
    async fn holds(&self) -> Result<Vec<AuditHold>, Error>;
}
