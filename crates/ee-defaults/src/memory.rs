//! The store that forgets when the process ends.

mod agents;
mod runs;
mod sessions;
mod shards;
mod threads;

use std::{
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use ee_core::{
    Error, ErrorKind,
    storage::{ChangeHub, Page, Paged, SessionRecord, SignInFlow},
};
use jiff::Timestamp;

use self::{agents::Agents, runs::Runs, shards::Shards, threads::Threads};

/// Keeps every storage domain in memory: for tests, trials and embedders that need no more.
///
/// Nothing is bounded and nothing survives the process. Sessions, ended sessions and sign-in flows
/// that are over stay until a purge method takes them; conversations, messages and runs stay until
/// they are deleted. Finding a session takes one lock of one of 16 shards for as long as it takes
/// to copy the record. No lock is held across an `.await`.
#[derive(Default)]
pub struct MemoryStore {
    agents: RwLock<Agents>,
    ended: Shards<Timestamp>,
    flows: Shards<SignInFlow>,
    hub: ChangeHub,
    runs: RwLock<Runs>,
    sessions: Shards<SessionRecord>,
    threads: RwLock<Threads>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns where changes are told.
    pub const fn hub(&self) -> &ChangeHub {
        &self.hub
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// Locks for reading. Each change is whole before its lock is released, so a panic elsewhere while
/// it was held has left nothing half done.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing; see [`read`].
fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn bad_cursor() -> Error {
    Error::invalid_field("after", "is not where a part of this list ended")
}

fn taken(what: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, what)
}

/// Copies one page of what is sorted already.
fn page_of<T: Clone>(sorted: &[&T], page: Page) -> Paged<T> {
    let before = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    Paged {
        rows: sorted
            .iter()
            .skip(before)
            .take(size)
            .map(|row| T::clone(row))
            .collect(),
        total: count(sorted.len()),
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
