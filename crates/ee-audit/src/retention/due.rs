//! Finds what is to leave a log, in parts that memory takes.

use std::collections::VecDeque;

use ee_core::{
    Error, ErrorKind,
    storage::{AuditEntry, AuditProofStore, AuditStore, AuditStoredLink},
};

use super::{config::Deadlines, gate::PruneGate, held::Held, notes::explains, ranges::Ranges};

/// So many events are read at once.
const PAGE: u32 = 256;
/// Most events of a part, and with that of a file.
const MOST_EVENTS: usize = 8_192;
/// Most bytes of a part, before they are compressed.
const MOST_BYTES: usize = 16 << 20;
/// Most ranges of a part: the event which names them has at most 64 KiB.
const MOST_RANGES: usize = 1_000;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// Everything.
    All,
    /// What has had its time, may go, and is not held.
    Due {
        deadlines: &'a Deadlines,
        gate: Option<&'a dyn PruneGate>,
    },
}

/// Looks at a log from one number to another.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    /// The number that was looked at last.
    after: u64,
    /// The last number.
    end: u64,
    /// How many were due, and are held.
    held: u64,
    /// Whether somebody does not have yet what is due.
    is_blocked: bool,
    is_over: bool,
    links: VecDeque<AuditStoredLink>,
    page: VecDeque<AuditEntry>,
    partition: &'a str,
    /// Everything up to this number may go.
    passed: u64,
    proofs: &'a dyn AuditProofStore,
    store: &'a dyn AuditStore,
    wanted: Wanted<'a>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        store: &'a dyn AuditStore,
        proofs: &'a dyn AuditProofStore,
        partition: &'a str,
        (first, last): (u64, u64),
        wanted: Wanted<'a>,
    ) -> Self {
        Self {
            after: first.saturating_sub(1),
            end: last,
            held: 0,
            is_blocked: false,
            is_over: false,
            links: VecDeque::new(),
            page: VecDeque::new(),
            partition,
            passed: 0,
            proofs,
            store,
            wanted,
        }
    }

    /// Returns the number that was looked at last.
    pub(super) const fn at(&self) -> u64 {
        self.after
    }

    /// Returns how many events were due, and are held.
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// Tells whether somebody does not have yet what is due.
    pub(super) const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Returns the next part. `None` when there is nothing more.
    ///
    /// Fails with what the store fails with, and with [`ErrorKind::Internal`] at an event that is not the one that was
    /// hashed: it is evidence.
    pub(super) async fn next(
        &mut self,
        held: &Held,
        mut looked_at: impl FnMut(u64) + Send,
    ) -> Result<Option<Vec<AuditEntry>>, Error> {
        let mut part = Part::default();
        while let Some(entry) = self.next_entry().await? {
            looked_at(entry.seq);
            if !self.wants(&entry, held).await? {
                if self.is_over {
                    break;
                }
                self.after = entry.seq;
                continue;
            }
            self.check(&entry).await?;
            if !part.has_room_for(&entry) {
                self.page.push_front(entry);
                break;
            }
            self.after = entry.seq;
            part.add(entry);
        }
        Ok((!part.entries.is_empty()).then_some(part.entries))
    }

    async fn next_entry(&mut self) -> Result<Option<AuditEntry>, Error> {
        if self.is_over {
            return Ok(None);
        }
        if self.page.is_empty() {
            let page = self.store.feed(self.partition, self.after, PAGE).await?;
            self.page = page.into();
            if let (Some(last), Wanted::Due { gate, .. }) = (self.page.back(), self.wanted)
                && may_prune(gate, self.partition, last.seq).await?
            {
                self.passed = last.seq;
            }
        }
        let next = self.page.pop_front();
        self.is_over = next.as_ref().is_none_or(|entry| entry.seq > self.end);
        Ok(next.filter(|_| !self.is_over))
    }

    async fn wants(&mut self, entry: &AuditEntry, held: &Held) -> Result<bool, Error> {
        let Wanted::Due { deadlines, gate } = self.wanted else {
            return Ok(true);
        };
        let event = &entry.record.event;
        if entry.received_at > deadlines.newest() {
            self.is_over = true;
            return Ok(false);
        }
        if explains(event) || !deadlines.is_over(event, entry.received_at) {
            return Ok(false);
        }
        if held.keeps(event) {
            self.held += 1;
            return Ok(false);
        }
        let may_go = entry.seq <= self.passed || may_prune(gate, self.partition, entry.seq).await?;
        if !may_go {
            (self.is_blocked, self.is_over) = (true, true);
        }
        Ok(may_go)
    }

    /// Compares an event with the hash that its log has of it.
    async fn check(&mut self, entry: &AuditEntry) -> Result<(), Error> {
        let seq = entry.seq;
        while self.links.front().is_some_and(|link| link.seq < seq) {
            self.links.pop_front();
        }
        if self.links.front().is_none_or(|link| link.seq != seq) {
            let before = seq.saturating_sub(1);
            let links = self.proofs.links(self.partition, before, PAGE).await?;
            self.links = links.into();
        }
        let is_it = |link: &AuditStoredLink| {
            let id = entry.record.event.id;
            (link.seq, link.id, link.leaf) == (seq, id, entry.record.leaf())
        };
        if self.links.front().is_some_and(is_it) {
            return Ok(());
        }
        let message = format!(
            "event {seq} is not the one that was hashed: nothing is taken out of the record before a verification has \
             shown why"
        );
        Err(Error::new(ErrorKind::Internal, message))
    }
}

/// Asks whether everything up to a number may go.
pub(super) async fn may_prune(
    gate: Option<&dyn PruneGate>,
    partition: &str,
    seq: u64,
) -> Result<bool, Error> {
    match gate {
        Some(gate) => gate.may_prune(partition, seq).await,
        None => Ok(true),
    }
}

#[derive(Debug, Default)]
struct Part {
    bytes: usize,
    entries: Vec<AuditEntry>,
    ranges: Ranges,
}

impl Part {
    fn has_room_for(&self, entry: &AuditEntry) -> bool {
        let is_full = self.entries.len() >= MOST_EVENTS
            || self.bytes + bytes(entry) > MOST_BYTES
            || self.ranges.len() >= MOST_RANGES;
        self.entries.is_empty() || !is_full
    }

    fn add(&mut self, entry: AuditEntry) {
        self.bytes += bytes(&entry);
        self.ranges.add(entry.seq);
        self.entries.push(entry);
    }
}

fn bytes(entry: &AuditEntry) -> usize {
    let personal = entry.record.personal.as_ref().map_or(0, String::len);
    entry.record.canonical.len() + personal
}
