//! The verification of a log in a store.

mod payloads;

use ee_core::{
    AuditHead, Error, ErrorKind,
    storage::{AuditProofStore, AuditStore, AuditStoredLink},
};
use futures_util::future;

use self::payloads::Payloads;
use super::{
    Evidence, Progress,
    report::{Report, Subject, Verdict, VerdictKind},
    row::{Link, LogRow, Payload},
    verifier::LogVerifier,
};
use crate::integrity::{Checkpoint, Tree, tree::StoredTree};

/// So many rows are read at once: what is done with them keeps others waiting for a few milliseconds.
const BATCH: u32 = 256;

/// Verifies a log from its first event on, or behind a checkpoint over so many events that was verified before. Only
/// what was there when it begins is looked at.
///
/// Fails with what the store fails with, and with [`ErrorKind::Invalid`] when there is no good checkpoint to begin at.
/// Then nothing can be said.
pub async fn verify_store(
    store: &dyn AuditStore,
    proofs: &dyn AuditProofStore,
    partition: &str,
    evidence: &Evidence,
    after: u64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, Error> {
    let log = Log {
        partition,
        proofs,
        store,
    };
    let mut verifier = log.begin(evidence, after).await?;
    let origin = evidence.show(&mut verifier, partition)?;
    // Checkpoints first: one that is signed meanwhile is not over events that are not looked at.
    for (size, note) in log.checkpoints(after).await? {
        verifier.compare_note(&note, Some(size), &origin, &evidence.keys);
    }
    let head = log.head(&mut verifier).await?;
    let end = head.as_ref().map_or(u64::MAX, AuditHead::size);
    let mut payloads = Payloads::new(store, partition, after);
    let mut part = log.read(&mut payloads, after, end).await?;
    while let Some(Part { links, rows, to }) = part {
        // A store reads what comes next while this is looked at.
        let look = async {
            merge(&mut verifier, links, rows);
            log.compare_nodes(&mut verifier).await
        };
        let (next, looked) = future::join(log.read(&mut payloads, to, end), look).await;
        looked?;
        progress(Progress {
            done: to,
            total: head.as_ref().map(AuditHead::size),
        });
        part = next?;
    }
    if head.is_some() {
        log.push_stray(&mut verifier, end).await?;
    }
    if verifier.is_suspicious() {
        log.recognise(&mut verifier, end).await?;
    }
    Ok(verifier.finish(head.as_ref()))
}

/// Some rows of a log.
struct Part {
    links: Vec<AuditStoredLink>,
    rows: Vec<(u64, Payload)>,
    /// The number of the last.
    to: u64,
}

/// One log of a store.
struct Log<'a> {
    partition: &'a str,
    proofs: &'a dyn AuditProofStore,
    store: &'a dyn AuditStore,
}

impl Log<'_> {
    /// Begins at the start, or at a checkpoint that is good and whose tree is still there.
    async fn begin(&self, evidence: &Evidence, after: u64) -> Result<LogVerifier, Error> {
        if after == 0 {
            return Ok(LogVerifier::new(self.partition));
        }
        let refused = || {
            let message = format!("there is no good checkpoint over {after} events to begin at");
            Error::new(ErrorKind::Invalid, message)
        };
        let origin = evidence.origin(self.partition)?;
        let notes = self
            .proofs
            .checkpoints(self.partition, after, BATCH)
            .await?;
        let notes = notes.into_iter().filter(|(size, _)| *size == after);
        let good = notes
            .filter_map(|(_, note)| Checkpoint::verify(&note, &origin, &evidence.keys).ok())
            .find(|checkpoint| checkpoint.size == after)
            .ok_or_else(refused)?;
        let tree = StoredTree {
            partition: self.partition,
            store: self.proofs,
        };
        let head = tree.head_at(after).await?;
        if Tree::at(&head) == Tree::of(&good) {
            Ok(LogVerifier::resume(head))
        } else {
            Err(refused())
        }
    }

    /// Reads all checkpoints.
    async fn checkpoints(&self, after: u64) -> Result<Vec<(u64, String)>, Error> {
        let mut all = Vec::new();
        let mut from = after;
        loop {
            let mut batch = self.proofs.checkpoints(self.partition, from, BATCH).await?;
            let is_last = batch.len() < BATCH as usize;
            let (first, last) = (batch.first().map(|it| it.0), batch.last().map(|it| it.0));
            let (Some(first), Some(last)) = (first, last) else {
                return Ok(all);
            };
            if !is_last && first < last {
                // There may be more of the last size.
                batch.retain(|(size, _)| *size < last);
                from = last;
            } else {
                from = last.saturating_add(1);
            }
            all.extend(batch);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Reads where the log ends. `None` when that cannot be read.
    async fn head(&self, verifier: &mut LogVerifier) -> Result<Option<AuditHead>, Error> {
        match self.store.head(self.partition).await {
            Ok(head) => Ok(Some(head)),
            Err(err) if err.kind() == ErrorKind::Internal => {
                let detail = "where the log ends cannot be read";
                let verdict =
                    Verdict::new(VerdictKind::HashMismatch, Subject::Head, (0, 0), detail);
                verifier.report(verdict);
                Ok(None)
            }
            Err(err) => Err(err),
        }
    }

    /// Reads the next rows. `None` when there are no more.
    async fn read(
        &self,
        payloads: &mut Payloads<'_>,
        after: u64,
        end: u64,
    ) -> Result<Option<Part>, Error> {
        if after >= end {
            return Ok(None);
        }
        let links = self.proofs.links(self.partition, after, BATCH);
        let (links, ()) = future::join(links, payloads.read_ahead()).await;
        let mut links = links?;
        links.retain(|link| link.seq <= end);
        let is_last = links.len() < BATCH as usize;
        let to = match links.last() {
            Some(link) if !is_last || end == u64::MAX => link.seq,
            None if end == u64::MAX => return Ok(None),
            _ => end,
        };
        let rows = payloads.up_to(to, &links).await?;
        Ok(Some(Part { links, rows, to }))
    }

    /// Shows rows behind the end. Those that were added since are none of it.
    async fn push_stray(&self, verifier: &mut LogVerifier, end: u64) -> Result<(), Error> {
        let mut links = self.proofs.links(self.partition, end, BATCH).await?;
        let mut entries = match self.store.feed_kept(self.partition, end, BATCH).await {
            Ok(entries) => entries,
            // What nobody can read stands there for nobody.
            Err(err) if err.kind() == ErrorKind::Internal => Vec::new(),
            Err(err) => return Err(err),
        };
        if links.is_empty() && entries.is_empty() {
            return Ok(());
        }
        let now = self.store.head(self.partition).await?.size();
        links.retain(|link| link.seq > now);
        entries.retain(|entry| entry.seq() > now);
        let rows = entries.into_iter().map(|entry| (entry.seq(), entry.into()));
        merge(verifier, links, rows.collect());
        Ok(())
    }

    /// Compares the subtrees that are kept with those that follow from the rows.
    async fn compare_nodes(&self, verifier: &mut LogVerifier) -> Result<(), Error> {
        let mut nodes = verifier.take_nodes();
        nodes.sort_by_key(|node| (node.level, node.index));
        for nodes in nodes.chunk_by(|one, next| one.level == next.level) {
            let Some(first) = nodes.first() else {
                continue;
            };
            let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            let kept = self
                .proofs
                .nodes(self.partition, first.level, first.index, count)
                .await?;
            for node in nodes.iter().filter(|node| !kept.contains(node)) {
                verifier.report_node(*node);
            }
        }
        Ok(())
    }

    /// Shows all links once more.
    async fn recognise(&self, verifier: &mut LogVerifier, end: u64) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let links = self.proofs.links(self.partition, after, BATCH).await?;
            let Some(last) = links.last() else {
                return Ok(());
            };
            after = last.seq;
            for link in &links {
                verifier.recognise(link);
            }
            if after >= end {
                return Ok(());
            }
        }
    }
}

/// Shows rows in the order of their numbers.
fn merge(verifier: &mut LogVerifier, links: Vec<AuditStoredLink>, payloads: Vec<(u64, Payload)>) {
    let mut links = links.into_iter().peekable();
    let mut payloads = payloads.into_iter().peekable();
    loop {
        let link = links.peek().map(|link| link.seq);
        let payload = payloads.peek().map(|(seq, _)| *seq);
        let Some(seq) = link.into_iter().chain(payload).min() else {
            return;
        };
        let link = links.next_if(|link| link.seq == seq);
        let payload = payloads.next_if(|(number, _)| *number == seq);
        verifier.push(LogRow::new(
            seq,
            link.map_or(Link::Absent, Link::Kept),
            payload.map_or(Payload::Absent, |(_, payload)| payload),
        ));
    }
}
