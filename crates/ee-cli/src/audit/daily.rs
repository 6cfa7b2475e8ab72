//! What happens to the record once a day: what has had its time goes into the archive, and it is verified.

use std::{sync::Arc, time::Duration};

use ee::{
    AuditAction, AuditActor, AuditLogger, AuditOutcome, Clock, Error,
    audit::{
        delivery::{Health, Verification},
        integrity::{Evidence, Outcome, verify_store},
        retention::Archiver,
    },
};
use serde_json::json;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::service::own;
use crate::stores::AuditStores;

/// A server that is restarted every night does it as well, and one that is being looked at has its first minute for that.
const FIRST: Duration = Duration::from_mins(1);
const EVERY: Duration = Duration::from_hours(24);

/// What is needed for it.
pub(super) struct Parts {
    /// Absent where the log is in memory: what would be archived has nobody to come back for it.
    pub(super) archiver: Option<Archiver>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) evidence: Evidence,
    pub(super) health: Arc<Health>,
    pub(super) logger: Arc<dyn AuditLogger>,
    pub(super) stores: AuditStores,
}

/// Does it every day. What fails is told, and done again a day later.
pub(super) async fn run(parts: Parts, shutdown: CancellationToken) {
    let days = async {
        let mut wait = FIRST;
        loop {
            sleep(wait).await;
            wait = EVERY;
            // It signs what is there: without a checkpoint nothing can be verified.
            if let Err(err) = parts.prune().await {
                warn!(error = %err, "what has had its time stays; trying again in a day");
            }
            if let Err(err) = parts.verify().await {
                warn!(error = %err, "the record could not be verified; trying again in a day");
            }
        }
    };
    shutdown.run_until_cancelled(days).await;
}

impl Parts {
    /// Verifies every log, and records what came out.
    async fn verify(&self) -> Result<(), Error> {
        let mut is_ok = true;
        for partition in self.stores.logs.partitions().await? {
            let (logs, proofs) = (&*self.stores.logs, &*self.stores.proofs);
            let report =
                verify_store(logs, proofs, &partition, &self.evidence, 0, &mut |_| {}).await?;
            let (action, outcome) = match report.outcome {
                Outcome::Ok => (AuditAction::AUDIT_VERIFY_OK, AuditOutcome::Success),
                Outcome::Incomplete | Outcome::Tampered => {
                    error!(%report, "the record is not as it was written");
                    (AuditAction::AUDIT_VERIFY_FAILED, AuditOutcome::Failure)
                }
            };
            is_ok &= report.outcome == Outcome::Ok;
            let metadata = json!({
                "log": partition,
                "outcome": report.outcome,
                "to": report.to,
                "covered": report.covered,
            });
            self.logger
                .log(own(&*self.clock, action, outcome, metadata))
                .await?;
        }
        let at = self.clock.now();
        self.health.verified(Verification { at, is_ok });
        Ok(())
    }

    /// Archives and removes what has had its time. Its events are recorded by what does it.
    async fn prune(&self) -> Result<(), Error> {
        let Some(archiver) = &self.archiver else {
            return Ok(());
        };
        for partition in self.stores.logs.partitions().await? {
            let actor = AuditActor::system();
            let report = archiver.prune(&partition, &actor, &mut |_| {}).await?;
            if report.due + report.held > 0 {
                let (due, pruned, held) = (report.due, report.pruned, report.held);
                info!(partition, due, pruned, held, "the time of events was over");
            }
            if report.is_blocked {
                warn!(partition, "events stay until a sink has taken them");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ee::{
        AuditEvent, SystemClock, async_trait,
        audit::{
            integrity::{Sealer, SigningKey},
            retention::{ArchiverParts, RetentionConfig},
        },
        storage::AuditRecord,
    };
    use jiff::SignedDuration;
    use tokio::sync::Notify;

    use super::*;
    use crate::{
        audit::open::PARTITION,
        config::{SessionKind, StoreUrl},
        stores::Stores,
    };

    const DEPLOYMENT: &str = "ee.example";

    /// Writes into the log at once.
    #[derive(Debug)]
    struct Direct {
        stores: AuditStores,
        wrote: Notify,
    }

    #[async_trait]
    impl AuditLogger for Direct {
        async fn log(&self, event: AuditEvent) -> Result<(), Error> {
            let record = AuditRecord::new(event)?;
            let logs = &self.stores.logs;
            logs.append(PARTITION, vec![record], SystemClock.now())
                .await?;
            self.wrote.notify_one();
            Ok(())
        }

        fn log_later(&self, _: AuditEvent) {}
    }

    /// Writes a log with an event of so many days ago, and returns what takes care of it.
    async fn world(days: i64, archives: &std::path::Path) -> (Parts, Arc<Direct>) {
        let stores = Stores::open(&StoreUrl::Memory, SessionKind::Store)
            .await
            .unwrap();
        let (stores, clock) = (stores.audit, Arc::new(SystemClock));
        let at = clock.now() - SignedDuration::from_hours(24 * days);
        let (actor, outcome) = (AuditActor::system(), AuditOutcome::Success);
        let event = AuditEvent::new(at, actor, AuditAction::LOGOUT, outcome);
        let record = AuditRecord::new(event).unwrap();
        let added = stores.logs.append(PARTITION, vec![record], at);
        added.await.unwrap();

        let key = SigningKey::generate(DEPLOYMENT).unwrap();
        let keys = [key.verifier().clone()].into_iter().collect();
        let (logs, proofs) = (Arc::clone(&stores.logs), Arc::clone(&stores.proofs));
        let sealer = Sealer::new(
            DEPLOYMENT,
            logs.clone(),
            proofs.clone(),
            vec![key],
            [],
            clock.clone(),
        );
        let archiver = Archiver::new(ArchiverParts {
            archives: Some(archives.to_owned()),
            clock: clock.clone(),
            config: RetentionConfig::default(),
            gate: None,
            proofs,
            retention: Arc::clone(&stores.retention),
            sealer: Arc::new(sealer),
            store: logs,
        });
        let logger = Arc::new(Direct {
            stores: stores.clone(),
            wrote: Notify::new(),
        });
        let parts = Parts {
            archiver: Some(archiver.unwrap()),
            clock,
            evidence: Evidence::new(DEPLOYMENT, keys),
            health: Arc::default(),
            logger: logger.clone(),
            stores,
        };
        (parts, logger)
    }

    async fn actions(stores: &AuditStores) -> Vec<String> {
        let entries = stores.logs.feed(PARTITION, 0, 100).await.unwrap();
        let actions = entries.iter().map(|it| it.record.event.action.to_string());
        actions.collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_record_is_verified_every_day_and_what_has_had_its_time_is_archived() {
        let dir = tempfile::tempdir().unwrap();
        let (parts, logger) = world(500, dir.path()).await;
        let stores = parts.stores.clone();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(run(parts, shutdown.clone()));

        logger.wrote.notified().await;
        // The second day: the first has ended by then.
        logger.wrote.notified().await;

        let actions = actions(&stores).await;
        let count = |name: &str| actions.iter().filter(|it| *it == name).count();
        assert_eq!(count("auth.logout"), 0, "{actions:?}");
        // That it is about to happen, and what came of it.
        assert_eq!(count("audit.retention.pruned"), 2, "{actions:?}");
        assert_eq!(count("audit.verify.ok"), 2, "{actions:?}");
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_some());
        shutdown.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn what_has_time_left_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (parts, _) = world(399, dir.path()).await;

        parts.prune().await.unwrap();

        assert_eq!(actions(&parts.stores).await, ["auth.logout"]);
    }

    #[tokio::test]
    async fn a_damaged_record_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (mut parts, _) = world(1, dir.path()).await;
        // Signed by a key that nobody knows.
        parts.archiver = None;
        let key = SigningKey::generate(DEPLOYMENT).unwrap();
        let (logs, proofs) = (parts.stores.logs.clone(), parts.stores.proofs.clone());
        let sealer = Sealer::new(
            DEPLOYMENT,
            logs,
            proofs,
            vec![key],
            [],
            Arc::new(SystemClock),
        );
        sealer.seal(PARTITION).await.unwrap();

        parts.verify().await.unwrap();

        assert!(!parts.health.report().verification.unwrap().is_ok);
        let actions = actions(&parts.stores).await;
        assert_eq!(
            actions.last().map(String::as_str),
            Some("audit.verify.failed")
        );
    }
}
