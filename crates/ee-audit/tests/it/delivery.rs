//! From an event to the store.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ee_audit::{
    delivery::{OnFull, Recorder, RecorderParts, StoreWriter},
    policy::{Mode, Policy},
    redact::{RedactionConfig, Redactor},
    spool::{Spool, SpoolConfig},
};
use ee_core::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditHead, AuditLogger as _, AuditOutcome,
    AuditStage, Clock as _, Error, ErrorKind,
    storage::{AuditEntry, AuditRecord, AuditStore},
};
use ee_testkit::TestClock;
use jiff::Timestamp;
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};
use uuid::Uuid;

/// How a store behaves.
const WELL: u8 = 0;
const AWAY: u8 = 1;
const HANGS: u8 = 2;
const BROKEN: u8 = 3;

/// Keeps events in a list.
#[derive(Debug, Default)]
struct Log {
    entries: Mutex<Vec<AuditRecord>>,
    ids: Mutex<HashSet<Uuid>>,
    mood: AtomicU8,
    refuses: Mutex<Option<AuditAction>>,
}

impl Log {
    fn actions(&self) -> Vec<String> {
        let entries = self.entries.lock().unwrap();
        let actions = entries.iter().map(|it| it.event.action.to_string());
        actions.collect()
    }

    fn last(&self) -> AuditEvent {
        self.entries.lock().unwrap().last().unwrap().event.clone()
    }
}

#[async_trait]
impl AuditStore for Log {
    async fn append(
        &self,
        partition: &str,
        records: Vec<AuditRecord>,
        _now: Timestamp,
    ) -> Result<AuditHead, Error> {
        match self.mood.load(Ordering::Relaxed) {
            AWAY => return Err(Error::new(ErrorKind::Unavailable, "the store is away")),
            HANGS => std::future::pending().await,
            BROKEN => return Err(Error::new(ErrorKind::Internal, "no such table")),
            _ => {}
        }
        let refuses = self.refuses.lock().unwrap().clone();
        if records
            .iter()
            .any(|it| Some(&it.event.action) == refuses.as_ref())
        {
            return Err(Error::new(ErrorKind::Internal, "not with me"));
        }
        let (mut entries, mut ids) = (self.entries.lock().unwrap(), self.ids.lock().unwrap());
        for record in records {
            if ids.insert(record.event.id) {
                entries.push(record);
            }
        }
        Ok(AuditHead::genesis(partition))
    }

    async fn append_left(&self, _: &str, _: u32, _: Timestamp) -> Result<u32, Error> {
        match self.mood.load(Ordering::Relaxed) {
            WELL => Ok(0),
            _ => Err(Error::new(ErrorKind::Unavailable, "the store is away")),
        }
    }

    async fn head(&self, partition: &str) -> Result<AuditHead, Error> {
        Ok(AuditHead::genesis(partition))
    }

    async fn partitions(&self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    async fn find_event(&self, _: Uuid) -> Result<Option<AuditEntry>, Error> {
        Ok(None)
    }

    async fn feed(&self, _: &str, _: u64, _: u32) -> Result<Vec<AuditEntry>, Error> {
        Ok(Vec::new())
    }
}

struct World {
    clock: TestClock,
    log: Arc<Log>,
    recorder: Recorder,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    writer: Option<StoreWriter>,
}

impl World {
    fn new(spool: Option<Spool>, policy: Policy, on_full: OnFull) -> Self {
        let (clock, log) = (TestClock::default(), Arc::new(Log::default()));
        let (recorder, writer) = Recorder::new(RecorderParts {
            clock: Arc::new(clock.clone()),
            console: None,
            instance: None,
            on_full,
            partition: "default".to_owned(),
            policy,
            redactor: Redactor::new(RedactionConfig::default(), None).unwrap(),
            spool: spool.map(Arc::new),
            store: Arc::clone(&log) as _,
        });
        Self {
            clock,
            log,
            recorder,
            running: None,
            writer: Some(writer),
        }
    }

    fn start(&mut self) {
        let (stop, stopped) = oneshot::channel();
        let writer = self.writer.take().unwrap();
        let running = tokio::spawn(writer.run(async move {
            let _ = stopped.await;
        }));
        self.running = Some((stop, running));
    }

    async fn stop(&mut self) {
        let (stop, running) = self.running.take().unwrap();
        stop.send(()).unwrap();
        running.await.unwrap();
    }

    fn event(&self, action: AuditAction) -> AuditEvent {
        let actor = AuditActor::new(ActorType::User, "ada");
        AuditEvent::new(self.clock.now(), actor, action, AuditOutcome::Success)
    }

    fn intent(&self, action: AuditAction) -> AuditEvent {
        let mut event = self.event(action);
        event.stage = AuditStage::Intent;
        event
    }

    async fn log(&self, action: AuditAction) -> Result<(), Error> {
        self.recorder.log(self.event(action)).await
    }

    async fn until_stored(&self, count: usize) {
        let start = Instant::now();
        while self.log.entries.lock().unwrap().len() < count {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{:?}",
                self.log.actions()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn spool(dir: &tempfile::TempDir) -> Spool {
    let mut config = SpoolConfig::new(dir.path().join("spool"));
    config.keep_free_percent = 0;
    Spool::open(config).unwrap().0
}

#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost_while_the_store_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(Some(spool(&dir)), Policy::default(), OnFull::Reject);
    world.log.mood.store(AWAY, Ordering::Relaxed);
    world.start();
    let mut ids = Vec::new();
    for _ in 0..500 {
        let event = world.event(AuditAction::AGENT_STREAM);
        ids.push(event.id);
        world.recorder.log(event).await.unwrap();
    }
    let trouble = world.recorder.health().report().trouble.unwrap();
    assert_eq!(trouble.message, "the store is away");

    world.log.mood.store(WELL, Ordering::Relaxed);

    world.until_stored(500).await;
    let stored: Vec<Uuid> = {
        let entries = world.log.entries.lock().unwrap();
        entries.iter().map(|it| it.event.id).collect()
    };
    assert_eq!(stored, ids, "in the order in which they were acknowledged");
    assert!(world.recorder.health().report().is_well);
    world.stop().await;
}

#[tokio::test]
async fn what_is_in_the_spool_is_stored_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = World::new(Some(spool(&dir)), Policy::default(), OnFull::Reject);
    first.log.mood.store(AWAY, Ordering::Relaxed);
    first.start();
    first.log(AuditAction::LOGOUT).await.unwrap();
    first
        .recorder
        .log_later(first.event(AuditAction::RUN_START));
    first.stop().await;
    drop(first);

    let mut second = World::new(Some(spool(&dir)), Policy::default(), OnFull::Reject);
    second.start();

    second.until_stored(2).await;
    assert_eq!(second.log.actions(), ["auth.logout", "workflows.run.start"]);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_act_that_must_be_recorded_first_is_not_done_when_the_store_hangs() {
    let mut world = World::new(None, Policy::default(), OnFull::Reject);
    world.start();
    assert!(world.recorder.wants_intent(&AuditAction::WORKFLOW_CREATE));
    assert!(!world.recorder.wants_intent(&AuditAction::AGENT_STREAM));
    world.log.mood.store(HANGS, Ordering::Relaxed);
    let start = Instant::now();

    let refused = world
        .recorder
        .log(world.intent(AuditAction::WORKFLOW_CREATE))
        .await;

    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(refused.retry_after().is_some());
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(world.recorder.health().report().refused, 1);
}

#[tokio::test]
async fn what_must_be_recorded_first_is_in_the_store_when_the_answer_comes() {
    let mut world = World::new(None, Policy::default(), OnFull::Reject);
    world.start();

    world
        .recorder
        .log(world.intent(AuditAction::WORKFLOW_CREATE))
        .await
        .unwrap();

    assert_eq!(world.log.actions(), ["workflows.create"]);
    world.stop().await;
}

#[tokio::test]
async fn what_need_not_be_kept_is_counted_when_it_is_lost() {
    let policy = Policy::default()
        .rule("threads.*", Mode::BestEffort)
        .unwrap();
    let mut world = World::new(None, policy, OnFull::Reject);
    for _ in 0..9_000 {
        world.log(AuditAction::THREAD_UPDATE).await.unwrap();
    }

    world.start();

    // As many as there is room for, and the one that says how many are missing.
    world.until_stored(8_193).await;
    let gap = world.log.entries.lock().unwrap().iter().find_map(|it| {
        let is_gap = it.event.action == AuditAction::AUDIT_GAP;
        is_gap.then(|| it.event.metadata.clone())
    });
    let gap = gap.unwrap();
    assert_eq!(gap["count"], 808);
    assert_eq!(gap["byAction"]["threads.update"], 808);
    assert_eq!(world.recorder.health().report().lost, 808);
    world.stop().await;
}

#[tokio::test]
async fn an_event_that_the_store_refuses_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(Some(spool(&dir)), Policy::default(), OnFull::Reject);
    *world.log.refuses.lock().unwrap() = Some(AuditAction::RUN_DELETE);
    for action in [
        AuditAction::LOGOUT,
        AuditAction::RUN_DELETE,
        AuditAction::SIGNUP,
    ] {
        world.log(action).await.unwrap();
    }

    world.start();

    world.until_stored(3).await;
    assert_eq!(
        world.log.actions(),
        ["auth.logout", "auth.signup", "audit.gap"]
    );
    assert_eq!(
        world.log.last().metadata["byAction"]["workflows.run.delete"],
        1
    );
    world.stop().await;
}

#[tokio::test]
async fn a_full_spool_sends_people_away_or_counts_as_the_policy_says() {
    for (on_full, is_refused) in [(OnFull::Reject, true), (OnFull::DropCounted, false)] {
        let dir = tempfile::tempdir().unwrap();
        let mut config = SpoolConfig::new(dir.path().join("spool"));
        config.keep_free_percent = 0;
        config.max_bytes = 64 * 1_024;
        let spool = Spool::open(config).unwrap().0;
        let mut world = World::new(Some(spool), Policy::default(), on_full);
        world.log.mood.store(AWAY, Ordering::Relaxed);
        world.start();
        let is_full = AtomicBool::new(false);
        for _ in 0..2_000 {
            if world.log(AuditAction::AGENT_STREAM).await.is_err() {
                is_full.store(true, Ordering::Relaxed);
                break;
            }
        }
        assert_eq!(is_full.into_inner(), is_refused, "{on_full:?}");
        let report = world.recorder.health().report();
        assert_eq!(
            (report.refused > 0, report.lost > 0),
            (is_refused, !is_refused)
        );

        world.log.mood.store(WELL, Ordering::Relaxed);
        let spooled = usize::try_from(report.spooled).unwrap();
        // And what says how many are missing.
        world.until_stored(spooled + 1).await;
        world.log(AuditAction::LOGOUT).await.unwrap();
        world.stop().await;
        assert!(world.log.actions().contains(&"auth.logout".to_owned()));
        // Said once or twice: some may be lost while it is being said.
        let entries = world.log.entries.lock().unwrap();
        let gaps = entries
            .iter()
            .filter(|it| it.event.action == AuditAction::AUDIT_GAP);
        let said: u64 = gaps
            .filter_map(|it| it.event.metadata["count"].as_u64())
            .sum();
        assert_eq!(said, report.lost + report.refused);
        let full = |it: &&AuditRecord| it.event.action == AuditAction::AUDIT_SPOOL_FULL;
        assert_eq!(entries.iter().filter(full).count(), 1, "{on_full:?}");
    }
}

#[tokio::test]
async fn a_store_that_refuses_everything_is_given_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(Some(spool(&dir)), Policy::default(), OnFull::Reject);
    world.log.mood.store(BROKEN, Ordering::Relaxed);
    for _ in 0..3 {
        world.log(AuditAction::LOGOUT).await.unwrap();
    }

    world.start();
    let health = world.recorder.health();
    let start = Instant::now();
    while health.report().is_well {
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(health.report().lost, 0);
    world.log.mood.store(WELL, Ordering::Relaxed);

    world.until_stored(3).await;
    assert_eq!(world.log.actions(), ["auth.logout"; 3]);
    world.stop().await;
}

#[tokio::test]
async fn what_the_policy_turns_off_is_not_there_and_secrets_are_out() {
    let policy = Policy::default().rule("messages.save", Mode::Off).unwrap();
    let mut world = World::new(None, policy, OnFull::Reject);
    world.start();
    world.log(AuditAction::MESSAGES_SAVE).await.unwrap();
    world
        .recorder
        .log_later(world.event(AuditAction::MESSAGES_SAVE));
    let mut event = world.event(AuditAction::LOGOUT);
    event
        .metadata
        .insert("password".to_owned(), "violet tractor".into());

    world.recorder.log(event).await.unwrap();

    assert_eq!(world.log.actions(), ["auth.logout"]);
    let kept = world.log.entries.lock().unwrap()[0].clone();
    assert!(!kept.personal.unwrap_or_default().contains("violet"));
    assert!(!kept.canonical.contains("violet"));
    world.stop().await;
}

#[tokio::test]
async fn no_policy_keeps_a_refusal_out_of_the_record() {
    let policy = Policy::default().rule("agents.*", Mode::Off).unwrap();
    let mut world = World::new(None, policy, OnFull::Reject);
    world.start();
    let mut refused = world.event(AuditAction::AGENT_CREATE);
    refused.outcome = AuditOutcome::Denied;

    world.log(AuditAction::AGENT_CREATE).await.unwrap();
    world.recorder.log(refused).await.unwrap();

    assert_eq!(world.log.actions(), ["agents.create"]);
    assert_eq!(world.log.last().outcome, AuditOutcome::Denied);
    world.stop().await;
}
