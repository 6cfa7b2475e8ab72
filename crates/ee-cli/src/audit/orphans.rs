//! Acts that were begun before the last end of this server, and whose end nobody has recorded.

use std::{sync::Arc, time::Duration};

use ee::{
    AuditAction, AuditEvent, AuditField, AuditFilter, AuditLogger, AuditOutcome, AuditPlace,
    AuditQuery, AuditStage, Clock, Error, audit::spool::Spool, storage::AuditSearch,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::service::own;

/// How far back acts are looked for.
const BACK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long the events of the last run may take from the spool into the store.
const LOOKS: u32 = 600;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PAGE: u32 = 500;

/// What is needed to find them.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) instance: String,
    pub(super) logger: Arc<dyn AuditLogger>,
    pub(super) search: Arc<dyn AuditSearch>,
    pub(super) spool: Option<Arc<Spool>>,
}

/// Records once that they were not brought to an end, when everything of the last run is in the store.
pub(super) async fn tell(parts: Parts, shutdown: CancellationToken) {
    let started = parts.clock.now();
    let all = async {
        for _ in 0..LOOKS {
            if parts
                .spool
                .as_ref()
                .is_none_or(|it| it.status().records == 0)
            {
                return tell_all(&parts, started).await;
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(0)
    };
    match shutdown.run_until_cancelled(all).await {
        Some(Ok(1..)) => info!("acts of the last run have no end in the record"),
        Some(Ok(0)) | None => {}
        Some(Err(err)) => warn!(error = %err, "cannot look for acts without an end"),
    }
}

async fn tell_all(parts: &Parts, started: Timestamp) -> Result<u32, Error> {
    let from = started.saturating_sub(BACK).unwrap_or(started);
    let intents = AuditFilter::is(AuditField::Stage, AuditStage::Intent.as_str());
    let filter = intents
        .and(AuditFilter::Since(from))
        .and(AuditFilter::Before(started));
    let (mut after, mut count) = (None, 0);
    loop {
        let mut query = AuditQuery::newest(filter.clone(), PAGE);
        query.after = after;
        let page = parts.search.search(&query).await?;
        for entry in &page {
            let event = &entry.record.event;
            if is_of(event, &parts.instance) && !has_ended(parts, event).await? {
                parts.logger.log(orphaned(&*parts.clock, event)).await?;
                count += 1;
            }
        }
        let Some(last) = page.last().filter(|_| page.len() == PAGE as usize) else {
            return Ok(count);
        };
        after = Some(AuditPlace {
            timestamp: last.record.event.timestamp,
            id: last.record.event.id,
        });
    }
}

fn is_of(event: &AuditEvent, instance: &str) -> bool {
    let context = event.context.as_ref();
    context.and_then(|it| it.instance_id.as_deref()) == Some(instance)
}

/// Tells whether the record knows how the request ended.
async fn has_ended(parts: &Parts, intent: &AuditEvent) -> Result<bool, Error> {
    let Some(context) = &intent.context else {
        return Ok(true);
    };
    let ended = AuditFilter::is(AuditField::RequestId, &*context.request_id).and(AuditFilter::is(
        AuditField::Stage,
        AuditStage::Result.as_str(),
    ));
    Ok(parts.search.count(&ended, 1).await?.counted > 0)
}

fn orphaned(clock: &dyn Clock, intent: &AuditEvent) -> AuditEvent {
    let metadata = json!({ "action": intent.action, "intentId": intent.id });
    let (action, outcome) = (AuditAction::AUDIT_INTENT_ORPHANED, AuditOutcome::Failure);
    let mut event = own(clock, action, outcome, metadata);
    event.actor = intent.actor.clone();
    event.context.clone_from(&intent.context);
    event.resource.clone_from(&intent.resource);
    event.reason = Some("the server ended before the act did".to_owned());
    event
}
