//! How far it is.

use serde::Serialize;

/// What is being done.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetentionStep {
    /// Events are written into an archive.
    Archive,
    /// What events say of a person is erased.
    Erase,
    /// Events are removed.
    Prune,
    /// Events are looked at.
    Scan,
    /// An archive is read again.
    Verify,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetentionProgress {
    /// What is being done.
    pub step: RetentionStep,
    /// So many events are done.
    pub done: u64,
    /// So many there are, as far as that is known.
    pub total: Option<u64>,
}

/// Who is told how far a run is.
pub(super) struct Teller<'a>(&'a mut (dyn FnMut(RetentionProgress) + Send));

impl<'a> Teller<'a> {
    pub(super) fn new(tell: &'a mut (dyn FnMut(RetentionProgress) + Send)) -> Self {
        Self(tell)
    }

    pub(super) fn tell(&mut self, step: RetentionStep, done: u64, total: Option<u64>) {
        (self.0)(RetentionProgress { step, done, total });
    }
}
