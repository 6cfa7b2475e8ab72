use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use ee_core::{
    Error, Visible,
    storage::{AgentRecord, WorkflowRecord},
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

/// How long a list is given out before it is read again, so that another process's write is seen.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(1);

/// The last list that was read. Giving it out takes no lock and copies nothing.
#[derive(Debug)]
pub(crate) struct ListCache<T> {
    /// Moves with every write, so that a list that was read before it is never given out after it.
    generation: AtomicU64,
    reading: Mutex<()>,
    slot: ArcSwapOption<Slot<T>>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u64,
    read_at: Timestamp,
    rows: Arc<[T]>,
}

impl<T> Default for ListCache<T> {
    fn default() -> Self {
        Self {
            generation: AtomicU64::new(0),
            reading: Mutex::new(()),
            slot: ArcSwapOption::empty(),
        }
    }
}

/// A row of a list that may be narrowed down.
pub(crate) trait Row: Clone {
    /// Returns what it is narrowed down by.
    fn id(&self) -> &str;
}

impl Row for AgentRecord {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl Row for WorkflowRecord {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl<T: Row> ListCache<T> {
    /// Returns the rows that may be shown, read by `read` when they are few or the kept list is too old.
    pub(crate) async fn shown(
        &self,
        now: Timestamp,
        visible: &Visible,
        read: impl AsyncFnOnce(&Visible) -> Result<Vec<T>, Error>,
    ) -> Result<Arc<[T]>, Error> {
        let except = match visible {
            Visible::Only(_) => return Ok(read(visible).await?.into()),
            Visible::All { except } => except,
        };
        let all = async || read(&Visible::EVERYTHING).await;
        let rows = self.rows(now, all).await?;
        if except.is_empty() {
            return Ok(rows);
        }
        let rows = rows.iter().filter(|row| !except.contains(row.id()));
        Ok(rows.cloned().collect())
    }
}

impl<T> ListCache<T> {
    /// Returns the list, read by `read` when the kept one is too old. One caller reads, others wait.
    pub(crate) async fn rows(
        &self,
        now: Timestamp,
        read: impl AsyncFnOnce() -> Result<Vec<T>, Error>,
    ) -> Result<Arc<[T]>, Error> {
        if let Some(rows) = self.fresh(now) {
            return Ok(rows);
        }
        let _reading = self.reading.lock().await;
        if let Some(rows) = self.fresh(now) {
            return Ok(rows);
        }

        let generation = self.generation.load(Ordering::Acquire);
        let rows: Arc<[T]> = read().await?.into();
        self.slot.store(Some(Arc::new(Slot {
            generation,
            read_at: now,
            rows: rows.clone(),
        })));
        Ok(rows)
    }

    /// Forgets the list when the guard is dropped, also when the write is given up halfway.
    pub(crate) const fn writing(&self) -> Writing<'_, T> {
        Writing(self)
    }

    fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.slot.store(None);
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<[T]>> {
        let slot = self.slot.load();
        let slot = slot.as_ref()?;
        // Callers that waited for each other hold moments that differ a little in both directions.
        let fresh = slot.generation == self.generation.load(Ordering::Acquire)
            && now.duration_since(slot.read_at).abs() < MAX_AGE;
        fresh.then(|| slot.rows.clone())
    }
}

/// A write that is under way.
#[derive(Debug)]
pub(crate) struct Writing<'a, T>(&'a ListCache<T>);

impl<T> Drop for Writing<'_, T> {
    fn drop(&mut self) {
        self.0.invalidate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[tokio::test]
    async fn a_list_is_read_once_a_second_and_after_a_write() {
        let cache = ListCache::default();
        let reads = AtomicU64::new(0);
        let read = async || Ok(vec![reads.fetch_add(1, Ordering::Relaxed)]);

        let first = cache.rows(at(0), read).await.unwrap();
        let again = cache.rows(at(999), read).await.unwrap();
        let later = cache.rows(at(1_000), read).await.unwrap();
        drop(cache.writing());
        let written = cache.rows(at(1_001), read).await.unwrap();

        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!((later.as_ref(), written.as_ref()), (&[1][..], &[2][..]));
    }

    #[tokio::test]
    async fn a_list_that_was_read_before_a_write_is_not_kept_after_it() {
        let cache = ListCache::default();

        let before = cache
            .rows(at(0), async || {
                drop(cache.writing());
                Ok(vec!["before"])
            })
            .await
            .unwrap();
        let after = cache.rows(at(0), async || Ok(vec!["after"])).await.unwrap();

        assert_eq!((before[0], after[0]), ("before", "after"));
    }

    #[tokio::test]
    async fn a_clock_that_jumps_back_does_not_freeze_the_list() {
        let cache = ListCache::default();

        cache.rows(at(10_000), async || Ok(vec![1])).await.unwrap();
        let rows = cache.rows(at(5_000), async || Ok(vec![2])).await.unwrap();

        assert_eq!(rows.as_ref(), [2]);
    }
}
