//! Clocks of servers that write to one log, and of one server over time: events of a clock that is wrong seem to have
//! happened before, or after, others.

use std::{sync::Arc, time::Duration};

use ee::{
    AuditAction, AuditLogger, AuditOutcome, Clock, Error,
    storage::{AuditEntry, AuditStore},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{open::PARTITION, service::own};

/// How often the newest event is looked at.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How far clocks may be apart that are set by the network.
const TOLERATED: SignedDuration = SignedDuration::from_secs(2);

/// What is needed to compare them.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) logger: Arc<dyn AuditLogger>,
    pub(super) logs: Arc<dyn AuditStore>,
}

/// Records when the newest event was added at a time that has not come yet by the clock of this server: once, until the
/// clocks agree again.
pub(super) async fn compare(parts: Parts, shutdown: CancellationToken) {
    let mut ticks = interval(LOOK_EVERY);
    let mut is_told = false;
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        match parts.ahead().await {
            Ok(Some((entry, ahead))) if !is_told => is_told = parts.tell(&entry, ahead).await,
            Ok(None) if is_told => {
                info!("the clocks agree again");
                is_told = false;
            }
            // Whoever cannot read the log is told so by others.
            Ok(_) | Err(_) => {}
        }
    }
}

impl Parts {
    /// Returns the newest event and how far in the future it was added, if it was.
    async fn ahead(&self) -> Result<Option<(AuditEntry, SignedDuration)>, Error> {
        let size = self.logs.head(PARTITION).await?.size();
        let newest = self.logs.feed(PARTITION, size.saturating_sub(1), 1).await?;
        let now = self.clock.now();
        let ahead = |entry: AuditEntry| skew(entry.received_at, now).map(|ahead| (entry, ahead));
        Ok(newest.into_iter().find_map(ahead))
    }

    /// Returns whether it is told.
    async fn tell(&self, entry: &AuditEntry, ahead: SignedDuration) -> bool {
        warn!(
            seconds = ahead.as_secs(),
            seq = entry.seq,
            "the newest event of the record is of a time that has not come yet: a clock is wrong"
        );
        let context = entry.record.event.context.as_ref();
        let other = context.and_then(|context| context.instance_id.as_deref());
        let metadata = json!({ "aheadMs": ahead.as_millis(), "seq": entry.seq, "instance": other });
        let (action, outcome) = (AuditAction::AUDIT_CLOCK_SKEW, AuditOutcome::Failure);
        let event = own(&*self.clock, action, outcome, metadata);
        self.logger.log(event).await.is_ok()
    }
}

/// Returns how far a time is ahead of now, if it is further than clocks may be apart.
fn skew(at: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let ahead = at.duration_since(now);
    (ahead > TOLERATED).then_some(ahead)
}

#[cfg(test)]
mod tests {
    use ee::{AuditActor, AuditEvent, SystemClock, async_trait, storage::AuditRecord};
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::*;
    use crate::{
        config::{SessionKind, StoreUrl},
        stores::Stores,
    };

    #[derive(Debug)]
    struct Told(UnboundedSender<AuditEvent>);

    #[async_trait]
    impl AuditLogger for Told {
        async fn log(&self, event: AuditEvent) -> Result<(), Error> {
            self.0.send(event).unwrap();
            Ok(())
        }

        fn log_later(&self, _: AuditEvent) {}
    }

    async fn add(logs: &dyn AuditStore, at: Timestamp) {
        let (actor, outcome) = (AuditActor::system(), AuditOutcome::Success);
        let event = AuditEvent::new(at, actor, AuditAction::LOGOUT, outcome);
        let record = AuditRecord::new(event).unwrap();
        logs.append(PARTITION, vec![record], at).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_out_of_the_future_is_told_once_until_the_clocks_agree() {
        let stores = Stores::open(&StoreUrl::Memory, SessionKind::Store);
        let logs = stores.await.unwrap().audit.logs;
        let (sender, mut told) = unbounded_channel();
        let shutdown = CancellationToken::new();
        let parts = Parts {
            clock: Arc::new(SystemClock),
            logger: Arc::new(Told(sender)),
            logs: Arc::clone(&logs),
        };
        let hour = SignedDuration::from_hours(1);
        add(&*logs, SystemClock.now()).await;
        assert!(parts.ahead().await.unwrap().is_none());
        add(&*logs, SystemClock.now() + hour).await;
        let running = tokio::spawn(compare(parts, shutdown.clone()));

        let event = told.recv().await.unwrap();
        assert_eq!(event.action, AuditAction::AUDIT_CLOCK_SKEW);
        let ahead = event.metadata["aheadMs"].as_i64().unwrap();
        assert!((3_590_000..=3_600_000).contains(&ahead), "{ahead}");
        tokio::time::sleep(LOOK_EVERY * 3).await;
        assert!(told.is_empty());
        add(&*logs, SystemClock.now()).await;
        tokio::time::sleep(LOOK_EVERY * 2).await;
        add(&*logs, SystemClock.now() + hour).await;
        assert_eq!(told.recv().await.unwrap().metadata["seq"], 4);
        shutdown.cancel();
        running.await.unwrap();
    }

    #[test]
    fn clocks_that_are_set_by_the_network_may_be_a_little_apart() {
        let now = Timestamp::UNIX_EPOCH;
        for (millis, is_wrong) in [
            (0, false),
            (2_000, false),
            (2_001, true),
            (-3_600_000, false),
        ] {
            let at = now + SignedDuration::from_millis(millis);
            assert_eq!(skew(at, now).is_some(), is_wrong, "{millis}");
        }
    }
}
