//! What the record says of a sink.

use std::time::Duration;

use ee_core::{AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource};
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use tracing::error;

use super::{DeadLetter, shared::Shared};

/// How long the record is waited for.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// Begins the actions of events about sinks.
const ABOUT_SINKS: &str = "audit.sink.";

impl Shared {
    /// Records a change of the sink.
    pub(super) async fn report(
        &self,
        actor: AuditActor,
        action: AuditAction,
        outcome: AuditOutcome,
        reason: Option<String>,
        metadata: Map<String, Value>,
    ) {
        let mut event = AuditEvent::new(self.clock.now(), actor, action, outcome);
        event.resource = Some(AuditResource::new("audit-sink", self.name.as_str()));
        event.reason = reason;
        event.metadata = metadata;
        let kept = match timeout(LOG_TIMEOUT, self.logger.log(event)).await {
            Ok(kept) => kept.map_err(|err| err.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        if let Err(err) = kept {
            error!(sink.name = %self.name, error = %err, "cannot record a change of an audit sink");
        }
    }

    /// Records that events were given up: one event for all of one batch.
    pub(super) async fn report_letters(&self, letters: &[DeadLetter]) {
        let (Some(first), Some(last)) = (letters.first(), letters.last()) else {
            return;
        };
        let told = json!({
            "count": letters.len(),
            "firstSeq": first.seq,
            "lastSeq": last.seq,
            "partition": first.partition,
        });
        let Value::Object(metadata) = told else {
            return;
        };
        self.report(
            AuditActor::system(),
            AuditAction::AUDIT_SINK_DEADLETTER,
            AuditOutcome::Failure,
            Some(last.reason.clone()),
            metadata,
        )
        .await;
    }
}

/// Tells whether the event says something of a sink, whichever: when sinks refuse what is said of each other, nothing
/// more is said, or it would never end.
pub(super) fn is_about_sinks(event: &AuditEvent) -> bool {
    event.action.as_str().starts_with(ABOUT_SINKS)
}
