//! What the commands write to the record.

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};

use anyhow::Result;
use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditLogger, AuditOutcome, Error,
    server::{AuditNote, Reply},
};

use super::operator::Operator;
use crate::{
    config::{Loaded, variable},
    parts,
};

/// Who acted, in the record.
const OPERATOR: &str = "operator";

/// Writes the record to standard error: the answer of a command goes to standard output.
pub(super) fn logger(loaded: &Loaded) -> Arc<dyn AuditLogger> {
    parts::audit_to(loaded, io::stderr(), io::stderr().is_terminal())
}

impl Operator {
    /// Makes a change and records how it ended. `about` names what is changed, where the use case does not.
    pub(super) async fn change<T>(
        &self,
        action: AuditAction,
        about: AuditNote,
        act: impl Future<Output = Result<Reply<T>, Error>>,
    ) -> Result<T> {
        match act.await {
            Ok(reply) => {
                let note = reply.note.unwrap_or(about);
                self.record(action, note, None).await;
                Ok(reply.body)
            }
            Err(err) => {
                self.record(action, about, Some(&err)).await;
                Err(err.into())
            }
        }
    }

    /// Records an act of the operator. The one place that does.
    async fn record(&self, action: AuditAction, note: AuditNote, failure: Option<&Error>) {
        let outcome = match failure {
            None => AuditOutcome::Success,
            Some(_) => AuditOutcome::Failure,
        };
        let actor = AuditActor::new(ActorType::System, OPERATOR);
        let mut event = AuditEvent::new(self.clock.now(), actor, action, outcome);
        event.resource = note.resource;
        event.metadata = note.metadata;
        event.reason = failure.map(|err| err.message().to_owned());
        if let Some(name) = system_user() {
            event.metadata.insert("systemUser".to_owned(), name.into());
        }
        if let Err(err) = self.audit.log(event).await {
            tracing::error!(error = %err, "an audit event could not be written");
        }
    }
}

/// Who is signed in to the machine, as far as the environment says.
fn system_user() -> Option<String> {
    let mut names = ["SUDO_USER", "USER", "LOGNAME"].into_iter();
    names.find_map(|name| variable(name).ok().flatten())
}
