//! Legal holds.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ee_audit::retention::{Holds, NewHold, Person};
use ee_core::{AuditAction, AuditEvent, AuditLogger, AuditOutcome, AuditStage, Error, ErrorKind};

use super::world::{LOG, World, hold, on, operator};

/// Keeps events in a list, as long as there is room.
#[derive(Debug)]
struct Logger {
    events: Mutex<Vec<AuditEvent>>,
    room: usize,
}

impl Logger {
    fn new(room: usize) -> Arc<Self> {
        let events = Mutex::default();
        Arc::new(Self { events, room })
    }

    fn said(&self) -> Vec<(String, AuditStage, AuditOutcome)> {
        let events = self.events.lock().unwrap();
        let said = events.iter();
        said.map(|it| (it.action.to_string(), it.stage, it.outcome))
            .collect()
    }
}

#[async_trait]
impl AuditLogger for Logger {
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        let mut events = self.events.lock().unwrap();
        if events.len() >= self.room {
            return Err(Error::new(ErrorKind::Unavailable, "no room"));
        }
        events.push(event);
        Ok(())
    }

    fn log_later(&self, _: AuditEvent) {}
}

fn holds(world: &World, logger: &Arc<Logger>) -> Holds {
    Holds::new(
        world.store.clone(),
        logger.clone(),
        Arc::new(world.clock.clone()),
    )
}

fn new(id: &str, filter: &str) -> NewHold {
    NewHold::new(id, filter, "a case", "legal")
}

#[tokio::test]
async fn both_ends_of_a_hold_are_recorded_before_they_are_done() {
    let world = World::empty();
    let logger = Logger::new(9);
    let holds = holds(&world, &logger);

    let made = holds
        .create(&operator(), new("case-1", "actor:u7"))
        .await
        .unwrap();
    assert_eq!(holds.list().await.unwrap(), std::slice::from_ref(&made));
    let refused = holds
        .create(&operator(), new("case-1", "*"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(holds.release(&operator(), "case-1").await.unwrap(), made);
    let refused = holds.release(&operator(), "case-1").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);

    let said = |action: &AuditAction, stage, outcome| (action.to_string(), stage, outcome);
    let (create, release) = (
        AuditAction::AUDIT_HOLD_CREATE,
        AuditAction::AUDIT_HOLD_RELEASE,
    );
    let (intent, result) = (AuditStage::Intent, AuditStage::Result);
    let (well, failed) = (AuditOutcome::Success, AuditOutcome::Failure);
    assert_eq!(
        logger.said(),
        [
            said(&create, intent, well),
            said(&create, result, well),
            said(&create, intent, well),
            said(&create, result, failed),
            said(&release, intent, well),
            said(&release, result, well),
        ]
    );
    let events = logger.events.lock().unwrap();
    assert_eq!(events[1].metadata["filter"], "actor:u7");
    assert_eq!(events[1].metadata["reason"], "a case");
    assert_eq!(events[1].metadata["owner"], "legal");
    assert_eq!(events[3].metadata["error"], "conflict");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let world = World::empty();
    let refused = holds(&world, &Logger::new(0))
        .create(&operator(), new("a", "*"))
        .await;
    assert!(refused.is_err());
    assert!(world.store.inner().holds.is_empty());

    world.hold("a", "*");
    let refused = holds(&world, &Logger::new(0))
        .release(&operator(), "a")
        .await;
    assert!(refused.is_err());
    assert_eq!(world.store.inner().holds.len(), 1);
}

#[tokio::test]
async fn what_is_no_hold_is_refused_by_name() {
    let world = World::empty();
    let logger = Logger::new(9);
    for (hold, named) in [
        (new("", "*"), "id"),
        (new("a", " "), "filter"),
        (new("a", "actr:x"), "filter"),
        (NewHold::new("a", "*", "", "legal"), "reason"),
        (NewHold::new("a", "*", "a case", ""), "owner"),
        (new("a\nb", "*"), "id"),
    ] {
        let refused = holds(&world, &logger)
            .create(&operator(), hold)
            .await
            .unwrap_err();
        assert_eq!(refused.issues()[0].field, named, "{refused}");
    }
    assert!(logger.said().is_empty());
}

/// A hold that begins while events are being removed keeps those that are still there.
#[tokio::test]
async fn a_hold_that_comes_in_between_is_seen() {
    let world = World::new(500, 10).await;
    let mut batches = 0;
    world.store.inner().before_prune = Some(Box::new(move |inner| {
        batches += 1;
        if batches == 2 {
            inner.holds.push(hold("late", "actor:u3", on(500)));
        }
    }));

    let report = world.prune().await;

    // It comes over the third batch and what follows it.
    assert_eq!(report.pruned + report.held, 1_010);
    assert_eq!(
        report.held,
        (513..=1_010).filter(|seq| seq % 10 == 3).count() as u64
    );
    let mut held = world.seqs().into_iter().filter(|seq| *seq <= 1_010);
    assert!(held.all(|seq| seq % 10 == 3 && seq > 512));
    let notes = world.notes(&AuditAction::AUDIT_PRUNE);
    assert_eq!(notes[1].metadata["count"], report.pruned);
    world.assert_verified().await;
}

#[tokio::test]
async fn nothing_goes_under_a_hold_that_nobody_can_read() {
    let world = World::new(500, 2).await;
    world.hold("from-later", "newkey:x");

    let refused = world.try_prune().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Internal);
    assert!(refused.message().contains("`from-later`"), "{refused}");
    let person = Person::new(Some("u1"), None).unwrap();
    assert!(world.try_erase(&person).await.is_err());

    assert_eq!(world.seqs().len(), 1_000);
}

/// Days before now, in a hold, are days before it began.
#[tokio::test]
async fn a_hold_on_the_last_days_does_not_move_on() {
    let world = World::new(100, 2).await;
    world.hold("recent", "created:>=-10d");
    world.clock.set(on(1_000));

    let report = world.prune().await;

    assert_eq!((report.pruned, report.held), (180, 20));
    world.store.inner().holds.clear();
    assert_eq!(world.prune().await.pruned, 20);
    assert_eq!(world.store.inner().log(LOG).entries.len(), 4);
}
