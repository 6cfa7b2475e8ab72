//! Erases what the record says of a person.

use std::{fmt, path::PathBuf, sync::Arc};

use ee_core::{
    AuditActor, Clock, Error,
    storage::{AuditEntry, AuditRetention, AuditStore},
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    archive::ArchiveFile,
    held::Held,
    notes::{Notes, explains},
    person::Person,
    progress::{RetentionProgress, RetentionStep, Teller},
};
use crate::integrity::Sealer;

mod archives;

/// So many events are looked at, or erased, at once. Holds are looked at before each time.
const TOGETHER: u32 = 256;
/// So many events that wait in the store are brought into the log at once.
const LEFT: u32 = 1_000;
/// Most archives that the log names.
const MOST_NAMED: usize = 500;

/// What an [`Eraser`] is made of.
#[derive(Debug)]
pub struct EraserParts {
    /// Where archives are. What they say of the person is erased as well.
    pub archives: Option<PathBuf>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// The log that the server writes to: it says what was done.
    pub partition: String,
    /// What erases.
    pub retention: Arc<dyn AuditRetention>,
    /// Signs the manifests of archives anew.
    pub sealer: Arc<Sealer>,
    /// Where the logs are.
    pub store: Arc<dyn AuditStore>,
}

/// Erases what the record says of a person: every value that can be erased of every event that names him, in all logs
/// and archives. Their hashes stay, so the logs stand as before.
///
/// Each event is looked at, since a search does not see everything that may name a person. Ids stay: who is behind one is
/// told elsewhere, or nowhere any more.
pub struct Eraser {
    parts: EraserParts,
}

/// What was found, and what became of it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErasureReport {
    /// How many events of the logs name him and have something that can be erased, but for those that are held.
    pub found: u64,
    /// Of how many something was erased.
    pub erased: u64,
    /// How many name him and stay because of a legal hold.
    pub held: u64,
    /// How many have his e-mail address where it was hashed, such as in an id: it stays there.
    pub hashed: u64,
    /// How many events in archives name him, or named him, like `found`.
    pub archived: u64,
    /// The archives that were written anew.
    pub archives: Vec<ArchiveFile>,
}

impl Eraser {
    /// Puts it together.
    pub const fn new(parts: EraserParts) -> Self {
        Self { parts }
    }

    /// Counts what [`erase`](Self::erase) would erase, and changes nothing.
    pub async fn plan(
        &self,
        person: &Person,
        progress: &mut (dyn FnMut(RetentionProgress) + Send),
    ) -> Result<ErasureReport, Error> {
        let mut teller = Teller::new(progress);
        let mut report = ErasureReport::default();
        let held = self.held().await?;
        for partition in self.parts.store.partitions().await? {
            self.find(&partition, person, &held, &mut report, &mut teller)
                .await?;
            self.count_archived(&partition, person, &held, &mut report)
                .await?;
        }
        Ok(report)
    }

    /// Erases what the record says of a person. What was begun and not ended is ended by the next call.
    ///
    /// Fails with what the stores fail with, and with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for an archive
    /// that is not what was signed.
    pub async fn erase(
        &self,
        person: &Person,
        actor: &AuditActor,
        progress: &mut (dyn FnMut(RetentionProgress) + Send),
    ) -> Result<ErasureReport, Error> {
        let mut teller = Teller::new(progress);
        let mut report = ErasureReport::default();
        let (store, home) = (&*self.parts.store, &*self.parts.partition);
        // What changes have left in the store has to be in a log to be found.
        while store
            .append_left(home, LEFT, self.parts.clock.now())
            .await?
            == LEFT
        {}
        for partition in store.partitions().await? {
            let before = (report.erased, report.held);
            self.erase_in(&partition, person, actor, &mut report, &mut teller)
                .await?;
            let held = self.held().await?;
            self.erase_archived(&partition, person, &held, &mut report)
                .await?;
            if partition != home && report.erased > before.0 {
                let said = vec![
                    ("erased", json!(report.erased - before.0)),
                    ("held", json!(report.held - before.1)),
                ];
                let notes = Notes::new(store, &partition, actor);
                notes.erased(said, self.parts.clock.now()).await?;
            }
        }
        let archives = report.archives.iter().take(MOST_NAMED).map(|file| {
            let name = file.path.file_name().unwrap_or_default();
            json!({"archive": name.to_string_lossy(), "sha256": file.sha256})
        });
        let said = vec![
            ("erased", json!(report.erased)),
            ("held", json!(report.held)),
            ("hashed", json!(report.hashed)),
            ("archived", json!(report.archived)),
            ("archives", archives.collect()),
        ];
        let notes = Notes::new(store, home, actor);
        notes.erased(said, self.parts.clock.now()).await?;
        Ok(report)
    }

    /// Erases in one log.
    async fn erase_in(
        &self,
        partition: &str,
        person: &Person,
        actor: &AuditActor,
        report: &mut ErasureReport,
        teller: &mut Teller<'_>,
    ) -> Result<(), Error> {
        let held = self.held().await?;
        let found = self.find(partition, person, &held, report, teller).await?;
        if found.is_empty() {
            return Ok(());
        }
        let notes = Notes::new(&*self.parts.store, partition, actor);
        let count = found.len() as u64;
        notes.erase(count, self.parts.clock.now()).await?;
        let mut done = 0;
        for ids in found.chunks(TOGETHER as usize) {
            let now_held = self.held().await?;
            let left = if now_held == held {
                ids.to_vec()
            } else {
                self.not_held(ids, &now_held, report).await?
            };
            report.erased += self.parts.retention.erase(&left).await?;
            done += ids.len() as u64;
            teller.tell(RetentionStep::Erase, done, Some(count));
        }
        Ok(())
    }

    /// Returns which events of a log name a person, have something that can be erased, and are not held.
    async fn find(
        &self,
        partition: &str,
        person: &Person,
        held: &Held,
        report: &mut ErasureReport,
        teller: &mut Teller<'_>,
    ) -> Result<Vec<Uuid>, Error> {
        let store = &*self.parts.store;
        let end = store.head(partition).await?.size();
        let (mut after, mut found) = (0, Vec::new());
        while after < end {
            let entries = store.feed(partition, after, TOGETHER).await?;
            let Some(last) = entries.last() else {
                break;
            };
            after = last.seq;
            for entry in &entries {
                match judge(entry, person, held) {
                    Some(true) => report.held += 1,
                    Some(false) => found.push(entry.record.event.id),
                    None => {}
                }
                report.hashed += u64::from(person.is_hashed_in(&entry.record.canonical));
            }
            teller.tell(RetentionStep::Scan, after.min(end), Some(end));
        }
        report.found += found.len() as u64;
        Ok(found)
    }

    /// Returns those that no hold has come over.
    async fn not_held(
        &self,
        ids: &[Uuid],
        held: &Held,
        report: &mut ErasureReport,
    ) -> Result<Vec<Uuid>, Error> {
        let mut left = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(entry) = self.parts.store.find_event(*id).await? else {
                continue;
            };
            if held.keeps(&entry.record.event) {
                report.held += 1;
            } else {
                left.push(*id);
            }
        }
        Ok(left)
    }

    async fn held(&self) -> Result<Held, Error> {
        Held::read(&*self.parts.retention).await
    }
}

/// Tells whether an event names a person with something that can be erased, and then whether it is held.
fn judge(entry: &AuditEntry, person: &Person, held: &Held) -> Option<bool> {
    let record = &entry.record;
    let is_found = record.personal.is_some() && !explains(&record.event) && person.is_in(record);
    is_found.then(|| held.keeps(&record.event))
}

impl fmt::Debug for Eraser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eraser")
            .field("archives", &self.parts.archives)
            .field("partition", &self.parts.partition)
            .finish_non_exhaustive()
    }
}
