//! A store in memory whose rows a test changes as it likes, and logs to put into it.

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use ee_audit::integrity::{Checkpoint, Evidence, Report, SigningKey, VerifierKeys, verify_store};
use ee_core::{
    ActorType, AuditAction, AuditActor, AuditChange, AuditEvent, AuditHead, AuditNode,
    AuditOutcome, AuditResource, Error, ErrorKind,
    storage::{AuditEntry, AuditProofStore, AuditRecord, AuditStore, AuditStoredLink},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

pub(crate) const DEPLOYMENT: &str = "ee.example";
pub(crate) const PARTITION: &str = "default";

/// The rows of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) checkpoints: Vec<(u64, String)>,
    pub(crate) entries: Vec<AuditEntry>,
    pub(crate) head: Option<AuditHead>,
    /// Whether events cannot be read for the time being.
    pub(crate) is_down: bool,
    /// Whether where the log ends cannot be read.
    pub(crate) is_head_unreadable: bool,
    pub(crate) links: Vec<AuditStoredLink>,
    pub(crate) nodes: Vec<AuditNode>,
    /// How many rows each query has returned.
    pub(crate) read: Vec<usize>,
    /// Numbers of events that cannot be read.
    pub(crate) unreadable: Vec<u64>,
}

impl Rows {
    pub(crate) fn head(&self) -> AuditHead {
        let head = self.head.clone();
        head.unwrap_or_else(|| AuditHead::genesis(PARTITION))
    }

    /// Makes the head, the nodes and the links anew, as somebody would who wants to hide what he did.
    pub(crate) fn rehash(&mut self, from: u64) {
        let mut head = AuditHead::genesis(PARTITION);
        self.nodes.clear();
        for (entry, link) in self.entries.iter().zip(&mut self.links) {
            let leaf = if link.seq >= from {
                entry.record.leaf()
            } else {
                link.leaf
            };
            let new = head.push(leaf);
            self.nodes.extend(new.nodes);
            (link.seq, link.leaf, link.chain, link.id) =
                (new.seq, new.leaf, new.chain, entry.record.event.id);
        }
        for (entry, link) in self.entries.iter_mut().zip(&self.links) {
            entry.seq = link.seq;
        }
        self.head = Some(head);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Rows>);

impl Memory {
    pub(crate) fn new(rows: Rows) -> Self {
        Self(Mutex::new(rows))
    }

    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }

    pub(crate) fn copy(&self) -> Rows {
        self.rows().clone()
    }
}

fn behind<T: Clone>(rows: &[T], seq: impl Fn(&T) -> u64, after: u64, limit: u32) -> Vec<T> {
    let rows = rows.iter().filter(|row| seq(row) > after);
    rows.take(limit as usize).cloned().collect()
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Internal, "an event of the record cannot be read")
}

#[async_trait]
impl AuditStore for Memory {
    async fn append(
        &self,
        partition: &str,
        records: Vec<AuditRecord>,
        now: Timestamp,
    ) -> Result<AuditHead, Error> {
        assert_eq!(partition, PARTITION);
        let mut rows = self.rows();
        let mut head = rows.head();
        for record in records {
            let link = head.push(record.leaf());
            rows.nodes.extend(link.nodes);
            rows.links.push(AuditStoredLink {
                chain: link.chain,
                id: record.event.id,
                leaf: link.leaf,
                seq: link.seq,
            });
            rows.entries.push(AuditEntry {
                record,
                partition: partition.to_owned(),
                received_at: now,
                seq: link.seq,
            });
        }
        rows.head = Some(head.clone());
        Ok(head)
    }

    async fn append_left(&self, _: &str, _: u32, _: Timestamp) -> Result<u32, Error> {
        Ok(0)
    }

    async fn head(&self, _: &str) -> Result<AuditHead, Error> {
        let rows = self.rows();
        if rows.is_head_unreadable {
            return Err(unreadable());
        }
        Ok(rows.head())
    }

    async fn partitions(&self) -> Result<Vec<String>, Error> {
        Ok(vec![PARTITION.to_owned()])
    }

    async fn find_event(&self, id: Uuid) -> Result<Option<AuditEntry>, Error> {
        let rows = self.rows();
        let found = rows.entries.iter().find(|it| it.record.event.id == id);
        if found.is_some_and(|it| rows.unreadable.contains(&it.seq)) {
            return Err(unreadable());
        }
        Ok(found.cloned())
    }

    async fn feed(&self, _: &str, after: u64, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        let rows = self.rows();
        if rows.is_down {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the store does not answer",
            ));
        }
        let mut entries = rows.entries.clone();
        entries.sort_by_key(|entry| entry.seq);
        let entries = behind(&entries, |it| it.seq, after, limit);
        if entries.iter().any(|it| rows.unreadable.contains(&it.seq)) {
            return Err(unreadable());
        }
        Ok(entries)
    }
}

#[async_trait]
impl AuditProofStore for Memory {
    async fn links(&self, _: &str, after: u64, limit: u32) -> Result<Vec<AuditStoredLink>, Error> {
        let mut rows = self.rows();
        rows.links.sort_by_key(|link| link.seq);
        let links = behind(&rows.links, |it| it.seq, after, limit);
        rows.read.push(links.len());
        Ok(links)
    }

    async fn nodes(
        &self,
        _: &str,
        level: u8,
        from: u64,
        limit: u32,
    ) -> Result<Vec<AuditNode>, Error> {
        let mut rows = self.rows();
        let nodes = rows
            .nodes
            .iter()
            .filter(|it| it.level == level && it.index >= from);
        let mut nodes: Vec<AuditNode> = nodes.copied().collect();
        nodes.sort_by_key(|node| node.index);
        nodes.truncate(limit as usize);
        rows.read.push(nodes.len());
        Ok(nodes)
    }

    async fn put_checkpoint(
        &self,
        _: &str,
        size: u64,
        note: &str,
        _: Timestamp,
    ) -> Result<(), Error> {
        self.rows().checkpoints.push((size, note.to_owned()));
        Ok(())
    }

    async fn checkpoints(
        &self,
        _: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<(u64, String)>, Error> {
        let mut rows = self.rows();
        rows.checkpoints.sort_by_key(|it| it.0);
        let from = from.saturating_sub(1);
        let is_from_start = from == 0;
        let checkpoints = rows.checkpoints.clone();
        Ok(if is_from_start {
            checkpoints.into_iter().take(limit as usize).collect()
        } else {
            behind(&checkpoints, |it| it.0, from, limit)
        })
    }

    async fn last_checkpoint(&self, _: &str) -> Result<Option<(u64, String)>, Error> {
        Ok(self
            .rows()
            .checkpoints
            .iter()
            .max_by_key(|it| it.0)
            .cloned())
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-01-02T03:04:05.678901Z".parse().unwrap()
}

pub(crate) fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// An event as small as one with something of a person in it can be.
pub(crate) fn event(number: u64) -> AuditEvent {
    let mut actor = AuditActor::new(ActorType::User, format!("u{number}"));
    if number.is_multiple_of(3) {
        actor.email = Some(format!("u{number}@example.com"));
    }
    let at = later(i64::try_from(number).unwrap());
    let mut event = AuditEvent::new(at, actor, AuditAction::AGENT_UPDATE, AuditOutcome::Success);
    if number.is_multiple_of(5) {
        event.resource = Some(AuditResource::new("agent", "a1"));
        event
            .changes
            .push(AuditChange::new("/name", None, Some(json!(1.0))));
    }
    event
}

pub(crate) fn record(number: u64) -> AuditRecord {
    AuditRecord::new(event(number)).unwrap()
}

/// A store with so many events, not signed.
pub(crate) async fn log(count: u64) -> Memory {
    let memory = Memory::default();
    let records = (1..=count).map(record).collect();
    memory.append(PARTITION, records, now()).await.unwrap();
    memory
}

/// A store with so many events and checkpoints after these.
pub(crate) async fn signed_log(count: u64, sizes: &[u64], key: &SigningKey) -> Memory {
    let memory = log(count).await;
    sign(&memory, sizes, key);
    memory
}

/// Signs the log as it is after so many events.
pub(crate) fn sign(memory: &Memory, sizes: &[u64], key: &SigningKey) {
    let mut rows = memory.rows();
    let mut head = AuditHead::genesis(PARTITION);
    let mut notes = Vec::new();
    for link in &rows.links {
        head.push(link.leaf);
        if sizes.contains(&link.seq) {
            notes.push((link.seq, note(&head, key)));
        }
    }
    rows.checkpoints.extend(notes);
}

pub(crate) fn note(head: &AuditHead, key: &SigningKey) -> String {
    let checkpoint = Checkpoint::new(DEPLOYMENT, head, now()).unwrap();
    checkpoint.sign(std::slice::from_ref(key)).unwrap()
}

pub(crate) fn key() -> SigningKey {
    SigningKey::generate("ee.example/audit").unwrap()
}

pub(crate) fn known(keys: &[&SigningKey]) -> VerifierKeys {
    keys.iter().map(|key| key.verifier().clone()).collect()
}

pub(crate) fn evidence(key: &SigningKey) -> Evidence {
    Evidence::new(DEPLOYMENT, known(&[key]))
}

pub(crate) async fn verify(memory: &Memory, evidence: &Evidence) -> Report {
    verify_store(memory, memory, PARTITION, evidence, 0, &mut |_| ())
        .await
        .unwrap()
}
