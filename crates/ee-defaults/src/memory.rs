//! The store that forgets when the process ends.

mod accounts;
mod agents;
mod assignments;
mod audit;
mod directory;
mod grants;
mod groups;
mod identities;
mod keys;
mod roles;
mod runs;
mod sessions;
mod shards;
mod threads;
mod throttle;
mod tokens;

use std::{
    fmt,
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use ee_core::{
    AuditResource, AuditRide, Error, ErrorKind,
    storage::{ChangeHub, Cursor, Page, Paged, SignInFlow},
};
use jiff::Timestamp;

use self::{
    agents::Agents, audit::Record, directory::Directory, runs::Runs, sessions::Sessions,
    shards::Shards, threads::Threads, throttle::Throttle,
};

/// Keeps every storage domain in memory: for tests, trials and embedders that need no more.
///
/// Nothing is bounded and nothing survives the process. Sessions, sign-in flows, grants, tokens and
/// attempts that are over stay until a purge method takes them; everything else stays until it is
/// deleted. Finding a session takes one lock of one of 16 shards for as long as it takes to copy
/// the record. No lock is held across an `.await`, and none while a change is told.
#[derive(Default)]
pub struct MemoryStore {
    agents: RwLock<Agents>,
    /// Taken before the sessions, and after agents, runs and conversations, by whoever needs both.
    directory: RwLock<Directory>,
    ended: Shards<Timestamp>,
    flows: Shards<SignInFlow>,
    hub: ChangeHub,
    record: RwLock<Record>,
    runs: RwLock<Runs>,
    sessions: Sessions,
    threads: RwLock<Threads>,
    throttle: RwLock<Throttle>,
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

impl MemoryStore {
    /// Takes along the event that describes a change which was just made. Nothing here outlives the process, so nothing
    /// can come between the two.
    fn carry(&self, about: Option<&AuditResource>) {
        let Some(ride) = AuditRide::current() else {
            return;
        };
        // Without randomness there is no event: whoever waits for the end records it, or fails.
        if let Ok(record) = ride.record(about) {
            self.leave_events(vec![record]);
            ride.carried();
        }
    }
}

/// Names a thing that a change is about.
fn thing(kind: &'static str, id: &str, name: &str) -> AuditResource {
    let mut thing = AuditResource::new(kind, id);
    thing.name = Some(name.to_owned());
    thing
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

/// Returns which keys follow the cursor.
fn after(cursor: &Cursor) -> (Bound<&str>, Bound<&str>) {
    let after = cursor.after.as_deref();
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    (from, Bound::Unbounded)
}

/// Returns how many rows tell what the cursor asks for and whether something follows.
fn one_more(cursor: &Cursor) -> usize {
    cursor.limit as usize + 1
}

/// Writes a place in a list that is ordered by several columns.
fn place(columns: &[&str]) -> String {
    serde_json::Value::from(columns).to_string()
}

/// Reads what [`place`] writes. Fails with [`ErrorKind::Invalid`].
fn columns<const N: usize>(cursor: &Cursor) -> Result<Option<[String; N]>, Error> {
    let Some(after) = &cursor.after else {
        return Ok(None);
    };
    let columns: Option<Vec<String>> = serde_json::from_str(after).ok();
    let columns = columns.and_then(|columns| columns.try_into().ok());
    columns.map(Some).ok_or_else(bad_cursor)
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
