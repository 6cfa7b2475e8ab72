//! What the log says of what was taken out of it.

use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditStage, Error,
    storage::{AuditRecord, AuditStore},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{archive::ArchiveFile, ranges::Ranges};
use crate::integrity::{Checkpoint, ERASED_COUNT, PRUNED_FROM, PRUNED_RANGES, PRUNED_TO};

/// Tells whether an event explains why others, or values of others, are missing. It is never removed, and nothing is
/// erased of it.
pub(super) fn explains(event: &AuditEvent) -> bool {
    event.action == AuditAction::AUDIT_PRUNE || event.action == AuditAction::AUDIT_ERASE
}

/// Writes such events straight into the log that they speak of: behind what they explain, and there when this returns.
#[derive(Debug)]
pub(super) struct Notes<'a> {
    actor: AuditActor,
    partition: &'a str,
    store: &'a dyn AuditStore,
}

impl<'a> Notes<'a> {
    /// Begins. Of the actor, these events have nothing that somebody may have to erase.
    pub(super) fn new(store: &'a dyn AuditStore, partition: &'a str, actor: &AuditActor) -> Self {
        let mut actor = actor.clone();
        (actor.email, actor.ip, actor.name, actor.user_agent) = (None, None, None, None);
        Self {
            actor,
            partition,
            store,
        }
    }

    /// Says which events are about to be removed, or were.
    pub(super) async fn prune(
        &self,
        stage: AuditStage,
        pruned: &Pruned<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut said = vec![
            ("count", json!(pruned.count)),
            (PRUNED_RANGES, pruned.ranges.to_json()),
            ("root", json!(pruned.checkpoint.root.to_string())),
            ("size", json!(pruned.checkpoint.size)),
        ];
        if let Some((from, to)) = pruned.ranges.ends() {
            said.extend([(PRUNED_FROM, json!(from)), (PRUNED_TO, json!(to))]);
        }
        match pruned.archive {
            Some(file) => said.extend(about(file)),
            None => said.push(("archived", json!(false))),
        }
        self.write(AuditAction::AUDIT_PRUNE, stage, said, now).await
    }

    /// Says that events were copied into an archive, and stay.
    pub(super) async fn archive(&self, file: &ArchiveFile, now: Timestamp) -> Result<(), Error> {
        let mut said = vec![
            ("count", json!(file.count)),
            ("from", json!(file.first)),
            ("to", json!(file.last)),
        ];
        said.extend(about(file));
        let action = AuditAction::AUDIT_ARCHIVE;
        self.write(action, AuditStage::Result, said, now).await
    }

    /// Says of how many events of this log something is about to be erased.
    pub(super) async fn erase(&self, count: u64, now: Timestamp) -> Result<(), Error> {
        let said = vec![(ERASED_COUNT, json!(count))];
        let action = AuditAction::AUDIT_ERASE;
        self.write(action, AuditStage::Intent, said, now).await
    }

    /// Says what was erased.
    pub(super) async fn erased(
        &self,
        said: Vec<(&'static str, Value)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let action = AuditAction::AUDIT_ERASE;
        self.write(action, AuditStage::Result, said, now).await
    }

    async fn write(
        &self,
        action: AuditAction,
        stage: AuditStage,
        said: Vec<(&'static str, Value)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut event = AuditEvent::new(now, self.actor.clone(), action, AuditOutcome::Success);
        event.stage = stage;
        let said = said.into_iter();
        event
            .metadata
            .extend(said.map(|(name, value)| (name.to_owned(), value)));
        let record = AuditRecord::new(event)?;
        self.store.append(self.partition, vec![record], now).await?;
        Ok(())
    }
}

fn about(file: &ArchiveFile) -> [(&'static str, Value); 2] {
    let name = file.path.file_name().unwrap_or_default();
    [
        ("archive", json!(name.to_string_lossy())),
        ("sha256", json!(file.sha256)),
    ]
}

/// What is said of events that are removed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pruned<'a> {
    pub(super) archive: Option<&'a ArchiveFile>,
    /// What was signed over them.
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) count: u64,
    pub(super) ranges: &'a Ranges,
}
