//! The events of a log, also where some of them cannot be read.

use std::collections::VecDeque;

use ee_core::{
    Error, ErrorKind,
    storage::{AuditKept, AuditStore, AuditStoredLink},
};

use super::{super::row::Payload, BATCH};

/// After so many in a row that cannot be read, it is the store that does not work.
const MOST_UNREADABLE: u32 = 100;

/// So many are read at once. The last of them may not be the last of its number, and is read again.
const TOGETHER: u32 = BATCH + 1;

/// Reads events in order.
pub(super) struct Payloads<'a> {
    /// What was read ahead.
    ahead: Option<Result<Vec<AuditKept>, Error>>,
    /// Everything up to this number was read.
    after: u64,
    partition: &'a str,
    read: VecDeque<(u64, Payload)>,
    store: &'a dyn AuditStore,
    unreadable: u32,
}

impl<'a> Payloads<'a> {
    pub(super) fn new(store: &'a dyn AuditStore, partition: &'a str, after: u64) -> Self {
        Self {
            ahead: None,
            after,
            partition,
            read: VecDeque::new(),
            store,
            unreadable: 0,
        }
    }

    /// Reads what comes next.
    pub(super) async fn read_ahead(&mut self) {
        if self.ahead.is_none() {
            self.ahead = Some(self.next().await);
        }
    }

    async fn next(&self) -> Result<Vec<AuditKept>, Error> {
        let (partition, after) = (self.partition, self.after);
        self.store.feed_kept(partition, after, TOGETHER).await
    }

    /// Returns the events behind those that were returned, up to a number. The links are those of the same numbers.
    pub(super) async fn up_to(
        &mut self,
        to: u64,
        links: &[AuditStoredLink],
    ) -> Result<Vec<(u64, Payload)>, Error> {
        while self.after < to {
            let next = match self.ahead.take() {
                Some(next) => next,
                None => self.next().await,
            };
            match next {
                Ok(batch) => self.keep(batch, to),
                Err(err) if err.kind() == ErrorKind::Internal => {
                    self.read_one_by_one(err, to, links).await?;
                }
                Err(err) => return Err(err),
            }
        }
        let count = self.read.iter().take_while(|(seq, _)| *seq <= to).count();
        Ok(self.read.drain(..count).collect())
    }

    fn keep(&mut self, mut batch: Vec<AuditKept>, to: u64) {
        let is_last = batch.len() < TOGETHER as usize;
        let first = batch.first().map(AuditKept::seq);
        let last = batch.last().map(AuditKept::seq);
        self.after = match (first, last) {
            // Somebody may have put several events under the last number: they are read together.
            (Some(first), Some(last)) if !is_last && first < last => {
                batch.retain(|entry| entry.seq() < last);
                last - 1
            }
            (_, Some(last)) if !is_last => last,
            (_, last) => last.map_or(to, |last| last.max(to)),
        };
        self.unreadable = 0;
        let rows = batch.into_iter();
        self.read
            .extend(rows.map(|entry| (entry.seq(), entry.into())));
    }

    /// Finds out which events cannot be read.
    async fn read_one_by_one(
        &mut self,
        err: Error,
        to: u64,
        links: &[AuditStoredLink],
    ) -> Result<(), Error> {
        let links = links
            .iter()
            .filter(|link| link.seq > self.after && link.seq <= to);
        for link in links {
            let (partition, before) = (self.partition, link.seq.saturating_sub(1));
            match self.store.feed_kept(partition, before, 1).await {
                Ok(kept) => {
                    self.unreadable = 0;
                    let kept = kept.into_iter().filter(|it| it.seq() == link.seq);
                    self.read.extend(kept.map(|it| (it.seq(), it.into())));
                }
                Err(err) if err.kind() == ErrorKind::Internal => {
                    self.unreadable += 1;
                    self.read.push_back((link.seq, Payload::Unreadable));
                }
                Err(err) => return Err(err),
            }
            if self.unreadable > MOST_UNREADABLE {
                return Err(err);
            }
        }
        self.after = to;
        Ok(())
    }
}
