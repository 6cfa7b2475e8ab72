//! Archives what has had its time, and removes it.

use std::{fmt, ops::RangeInclusive, path::PathBuf, sync::Arc};

use ee_core::{
    AuditActor, AuditStage, Clock, Error, ErrorKind,
    storage::{AuditEntry, AuditProofStore, AuditRetention, AuditStore},
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    archive::{ArchiveFile, Directory, Written},
    config::{Deadlines, RetentionConfig},
    due::{Scan, Wanted, may_prune},
    gate::PruneGate,
    held::Held,
    notes::{Notes, Pruned},
    progress::{RetentionProgress, RetentionStep, Teller},
    ranges::Ranges,
};
use crate::integrity::{Checkpoint, Sealed, Sealer};

/// So many events are removed at once. Holds are looked at before each time.
const TOGETHER: usize = 256;

/// What an [`Archiver`] is made of.
#[derive(Debug)]
pub struct ArchiverParts {
    /// Where archives are written. Without it nothing is removed, unless the configuration says that none is needed:
    /// then none is written.
    pub archives: Option<PathBuf>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// How long events stay.
    pub config: RetentionConfig,
    /// Who must have events before they are removed.
    pub gate: Option<Arc<dyn PruneGate>>,
    /// Where the hashes are.
    pub proofs: Arc<dyn AuditProofStore>,
    /// What removes.
    pub retention: Arc<dyn AuditRetention>,
    /// Signs checkpoints and manifests.
    pub sealer: Arc<Sealer>,
    /// Where the logs are.
    pub store: Arc<dyn AuditStore>,
}

/// Archives what has had its time, and removes it.
pub struct Archiver {
    parts: ArchiverParts,
}

/// What became of a log.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetentionReport {
    /// How many events have had their time and are not held.
    pub due: u64,
    /// What was written.
    pub files: Vec<ArchiveFile>,
    /// How many events have had their time and stay because of a legal hold.
    pub held: u64,
    /// Whether there are more that are due, which somebody must have first.
    pub is_blocked: bool,
    /// How many events were removed.
    pub pruned: u64,
}

impl Archiver {
    /// Puts it together.
    ///
    /// Fails with [`ErrorKind::Invalid`] for rules that let events go before they may.
    pub fn new(parts: ArchiverParts) -> Result<Self, Error> {
        parts.config.check()?;
        Ok(Self { parts })
    }

    /// Counts what [`prune`](Self::prune) would remove, and changes nothing.
    ///
    /// Fails with what the store fails with, and at an event that is not the one that was hashed.
    pub async fn plan(
        &self,
        partition: &str,
        progress: &mut (dyn FnMut(RetentionProgress) + Send),
    ) -> Result<RetentionReport, Error> {
        let mut teller = Teller::new(progress);
        let deadlines = self.deadlines()?;
        let end = self.parts.store.head(partition).await?.size();
        let mut scan = self.due(partition, end, &deadlines);
        let held = self.held().await?;
        let mut due = 0;
        while let Some(entries) = next(&mut scan, &held, end, &mut teller).await? {
            due += entries.len() as u64;
        }
        Ok(RetentionReport {
            due,
            held: scan.held(),
            is_blocked: scan.is_blocked(),
            ..RetentionReport::default()
        })
    }

    /// Archives and removes what has had its time, in the order that this module names. What was begun and not ended is
    /// ended by the next call.
    ///
    /// Fails with what the store fails with, with [`ErrorKind::Invalid`] where there is no archive and nobody said that
    /// none is needed, with [`ErrorKind::Conflict`] when the log is shorter than it was or somebody else archives it, and
    /// with [`ErrorKind::Internal`] at an event that is not the one that was hashed. What was not archived is there then.
    pub async fn prune(
        &self,
        partition: &str,
        actor: &AuditActor,
        progress: &mut (dyn FnMut(RetentionProgress) + Send),
    ) -> Result<RetentionReport, Error> {
        let mut run = Run {
            actor,
            partition,
            parts: &self.parts,
            report: RetentionReport::default(),
            teller: Teller::new(progress),
        };
        let deadlines = self.deadlines()?;
        let mut archives = if self.parts.config.prune_without_archive {
            None
        } else {
            Some(self.archives(partition).await?)
        };
        if let Some((checkpoint, note)) = self.seal(partition).await? {
            let mut scan = self.due(partition, checkpoint.size, &deadlines);
            loop {
                let held = self.held().await?;
                let next = next(&mut scan, &held, checkpoint.size, &mut run.teller);
                let Some(mut entries) = next.await? else {
                    break;
                };
                run.report.due += entries.len() as u64;
                let mut file = None;
                if let Some(archives) = &mut archives {
                    let written = archives.write(&mut entries, &note).await?;
                    run.told_archive(&written);
                    file = Some(written.file);
                }
                run.prune(&entries, file.as_ref(), &checkpoint).await?;
                run.report.files.extend(file);
            }
            run.report.held += scan.held();
            run.report.is_blocked |= scan.is_blocked();
        }
        Ok(run.report)
    }

    /// Archives events of a log, whether they have had their time or not, and leaves them where they are.
    ///
    /// Fails like [`prune`](Self::prune), and with [`ErrorKind::Invalid`] for numbers behind the end of the log.
    pub async fn archive(
        &self,
        partition: &str,
        seqs: RangeInclusive<u64>,
        actor: &AuditActor,
        progress: &mut (dyn FnMut(RetentionProgress) + Send),
    ) -> Result<RetentionReport, Error> {
        let mut run = Run {
            actor,
            partition,
            parts: &self.parts,
            report: RetentionReport::default(),
            teller: Teller::new(progress),
        };
        let mut archives = self.archives(partition).await?;
        let newest = self.seal(partition).await?;
        let covered = newest.as_ref().map_or(0, |newest| newest.0.size);
        let (first, last) = seqs.into_inner();
        let Some((_, note)) = newest.filter(|_| 1 <= first && first <= last && last <= covered)
        else {
            let message = format!("the log has signed events from 1 to {covered}");
            return Err(Error::invalid_field("to", message));
        };
        let range = (first, last);
        let (store, proofs) = (&*self.parts.store, &*self.parts.proofs);
        let mut scan = Scan::new(store, proofs, partition, range, Wanted::All);
        let held = self.held().await?;
        while let Some(mut entries) = next(&mut scan, &held, last, &mut run.teller).await? {
            let written = archives.write(&mut entries, &note).await?;
            run.told_archive(&written);
            let notes = Notes::new(store, partition, actor);
            notes.archive(&written.file, self.parts.clock.now()).await?;
            run.report.files.push(written.file);
        }
        Ok(run.report)
    }

    fn deadlines(&self) -> Result<Deadlines, Error> {
        let now = self.parts.clock.now();
        self.parts.config.deadlines(now)
    }

    async fn held(&self) -> Result<Held, Error> {
        Held::read(&*self.parts.retention).await
    }

    fn due<'a>(&'a self, partition: &'a str, end: u64, deadlines: &'a Deadlines) -> Scan<'a> {
        let wanted = Wanted::Due {
            deadlines,
            gate: self.parts.gate.as_deref(),
        };
        let (store, proofs) = (&*self.parts.store, &*self.parts.proofs);
        Scan::new(store, proofs, partition, (1, end), wanted)
    }

    /// Has a checkpoint signed if one is due, and returns the newest. `None` for a log without events.
    async fn seal(&self, partition: &str) -> Result<Option<(Checkpoint, String)>, Error> {
        let sealer = &self.parts.sealer;
        match sealer.seal(partition).await? {
            Sealed::Signed {
                checkpoint, note, ..
            } => Ok(Some((checkpoint, note))),
            Sealed::NotDue => sealer.newest(partition).await,
            Sealed::Rollback { size, seen } => {
                let message = format!(
                    "the log has {size} events and had {seen}: nothing is taken out of it before somebody knows why"
                );
                Err(Error::new(ErrorKind::Conflict, message))
            }
        }
    }

    async fn archives(&self, partition: &str) -> Result<Archives, Error> {
        let dir = self.parts.archives.clone().ok_or_else(no_archive)?;
        let partition = partition.to_owned();
        let directory = blocking(move || Directory::open(&dir, &partition)).await?;
        Ok(Archives {
            clock: Arc::clone(&self.parts.clock),
            directory: Arc::new(directory),
            sealer: Arc::clone(&self.parts.sealer),
        })
    }
}

/// Writes archives of one log.
struct Archives {
    clock: Arc<dyn Clock>,
    directory: Arc<Directory>,
    sealer: Arc<Sealer>,
}

impl Archives {
    async fn write(&mut self, entries: &mut Vec<AuditEntry>, note: &str) -> Result<Written, Error> {
        let (directory, sealer) = (Arc::clone(&self.directory), Arc::clone(&self.sealer));
        let (now, note, taken) = (self.clock.now(), note.to_owned(), std::mem::take(entries));
        let write = move || {
            let written = directory.write(&taken, &note, &sealer, now)?;
            Ok((written, taken))
        };
        let written;
        (written, *entries) = blocking(write).await?;
        Ok(written)
    }
}

/// A run over one log.
struct Run<'a> {
    actor: &'a AuditActor,
    partition: &'a str,
    parts: &'a ArchiverParts,
    report: RetentionReport,
    teller: Teller<'a>,
}

impl Run<'_> {
    /// Removes events that are in an archive, if there is one.
    async fn prune(
        &mut self,
        entries: &[AuditEntry],
        archive: Option<&ArchiveFile>,
        checkpoint: &Checkpoint,
    ) -> Result<(), Error> {
        let entries = self.not_held(entries).await?;
        let ranges = Ranges::of(entries.iter().map(|entry| entry.seq));
        let Some((_, last)) = ranges.ends() else {
            return Ok(());
        };
        if !may_prune(self.parts.gate.as_deref(), self.partition, last).await? {
            self.report.is_blocked = true;
            return Ok(());
        }
        let notes = Notes::new(&*self.parts.store, self.partition, self.actor);
        let intent = Pruned {
            archive,
            checkpoint,
            count: entries.len() as u64,
            ranges: &ranges,
        };
        let now = self.parts.clock.now();
        notes.prune(AuditStage::Intent, &intent, now).await?;
        let mut removed = Ranges::default();
        let mut count = 0;
        for entries in entries.chunks(TOGETHER) {
            let entries = self.not_held(entries.iter().copied()).await?;
            let ids: Vec<Uuid> = entries.iter().map(|it| it.record.event.id).collect();
            count += self.parts.retention.prune(self.partition, &ids).await?;
            for entry in entries {
                removed.add(entry.seq);
            }
            let pruned = self.report.pruned + count;
            self.teller.tell(RetentionStep::Prune, pruned, None);
        }
        self.report.pruned += count;
        let result = Pruned {
            count,
            ranges: &removed,
            ..intent
        };
        let now = self.parts.clock.now();
        notes.prune(AuditStage::Result, &result, now).await
    }

    /// Returns those that are not held now.
    async fn not_held<'e>(
        &mut self,
        entries: impl IntoIterator<Item = &'e AuditEntry> + Send,
    ) -> Result<Vec<&'e AuditEntry>, Error> {
        let entries: Vec<&AuditEntry> = entries.into_iter().collect();
        let held = Held::read(&*self.parts.retention).await?;
        let before = entries.len();
        let left = entries.into_iter();
        let left: Vec<&AuditEntry> = left.filter(|it| !held.keeps(&it.record.event)).collect();
        self.report.held += (before - left.len()) as u64;
        Ok(left)
    }

    fn told_archive(&mut self, written: &Written) {
        let count = written.file.count;
        if !written.is_known {
            self.teller.tell(RetentionStep::Archive, count, Some(count));
        }
        self.teller.tell(RetentionStep::Verify, count, Some(count));
    }
}

/// Returns the next part, and tells how far it is.
async fn next(
    scan: &mut Scan<'_>,
    held: &Held,
    end: u64,
    teller: &mut Teller<'_>,
) -> Result<Option<Vec<AuditEntry>>, Error> {
    let told = scan.at();
    let mut told = told - told % STEP;
    let tell = |seq: u64| {
        if seq - told >= STEP {
            told = seq;
            teller.tell(RetentionStep::Scan, seq, Some(end));
        }
    };
    scan.next(held, tell).await
}

/// How often it is told how far it is.
const STEP: u64 = 1_024;

fn no_archive() -> Error {
    let message = "nothing is removed without an archive, unless `prune_without_archive` says so";
    Error::invalid_field("archive", message)
}

/// Does what waits for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|err| {
        Error::new(ErrorKind::Unavailable, "the archive cannot be written").with_source(err)
    })?
}

impl fmt::Debug for Archiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archiver")
            .field("archives", &self.parts.archives)
            .field("config", &self.parts.config)
            .finish_non_exhaustive()
    }
}
