mod proofs;
mod retention;
mod search;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use ee_core::{
    AuditHead, AuditNode, AuditPlace, Error,
    storage::{AuditEntry, AuditHold, AuditIndex, AuditRecord, AuditStore, AuditStoredLink},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{MemoryStore, read, write};

/// The record: all logs under one lock, since an event is looked for in all of them.
#[derive(Default)]
pub(super) struct Record {
    checkpoints: BTreeMap<String, Vec<(u64, String)>>,
    /// By the time when they happened.
    events: BTreeMap<AuditPlace, AuditEntry>,
    holds: Vec<AuditHold>,
    /// In which log, and under which number, each event is that there has ever been.
    ids: HashMap<Uuid, (String, u64)>,
    left: BTreeMap<Uuid, AuditRecord>,
    logs: BTreeMap<String, Log>,
}

/// One log.
struct Log {
    head: AuditHead,
    links: Vec<AuditStoredLink>,
    nodes: Vec<AuditNode>,
    /// Where the events are that it still has.
    places: BTreeMap<u64, AuditPlace>,
}

impl Log {
    fn new(partition: &str) -> Self {
        Self {
            head: AuditHead::genesis(partition),
            links: Vec::new(),
            nodes: Vec::new(),
            places: BTreeMap::new(),
        }
    }
}

/// Where an event stands, to the microsecond as in every store.
fn place(record: &AuditRecord) -> AuditPlace {
    let at = record.event.timestamp;
    AuditPlace {
        timestamp: Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at),
        id: record.event.id,
    }
}

impl Record {
    fn add(&mut self, partition: &str, records: Vec<AuditRecord>, now: Timestamp) -> AuditHead {
        let begun = self.logs.remove(partition);
        let mut log = begun.unwrap_or_else(|| Log::new(partition));
        for record in records {
            let id = record.event.id;
            if self.ids.contains_key(&id) {
                continue;
            }
            let link = log.head.push(record.leaf());
            let seq = link.seq;
            log.links.push(AuditStoredLink {
                chain: link.chain,
                id,
                leaf: link.leaf,
                seq,
            });
            log.nodes.extend(link.nodes);
            let place = place(&record);
            log.places.insert(seq, place);
            self.ids.insert(id, (partition.to_owned(), seq));
            let entry = AuditEntry {
                partition: partition.to_owned(),
                received_at: now,
                record,
                seq,
            };
            self.events.insert(place, entry);
        }
        let head = log.head.clone();
        if head.size() > 0 {
            self.logs.insert(partition.to_owned(), log);
        }
        head
    }

    fn place(&self, id: Uuid) -> Option<AuditPlace> {
        let (partition, seq) = self.ids.get(&id)?;
        self.logs.get(partition)?.places.get(seq).copied()
    }
}

impl MemoryStore {
    /// Leaves events as a change of the store does: [`AuditStore::append_left`] moves them into a log.
    pub fn leave_events(&self, records: Vec<AuditRecord>) {
        let records = records.into_iter();
        let records = records.map(|record| (record.event.id, record));
        write(&self.record).left.extend(records);
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn append(
        &self,
        partition: &str,
        records: Vec<AuditRecord>,
        now: Timestamp,
    ) -> Result<AuditHead, Error> {
        Ok(write(&self.record).add(partition, records, now))
    }

    async fn append_left(&self, partition: &str, most: u32, now: Timestamp) -> Result<u32, Error> {
        let mut record = write(&self.record);
        let mut left = Vec::new();
        while left.len() < most as usize
            && let Some((_, first)) = record.left.pop_first()
        {
            left.push(first);
        }
        let count = u32::try_from(left.len()).unwrap_or(u32::MAX);
        record.add(partition, left, now);
        Ok(count)
    }

    async fn head(&self, partition: &str) -> Result<AuditHead, Error> {
        let record = read(&self.record);
        let log = record.logs.get(partition);
        Ok(log.map_or_else(|| AuditHead::genesis(partition), |log| log.head.clone()))
    }

    async fn partitions(&self) -> Result<Vec<String>, Error> {
        Ok(read(&self.record).logs.keys().cloned().collect())
    }

    async fn find_event(&self, id: Uuid) -> Result<Option<AuditEntry>, Error> {
        let record = read(&self.record);
        let place = record.place(id);
        Ok(place.and_then(|place| record.events.get(&place)).cloned())
    }

    async fn feed(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let record = read(&self.record);
        let Some(log) = record.logs.get(partition) else {
            return Ok(Vec::new());
        };
        let places = log.places.range(after.saturating_add(1)..);
        let entries = places.filter_map(|(_, place)| record.events.get(place));
        Ok(entries.take(limit as usize).cloned().collect())
    }
}

#[async_trait]
impl AuditIndex for MemoryStore {
    /// Every search looks at every event here.
    async fn index_events(&self, _most: u32) -> Result<u32, Error> {
        Ok(0)
    }
}
