//! What the commands write to the record.

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditLogger, AuditOutcome, AuditRide, Clock,
    Error,
    audit::delivery::{Recorder, RecorderParts, StoreWriter},
    server::{AuditNote, Cx},
};

use super::operator::Operator;
use crate::{
    audit::open,
    config::{Loaded, variable},
    parts,
    stores::AuditStores,
};

/// Who acted, in the record.
pub(crate) const OPERATOR: &str = "operator";

/// Writes into the store, and to standard error: the answer of a command goes to standard output. Somebody has to run the
/// writer.
pub(super) fn recorder(
    loaded: &Loaded,
    stores: &AuditStores,
    clock: &Arc<dyn Clock>,
) -> Result<(Recorder, StoreWriter)> {
    let console = parts::audit_to(loaded, io::stderr(), io::stderr().is_terminal());
    let signing = open::signing_keys(loaded, true)?;
    Ok(Recorder::new(RecorderParts {
        clock: Arc::clone(clock),
        console: Some(console),
        instance: None,
        on_full: loaded.config.audit.spool.on_full,
        partition: open::PARTITION.to_owned(),
        policy: open::policy(loaded)?,
        redactor: open::redactor(loaded, &signing)?,
        // It belongs to the server.
        spool: None,
        store: Arc::clone(&stores.logs),
    }))
}

impl Operator {
    /// Makes a change and records how it ended: in one transaction with the change, where the store can do that. `about`
    /// names what is changed, where the use case does not.
    pub(super) async fn change<T>(
        &self,
        action: AuditAction,
        about: AuditNote,
        act: impl Future<Output = Result<T, Error>>,
    ) -> Result<T> {
        self.cx.note(about);
        let by = By {
            action,
            audit: Arc::clone(&self.audit),
            clock: Arc::clone(&self.clock),
            cx: self.cx.clone(),
        };
        let ride = by.audit.wants_ride(&by.action).then(|| by.ride());
        let done = match &ride {
            Some(ride) => ride.clone().scope(act).await,
            None => act.await,
        };
        let carried = ride.as_ref().and_then(AuditRide::take_carried);
        let is_carried = carried.is_some();
        if let Some(record) = carried {
            self.audit.carried(record);
        }
        let done = match done {
            Ok(done) => done,
            Err(err) => {
                if let Err(lost) = self.audit.log(by.event(Some(&err))).await {
                    tracing::error!(error = %lost, "an audit event could not be written");
                }
                return Err(err.into());
            }
        };
        if !is_carried {
            let logged = self.audit.log(by.event(None)).await;
            logged.context("it was done, and the record does not know of it")?;
        }
        Ok(done)
    }
}

/// An act of the operator.
#[derive(Clone)]
struct By {
    action: AuditAction,
    audit: Arc<dyn AuditLogger>,
    clock: Arc<dyn Clock>,
    cx: Cx,
}

impl By {
    fn ride(&self) -> AuditRide {
        let by = self.clone();
        AuditRide::new(move |about| {
            let mut event = by.event(None);
            event.resource = event.resource.or_else(|| about.cloned());
            by.audit.prepare(event)
        })
    }

    /// Describes how the act ended. The one place that does.
    fn event(&self, failure: Option<&Error>) -> AuditEvent {
        let outcome = match failure {
            None => AuditOutcome::Success,
            Some(_) => AuditOutcome::Failure,
        };
        let actor = AuditActor::new(ActorType::System, OPERATOR);
        let action = self.action.clone();
        let mut event = AuditEvent::new(self.clock.now(), actor, action, outcome);
        let note = self.cx.noted().unwrap_or_default();
        event.resource = note.resource;
        event.metadata = note.metadata;
        event.reason = failure.map(|err| err.message().to_owned());
        if let Some(name) = system_user() {
            event.metadata.insert("systemUser".to_owned(), name.into());
        }
        event
    }
}

/// Who is signed in to the machine, as far as the environment says.
pub(crate) fn system_user() -> Option<String> {
    let mut names = ["SUDO_USER", "USER", "LOGNAME"].into_iter();
    names.find_map(|name| variable(name).ok().flatten())
}
