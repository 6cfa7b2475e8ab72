//! The same events come again, in another order, and at times that are not later than those before.

use std::{collections::HashSet, fs, path::Path, sync::Arc};

use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditHead, AuditLogger as _, AuditOutcome,
    AuditResource, Clock as _,
    audit::{
        delivery::{OnFull, Recorder, RecorderParts, StoreWriter},
        integrity::{Evidence, Outcome, Sealed, Sealer, SigningKey, VerifierKeys, verify_store},
        policy::Policy,
        redact::{RedactionConfig, Redactor},
        spool::{Spool, SpoolConfig},
    },
    storage::{AuditProofStore, AuditRecord, AuditStore},
    store_libsql::{SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::{PgCluster, TestClock};
use jiff::SignedDuration;
use processes::{Dice, Record};
use tempfile::TempDir;

const LOG: &str = "default";
const EVENTS: usize = 600;
const MOST_AT_ONCE: u64 = 50;

fn event(clock: &TestClock, number: usize) -> AuditEvent {
    let actor = AuditActor::new(ActorType::User, "ada");
    let (action, outcome) = (AuditAction::AGENT_UPDATE, AuditOutcome::Success);
    let mut event = AuditEvent::new(clock.now(), actor, action, outcome);
    event.resource = Some(AuditResource::new("agent", format!("agent-{number}")));
    event
}

/// What a server makes of a spool and a store.
fn start<S: AuditStore>(
    spool: &Path,
    store: &Arc<S>,
    clock: &TestClock,
) -> (Recorder, StoreWriter) {
    let (spool, found) = Spool::open(SpoolConfig::new(spool)).unwrap();
    assert!(found.damaged.is_empty(), "{found:?}");
    Recorder::new(RecorderParts {
        clock: Arc::new(clock.clone()),
        console: None,
        instance: None,
        on_full: OnFull::Reject,
        partition: LOG.to_owned(),
        policy: Policy::default(),
        redactor: Redactor::new(RedactionConfig::default(), None).unwrap(),
        spool: Some(Arc::new(spool)),
        store: Arc::clone(store) as _,
    })
}

async fn empty(writer: &StoreWriter) {
    while writer.turn().await.unwrap() > 0 {}
}

fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Stores the events of a spool, forgets that it did, three times, and then stores them in random order.
async fn replay<S: AuditStore + AuditProofStore>(store: &Arc<S>, name: &str) {
    let dir = TempDir::new().unwrap();
    let (spool, kept) = (dir.path().join("spool"), dir.path().join("kept"));
    let clock = TestClock::default();
    let (recorder, writer) = start(&spool, store, &clock);
    for number in 0..EVENTS {
        recorder.log(event(&clock, number)).await.unwrap();
    }
    // As it lies there when the power goes.
    copy(&spool, &kept);
    empty(&writer).await;
    drop((recorder, writer));
    let head = store.head(LOG).await.unwrap();
    assert_eq!(head.size(), EVENTS as u64);
    let records = store.feed(LOG, 0, u32::MAX).await.unwrap();
    let records: Vec<AuditRecord> = records.into_iter().map(|it| it.record).collect();
    assert_eq!(records.len(), EVENTS);

    for _ in 0..3 {
        copy(&kept, &spool);
        let (recorder, writer) = start(&spool, store, &clock);
        empty(&writer).await;
        assert_eq!(store.head(LOG).await.unwrap(), head);
        drop((recorder, writer));
    }
    let mut dice = Dice::new(1);
    for _ in 0..3 {
        let mut left = records.clone();
        while !left.is_empty() {
            let count = (1 + dice.roll(MOST_AT_ONCE)).min(left.len() as u64);
            let batch = (0..count).map(|_| {
                let at = usize::try_from(dice.roll(left.len() as u64)).unwrap();
                left.swap_remove(at)
            });
            let batch: Vec<AuditRecord> = batch.collect();
            let same = store.append(LOG, batch, clock.now()).await.unwrap();
            assert_eq!(same, head);
        }
    }

    // What is new among what is known comes behind it.
    let new = AuditRecord::new(event(&clock, EVENTS)).unwrap();
    let mixed = vec![records[7].clone(), new.clone(), records[3].clone(), new];
    let grown: AuditHead = store.append(LOG, mixed, clock.now()).await.unwrap();
    assert_eq!(grown.size(), EVENTS as u64 + 1);
    let record = Record::read(&**store, name).await;
    assert_eq!(record.events().count(), EVENTS + 1);
}

#[tokio::test]
async fn a_spool_that_is_stored_again_in_any_order_changes_no_file() {
    let dir = TempDir::new().unwrap();
    let file = SqliteConfig::new(dir.path().join("ee.db"));
    replay(&Arc::new(SqliteFile::open(file).unwrap()), "SQLite").await;
}

#[tokio::test]
async fn a_spool_that_is_stored_again_in_any_order_changes_nothing_on_postgresql() {
    let database = PgCluster::shared().database().await;
    let store = PgDatabase::connect(PgConfig::new(database.url())).await;
    replay(&Arc::new(store.unwrap()), "PostgreSQL").await;
}

/// Servers whose clocks are set back, while they run and while they do not.
async fn set_back<S: AuditStore + AuditProofStore>(store: &Arc<S>, name: &str) {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::default();
    let key = SigningKey::generate("mastra-ee").unwrap();
    let sealer = Sealer::new(
        "mastra-ee",
        Arc::clone(store) as _,
        Arc::clone(store) as _,
        vec![key],
        [],
        Arc::new(clock.clone()),
    );
    let mut names = Vec::new();
    for (run, hours) in [0, -5, 30, -48, -1].into_iter().enumerate() {
        clock.advance(SignedDuration::from_hours(hours));
        let (recorder, writer) = start(&dir.path().join("spool"), store, &clock);
        for turn in 0..20 {
            let number = run * 100 + turn;
            recorder.log(event(&clock, number)).await.unwrap();
            names.push(format!("agent-{number}"));
            clock.advance(SignedDuration::from_mins(if turn % 3 == 0 {
                -60
            } else {
                10
            }));
            empty(&writer).await;
        }
        // Nothing keeps the log from being signed, neither now nor until the clock is where it was.
        let sealed = sealer.seal(LOG).await.unwrap();
        assert!(
            matches!(sealed, Sealed::Signed { .. }),
            "{name} {run}: {sealed:?}"
        );
        drop((recorder, writer));
    }

    let entries = store.feed(LOG, 0, u32::MAX).await.unwrap();
    let resources = entries.iter().map(|it| it.record.event.resource.clone());
    let found: Vec<String> = resources.map(|it| it.unwrap().id).collect();
    assert_eq!(found, names, "{name}");
    let ids: HashSet<_> = entries.iter().map(|it| it.record.event.id).collect();
    assert_eq!(ids.len(), names.len(), "{name}");
    let times: Vec<_> = entries.iter().map(|it| it.record.event.timestamp).collect();
    assert!(!times.is_sorted(), "{name}");
    let (mut progress, evidence) = (|_| {}, sealer.evidence());
    let report = verify_store(&**store, &**store, LOG, &evidence, 0, &mut progress).await;
    let report = report.unwrap();
    assert_eq!(
        (report.outcome, report.covered),
        (Outcome::Ok, 100),
        "{name}\n{report}"
    );
    let stranger = Evidence::new("mastra-ee", VerifierKeys::default());
    let report = verify_store(&**store, &**store, LOG, &stranger, 0, &mut progress).await;
    assert_eq!(report.unwrap().outcome, Outcome::Incomplete, "{name}");
}

#[tokio::test]
async fn a_clock_that_is_set_back_changes_no_order_in_a_file() {
    let dir = TempDir::new().unwrap();
    let file = SqliteConfig::new(dir.path().join("ee.db"));
    set_back(&Arc::new(SqliteFile::open(file).unwrap()), "SQLite").await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_changes_no_order_on_postgresql() {
    let database = PgCluster::shared().database().await;
    let store = PgDatabase::connect(PgConfig::new(database.url())).await;
    set_back(&Arc::new(store.unwrap()), "PostgreSQL").await;
}
