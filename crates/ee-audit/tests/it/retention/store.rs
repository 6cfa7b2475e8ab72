//! A store in memory that stops working when a test says so.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use ee_core::{
    AuditHead, AuditNode, Error, ErrorKind,
    storage::{
        AuditEntry, AuditHold, AuditProofStore, AuditRecord, AuditRetention, AuditStore,
        AuditStoredLink,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

/// One log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) checkpoints: Vec<(u64, String)>,
    pub(crate) entries: BTreeMap<u64, AuditEntry>,
    pub(crate) head: Option<AuditHead>,
    pub(crate) links: Vec<AuditStoredLink>,
    nodes: Vec<AuditNode>,
}

/// When the store stops working.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Crash {
    /// After so many more changes, with the next one done and nobody told.
    Behind(u32),
    /// After so many more changes, before the next one.
    Before(u32),
}

/// What happens right before events are removed.
type Hook = Box<dyn FnMut(&mut Inner) + Send>;

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) before_prune: Option<Hook>,
    pub(crate) crash: Option<Crash>,
    pub(crate) holds: Vec<AuditHold>,
    ids: HashMap<Uuid, (String, u64)>,
    pub(crate) left: Vec<AuditRecord>,
    pub(crate) logs: BTreeMap<String, Log>,
}

#[derive(Default)]
pub(crate) struct Store(Mutex<Inner>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Changes something, or stops working before or behind that.
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> Result<T, Error> {
        let mut inner = self.inner();
        match inner.crash {
            Some(Crash::Before(0)) => return Err(crashed()),
            Some(Crash::Behind(0)) => {
                inner.crash = Some(Crash::Before(0));
                change(&mut inner);
                return Err(crashed());
            }
            Some(Crash::Before(left)) => inner.crash = Some(Crash::Before(left - 1)),
            Some(Crash::Behind(left)) => inner.crash = Some(Crash::Behind(left - 1)),
            None => {}
        }
        Ok(change(&mut inner))
    }
}

fn crashed() -> Error {
    Error::new(ErrorKind::Unavailable, "the store does not answer")
}

impl Inner {
    pub(crate) fn log(&mut self, partition: &str) -> &mut Log {
        self.logs.entry(partition.to_owned()).or_default()
    }

    fn add(&mut self, partition: &str, records: Vec<AuditRecord>, now: Timestamp) -> AuditHead {
        let log = self.logs.entry(partition.to_owned()).or_default();
        let head = log.head.take();
        let mut head = head.unwrap_or_else(|| AuditHead::genesis(partition));
        for record in records {
            let id = record.event.id;
            if self.ids.contains_key(&id) {
                continue;
            }
            let link = head.push(record.leaf());
            let seq = link.seq;
            self.ids.insert(id, (partition.to_owned(), seq));
            log.nodes.extend(link.nodes);
            log.links.push(AuditStoredLink {
                chain: link.chain,
                id,
                leaf: link.leaf,
                seq,
            });
            let entry = AuditEntry {
                record,
                partition: partition.to_owned(),
                received_at: now,
                seq,
            };
            log.entries.insert(seq, entry);
        }
        log.head = Some(head.clone());
        head
    }

    pub(crate) fn entry(&mut self, id: Uuid) -> Option<&mut AuditEntry> {
        let (partition, seq) = self.ids.get(&id)?;
        self.logs.get_mut(partition)?.entries.get_mut(seq)
    }
}

#[async_trait]
impl AuditStore for Store {
    async fn append(
        &self,
        partition: &str,
        records: Vec<AuditRecord>,
        now: Timestamp,
    ) -> Result<AuditHead, Error> {
        self.change(|inner| inner.add(partition, records, now))
    }

    async fn append_left(&self, partition: &str, _: u32, now: Timestamp) -> Result<u32, Error> {
        let mut inner = self.inner();
        let left = std::mem::take(&mut inner.left);
        let count = u32::try_from(left.len()).unwrap();
        inner.add(partition, left, now);
        Ok(count)
    }

    async fn head(&self, partition: &str) -> Result<AuditHead, Error> {
        let head = self.inner().log(partition).head.clone();
        Ok(head.unwrap_or_else(|| AuditHead::genesis(partition)))
    }

    async fn partitions(&self) -> Result<Vec<String>, Error> {
        Ok(self.inner().logs.keys().cloned().collect())
    }

    async fn find_event(&self, id: Uuid) -> Result<Option<AuditEntry>, Error> {
        Ok(self.inner().entry(id).cloned())
    }

    async fn feed(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut inner = self.inner();
        let entries = inner.log(partition).entries.range(after + 1..);
        let entries = entries.map(|(_, entry)| entry);
        Ok(entries.take(limit as usize).cloned().collect())
    }
}

#[async_trait]
impl AuditProofStore for Store {
    async fn links(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditStoredLink>, Error> {
        let mut inner = self.inner();
        let after = usize::try_from(after).unwrap();
        let links = inner.log(partition).links.iter().skip(after);
        Ok(links.take(limit as usize).cloned().collect())
    }

    async fn nodes(
        &self,
        partition: &str,
        level: u8,
        from: u64,
        limit: u32,
    ) -> Result<Vec<AuditNode>, Error> {
        let mut inner = self.inner();
        let nodes = inner.log(partition).nodes.iter();
        let nodes = nodes.filter(|node| node.level == level && node.index >= from);
        Ok(nodes.take(limit as usize).copied().collect())
    }

    async fn put_checkpoint(
        &self,
        partition: &str,
        size: u64,
        note: &str,
        _: Timestamp,
    ) -> Result<(), Error> {
        self.change(|inner| {
            let kept = &mut inner.log(partition).checkpoints;
            let at = kept.partition_point(|(other, _)| *other <= size);
            kept.insert(at, (size, note.to_owned()));
        })
    }

    async fn checkpoints(
        &self,
        partition: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<(u64, String)>, Error> {
        let mut inner = self.inner();
        let kept = inner.log(partition).checkpoints.iter();
        let kept = kept.filter(|(size, _)| *size >= from);
        Ok(kept.take(limit as usize).cloned().collect())
    }

    async fn last_checkpoint(&self, partition: &str) -> Result<Option<(u64, String)>, Error> {
        Ok(self.inner().log(partition).checkpoints.last().cloned())
    }
}

#[async_trait]
impl AuditRetention for Store {
    async fn prune(&self, partition: &str, ids: &[Uuid]) -> Result<u64, Error> {
        let hook = self.inner().before_prune.take();
        if let Some(mut hook) = hook {
            hook(&mut self.inner());
            self.inner().before_prune = Some(hook);
        }
        self.change(|inner| {
            let mut count = 0;
            for id in ids {
                if let Some((of, seq)) = inner.ids.get(id).cloned()
                    && of == partition
                    && inner.log(partition).entries.remove(&seq).is_some()
                {
                    count += 1;
                }
            }
            count
        })
    }

    async fn erase(&self, ids: &[Uuid]) -> Result<u64, Error> {
        self.change(|inner| {
            let mut count = 0;
            for id in ids {
                if let Some(entry) = inner.entry(*id)
                    && entry.record.personal.take().is_some()
                {
                    let canonical = entry.record.canonical.clone();
                    entry.record = AuditRecord::restore(canonical, None).unwrap();
                    count += 1;
                }
            }
            count
        })
    }

    async fn put_hold(&self, hold: AuditHold) -> Result<(), Error> {
        let mut inner = self.inner();
        if inner.holds.iter().any(|other| other.id == hold.id) {
            return Err(Error::new(ErrorKind::Conflict, "the id is taken"));
        }
        inner.holds.push(hold);
        Ok(())
    }

    async fn release_hold(&self, id: &str) -> Result<Option<AuditHold>, Error> {
        let mut inner = self.inner();
        let at = inner.holds.iter().position(|hold| hold.id == id);
        Ok(at.map(|at| inner.holds.remove(at)))
    }

    async fn holds(&self) -> Result<Vec<AuditHold>, Error> {
        Ok(self.inner().holds.clone())
    }
}
