//! Reads of few rows by their key, made where they are asked for.

use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use crate::{OpenError, error::is_busy, open};

static NEXT_SEAT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Where this thread starts to look, so that threads seldom meet at one connection.
    static SEAT: usize = NEXT_SEAT.fetch_add(1, Ordering::Relaxed);
}

/// Connections of their own for reads that take microseconds.
///
/// A session is looked up on every request. Handing the question to a reader thread and waking
/// the task again costs several times what the lookup costs, so it is made on the calling
/// thread, under two conditions that keep that thread free: nothing waits (a connection is taken
/// by `try_lock`, and SQLite answers "busy" at once), and only lookups by key come here. Whoever
/// finds no free connection goes to the reader threads.
pub(crate) struct PointReads(Box<[Mutex<Option<Connection>>]>);

impl PointReads {
    pub(crate) fn open(path: &Path, count: usize) -> Result<Self, OpenError> {
        (0..count.max(1))
            .map(|_| open::reader(path, Duration::ZERO).map(|conn| Mutex::new(Some(conn))))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Runs the read here. `None` when that would mean to wait.
    pub(crate) fn try_read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<rusqlite::Result<T>> {
        let conn = self.free()?;
        match read(conn.as_ref()?) {
            Err(err) if is_busy(&err) => None,
            result => Some(result),
        }
    }

    /// Closes the connections; every later read goes to the reader threads.
    pub(crate) fn close(&self) {
        for conn in &self.0 {
            conn.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    fn free(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        let seat = SEAT.with(|seat| *seat) % self.0.len().max(1);
        let (before, after) = self.0.split_at_checked(seat)?;
        after
            .iter()
            .chain(before)
            .find_map(|conn| match conn.try_lock() {
                Ok(conn) => Some(conn),
                // A query that panicked was reset when it was dropped.
                Err(TryLockError::Poisoned(conn)) => Some(conn.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            })
    }
}
