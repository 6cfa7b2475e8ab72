//! Legal holds: what fits one is neither removed nor erased.

use std::{fmt, sync::Arc};

use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditLogger, AuditOutcome, AuditResource, AuditStage,
    Clock, Error, ErrorKind,
    storage::{AuditHold, AuditRetention},
};
use serde::Deserialize;

use crate::query::{Context, parse};

/// Longest id, in characters.
const LONGEST_ID: usize = 128;
/// Longest reason, and longest name of an owner, in characters.
const LONGEST_TEXT: usize = 2_000;

/// Begins and ends legal holds, and sees to it that both are recorded before they are done.
pub struct Holds {
    clock: Arc<dyn Clock>,
    logger: Arc<dyn AuditLogger>,
    retention: Arc<dyn AuditRetention>,
}

/// A hold that is to begin.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewHold {
    /// What it is called.
    pub id: String,
    /// What must stay, in the grammar of the search. Times such as `-30d` are counted from when the hold begins.
    pub filter: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub owner: String,
}

impl NewHold {
    /// Describes a hold.
    pub fn new(
        id: impl Into<String>,
        filter: impl Into<String>,
        reason: impl Into<String>,
        owner: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            filter: filter.into(),
            reason: reason.into(),
            owner: owner.into(),
        }
    }
}

impl Holds {
    /// Puts it together.
    pub fn new(
        retention: Arc<dyn AuditRetention>,
        logger: Arc<dyn AuditLogger>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            clock,
            logger,
            retention,
        }
    }

    /// Begins a hold.
    ///
    /// Fails with [`ErrorKind::Invalid`] for a filter that cannot be read and for empty texts, with
    /// [`ErrorKind::Conflict`] when the id is taken, and when it cannot be recorded: then there is no hold.
    pub async fn create(&self, actor: &AuditActor, new: NewHold) -> Result<AuditHold, Error> {
        let now = self.clock.now();
        let hold = AuditHold {
            id: text("id", &new.id, LONGEST_ID)?,
            filter: text("filter", &new.filter, crate::query::MAX_TEXT_BYTES)?,
            reason: text("reason", &new.reason, LONGEST_TEXT)?,
            owner: text("owner", &new.owner, LONGEST_TEXT)?,
            created_at: now,
        };
        parse(&hold.filter, &Context::new(now))?;
        let action = AuditAction::AUDIT_HOLD_CREATE;
        self.log(actor, &action, &hold, Stage::Begins).await?;
        let done = self.retention.put_hold(hold.clone()).await;
        self.log(actor, &action, &hold, Stage::of(&done)).await?;
        done.map(|()| hold)
    }

    /// Ends a hold.
    ///
    /// Fails with [`ErrorKind::NotFound`] when there is none of this id, and when it cannot be recorded: then it goes on.
    pub async fn release(&self, actor: &AuditActor, id: &str) -> Result<AuditHold, Error> {
        let missing = || Error::new(ErrorKind::NotFound, "there is no such hold");
        let holds = self.retention.holds().await?;
        let known = holds.into_iter().find(|hold| hold.id == id);
        let hold = known.ok_or_else(missing)?;
        let action = AuditAction::AUDIT_HOLD_RELEASE;
        self.log(actor, &action, &hold, Stage::Begins).await?;
        let done = self.retention.release_hold(id).await;
        let done = done.and_then(|released| released.ok_or_else(missing));
        self.log(actor, &action, &hold, Stage::of(&done)).await?;
        done
    }

    /// Returns the holds, the oldest first.
    pub async fn list(&self) -> Result<Vec<AuditHold>, Error> {
        self.retention.holds().await
    }

    /// Records that something is about to be done, or how it ended.
    async fn log(
        &self,
        actor: &AuditActor,
        action: &AuditAction,
        hold: &AuditHold,
        stage: Stage,
    ) -> Result<(), Error> {
        let (outcome, failed) = match stage {
            Stage::Failed(kind) => (AuditOutcome::Failure, Some(kind.code())),
            Stage::Begins | Stage::Done => (AuditOutcome::Success, None),
        };
        let mut event = AuditEvent::new(self.clock.now(), actor.clone(), action.clone(), outcome);
        if stage == Stage::Begins {
            event.stage = AuditStage::Intent;
        }
        event.resource = Some(AuditResource::new("audit-hold", hold.id.as_str()));
        let said = [
            ("filter", Some(&*hold.filter)),
            ("reason", Some(&*hold.reason)),
            ("owner", Some(&*hold.owner)),
            ("error", failed),
        ];
        for (name, value) in said {
            let value = value.map(|value| (name.to_owned(), value.into()));
            event.metadata.extend(value);
        }
        self.logger.log(event).await
    }
}

/// How far an act is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Begins,
    Done,
    Failed(ErrorKind),
}

impl Stage {
    fn of<T>(done: &Result<T, Error>) -> Self {
        match done {
            Ok(_) => Self::Done,
            Err(err) => Self::Failed(err.kind()),
        }
    }
}

/// Takes a text which says something.
fn text(field: &str, text: &str, most: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid_field(field, "is empty"));
    }
    if text.chars().count() > most {
        let message = format!("has more than {most} characters");
        return Err(Error::invalid_field(field, message));
    }
    if text.contains(char::is_control) {
        return Err(Error::invalid_field(field, "has control characters"));
    }
    Ok(text.to_owned())
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holds").finish_non_exhaustive()
    }
}
