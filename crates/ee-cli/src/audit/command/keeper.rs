//! Whoever works on the record: the configuration, and the store, opened.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditField, AuditFilter, AuditLogger,
    AuditOutcome, AuditQuery, AuditStage, Clock, Error, SystemClock, async_trait,
    audit::{query::Cursors, redact::Redactor},
    storage::{AuditProofStore, AuditRecord, AuditSearch, AuditStore},
};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    admin::{
        check_store, output,
        record::{OPERATOR, system_user},
    },
    args::AdminArgs,
    audit::open,
    config::{Loaded, SessionKind, load},
    stores::Stores,
};

/// For so long one event stands for all readings of the same.
const SAME_READING: SignedDuration = SignedDuration::from_mins(5);

/// Whoever works on the record.
pub(super) struct Keeper {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) is_json: bool,
    pub(super) loaded: Loaded,
    pub(super) stores: Stores,
}

impl Keeper {
    /// Opens the configured store, which must be there.
    pub(super) async fn open(args: &AdminArgs) -> Result<Self> {
        let loaded = load(&args.settings)?;
        check_store(&loaded, false).await?;
        let stores = Stores::open(&loaded.store, SessionKind::Store).await?;
        Ok(Self {
            clock: Arc::new(SystemClock),
            is_json: args.json,
            loaded,
            stores,
        })
    }

    /// Finishes what is queued.
    pub(super) async fn close(self) {
        self.stores.close().await;
    }

    pub(super) fn logs(&self) -> &dyn AuditStore {
        &*self.stores.audit.logs
    }

    pub(super) fn proofs(&self) -> &dyn AuditProofStore {
        &*self.stores.audit.proofs
    }

    pub(super) fn search(&self) -> &dyn AuditSearch {
        &*self.stores.audit.search
    }

    /// Returns what seals cursors, as the server does. Fails as long as there is no key.
    pub(super) fn cursors(&self) -> Result<Cursors> {
        open::cursors(&open::signing_keys(&self.loaded, false)?)
    }

    /// Prints an answer: as JSON, or what `text` makes of it.
    pub(super) fn show<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        output::show(self.is_json, answer, text)
    }

    /// Describes an act of the operator.
    pub(super) fn act(
        &self,
        action: AuditAction,
        metadata: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> AuditEvent {
        let (now, outcome) = (self.clock.now(), AuditOutcome::Success);
        let mut event = AuditEvent::new(now, operator(), action, outcome);
        let user = system_user().map(|name| ("systemUser", name.into()));
        let metadata = metadata.into_iter().chain(user);
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value));
        event.metadata.extend(metadata);
        event
    }

    /// Returns what adds events to the log of this deployment.
    pub(super) fn logger(&self) -> Result<Arc<dyn AuditLogger>> {
        let signing = open::signing_keys(&self.loaded, true)?;
        Ok(Arc::new(Direct {
            clock: Arc::clone(&self.clock),
            logs: Arc::clone(&self.stores.audit.logs),
            redactor: open::redactor(&self.loaded, &signing)?,
        }))
    }

    /// Adds an event to the log of this deployment. When this returns, it is on the disk there.
    pub(super) async fn record(&self, event: AuditEvent) -> Result<()> {
        let what = event.action.label().to_lowercase();
        let added = self.logger()?.log(event).await;
        added.with_context(|| format!("nothing is done that cannot be recorded ({what})"))
    }

    /// Records that something is about to be done. Without that, it must not be done.
    pub(super) async fn record_intent(&self, mut event: AuditEvent) -> Result<()> {
        event.stage = AuditStage::Intent;
        self.record(event).await
    }

    /// Records how an act has ended, whatever comes of that: its beginning is in the record.
    pub(super) async fn record_end<T>(&self, mut event: AuditEvent, end: &Result<T>) -> Result<()> {
        if let Err(err) = end {
            event.outcome = AuditOutcome::Failure;
            event.reason = Some(err.to_string());
        }
        self.record(event).await
    }

    /// Records that the operator reads the record: once in five minutes for the same, and before he is shown anything. What
    /// is shown was looked for before, so that nobody finds himself at its end.
    pub(super) async fn record_reading(&self, command: &str, asked: &str) -> Result<()> {
        let told = [("command", command.into()), ("filter", asked.into())];
        let event = self.act(AuditAction::AUDIT_READ, told);
        if !self.has_read(&event.metadata).await? {
            self.record(event).await?;
        }
        Ok(())
    }

    async fn has_read(&self, metadata: &Map<String, Value>) -> Result<bool> {
        let since = self.clock.now().checked_sub(SAME_READING)?;
        let filter = AuditFilter::All(vec![
            AuditFilter::is(AuditField::Action, AuditAction::AUDIT_READ.as_str()),
            AuditFilter::is(AuditField::ActorId, OPERATOR),
            AuditFilter::Since(since),
        ]);
        let query = AuditQuery::newest(filter, 100);
        let found = self.search().search(&query).await?;
        Ok(found
            .iter()
            .any(|entry| entry.record.event.metadata == *metadata))
    }
}

/// Returns who acts.
pub(super) fn operator() -> AuditActor {
    AuditActor::new(ActorType::System, OPERATOR)
}

/// Adds events to the log itself, as surely as anything is kept there.
#[derive(Debug)]
struct Direct {
    clock: Arc<dyn Clock>,
    logs: Arc<dyn AuditStore>,
    redactor: Redactor,
}

#[async_trait]
impl AuditLogger for Direct {
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        let record = AuditRecord::new(self.redactor.redact(event))?;
        let added = self
            .logs
            .append(open::PARTITION, vec![record], self.clock.now());
        added.await.map(drop)
    }

    fn log_later(&self, event: AuditEvent) {
        // Nobody who waits for the end of a command asks for this.
        tracing::error!(audit.action = %event.action, "an audit event could not be written");
    }
}
