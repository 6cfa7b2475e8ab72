//! What follows behind the log: checkpoints and indexes.

use std::{sync::Arc, time::Duration};

use ee::{
    AuditAction, AuditLogger, AuditOutcome, Clock, Error,
    audit::integrity::{Sealed, Sealer},
    storage::{AuditIndex, AuditStore},
};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::service::own;

/// How often it is asked whether a checkpoint is due.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How long a server that is stopped waits for its last checkpoint.
const LAST_SEAL_WITHIN: Duration = Duration::from_secs(2);
/// How often new events are brought into the indexes, and how many of them at once.
const INDEX_EVERY: Duration = Duration::from_secs(1);
const INDEXED_AT_ONCE: u32 = 1_000;

/// Signs checkpoints when they are due, and tells when the log is not the one that it was.
pub(super) async fn seal(
    sealer: Arc<Sealer>,
    logs: Arc<dyn AuditStore>,
    logger: Arc<dyn AuditLogger>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let mut ticks = interval(SEAL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut trouble, mut is_told) = (None, false);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = match seal_all(&sealer, &*logs).await {
            Ok(Some((partition, size, seen))) => {
                if !is_told {
                    error!(partition, size, seen, "the record was rolled back");
                    let metadata = json!({ "log": partition, "size": size, "seen": seen });
                    let (action, outcome) = (AuditAction::AUDIT_ROLLBACK, AuditOutcome::Failure);
                    let told = logger.log(own(&*clock, action, outcome, metadata)).await;
                    is_told = told.is_ok();
                }
                None
            }
            Ok(None) => None,
            Err(err) => Some(err.to_string()),
        };
        match &now {
            Some(message) if now != trouble => warn!(error = message, "no checkpoint is signed"),
            None if trouble.is_some() => info!("checkpoints are signed again"),
            _ => {}
        }
        trouble = now;
    }
}

/// Signs a last checkpoint, so that a stopped server leaves nothing that none covers. What the store does not take in time
/// waits for the next start.
pub(super) async fn seal_rest(sealer: &Sealer, partition: &str) {
    let err = match timeout(LAST_SEAL_WITHIN, sealer.seal_rest(partition)).await {
        Ok(Ok(Sealed::NotDue | Sealed::Signed { .. })) => return,
        Ok(Ok(Sealed::Rollback { .. })) => "the record was rolled back".to_owned(),
        Ok(Err(err)) => err.to_string(),
        Err(late) => late.to_string(),
    };
    warn!(error = err, "the last events have no checkpoint yet");
}

/// Returns the log that was rolled back, how far it goes and how far it went.
async fn seal_all(
    sealer: &Sealer,
    logs: &dyn AuditStore,
) -> Result<Option<(String, u64, u64)>, Error> {
    let mut rolled_back = None;
    for partition in logs.partitions().await? {
        match sealer.seal(&partition).await? {
            Sealed::NotDue => {}
            Sealed::Rollback { size, seen } => rolled_back = Some((partition, size, seen)),
            Sealed::Signed { unanchored, .. } => {
                for (anchor, err) in unanchored {
                    warn!(anchor, error = %err, "a checkpoint is not published there");
                }
            }
        }
    }
    Ok(rolled_back)
}

/// Brings new events into the indexes.
pub(super) async fn index(index: Arc<dyn AuditIndex>, shutdown: CancellationToken) {
    let mut is_well = true;
    loop {
        let step = index.index_events(INDEXED_AT_ONCE);
        let Some(done) = shutdown.run_until_cancelled(step).await else {
            return;
        };
        if let (Err(err), true) = (&done, is_well) {
            warn!(error = %err, "new events are not brought into the indexes");
        }
        is_well = done.is_ok();
        if !matches!(done, Ok(1..))
            && shutdown
                .run_until_cancelled(sleep(INDEX_EVERY))
                .await
                .is_none()
        {
            return;
        }
    }
}
