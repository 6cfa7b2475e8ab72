//! What leaves the record, on every store: what is pruned goes and the log stands, and nothing is left of a person in the
//! database.

use std::{fs, path::Path, sync::Arc, time::Duration};

use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, Clock as _,
    audit::{
        integrity::{Outcome, Sealer, SigningKey, verify_store},
        retention::{
            Archiver, ArchiverParts, Eraser, EraserParts, Person, RetentionConfig, verify_archive,
        },
    },
    defaults::MemoryStore,
    storage::{AuditHold, AuditIndex, AuditProofStore, AuditRecord, AuditRetention, AuditStore},
    store_libsql::{SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::{PgCluster, TestClock};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tempfile::TempDir;

const LOG: &str = "default";
/// The name of the signing key, and of the deployment.
const NAME: &str = "ee.example";
/// The log goes back so many times ten days, with so many events each.
const PERIODS: u32 = 50;
const EACH: u32 = 40;

/// The people of a log.
const PEOPLE: u32 = 10;

fn on(period: u32) -> Timestamp {
    let start: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_hours(240 * i64::from(period))
}

fn email(person: u32) -> String {
    format!("person-{person}@people.example")
}

fn event(number: u32, at: Timestamp) -> AuditEvent {
    let person = number % PEOPLE;
    let action = if number.is_multiple_of(3) {
        AuditAction::AGENT_UPDATE
    } else {
        AuditAction::LOGIN_SSO
    };
    let mut actor = AuditActor::new(ActorType::User, format!("u{person}"));
    actor.email = Some(email(person));
    actor.name = Some(format!("Name{person} of somebody"));
    let mut event = AuditEvent::new(at, actor, action, AuditOutcome::Success);
    event.reason = Some(format!("asked by {}", email(person)));
    event
}

/// One store, and what takes things out of its record.
struct World<S> {
    clock: TestClock,
    dir: TempDir,
    store: Arc<S>,
}

impl<S> World<S>
where
    S: AuditIndex + AuditProofStore + AuditRetention + AuditStore,
{
    async fn new(store: Arc<S>) -> Self {
        let mut number = 0;
        for period in 0..PERIODS {
            let records = (0..EACH).map(|_| {
                number += 1;
                AuditRecord::new(event(number, on(period))).unwrap()
            });
            let records = records.collect();
            store.append(LOG, records, on(period)).await.unwrap();
        }
        while store.index_events(1_000).await.unwrap() > 0 {}
        Self {
            clock: TestClock::at(on(PERIODS)),
            dir: tempfile::tempdir().unwrap(),
            store,
        }
    }

    fn sealer(&self) -> Arc<Sealer> {
        let path = self.dir.path().join("key");
        if !path.exists() {
            SigningKey::generate(NAME).unwrap().save(&path).unwrap();
        }
        let keys = vec![SigningKey::load(&path).unwrap()];
        let (store, clock) = (self.store.clone(), Arc::new(self.clock.clone()));
        Arc::new(Sealer::new(NAME, store.clone(), store, keys, [], clock))
    }

    fn archiver(&self) -> Archiver {
        let parts = ArchiverParts {
            archives: Some(self.dir.path().join("archive")),
            clock: Arc::new(self.clock.clone()),
            config: RetentionConfig::default(),
            gate: None,
            proofs: self.store.clone(),
            retention: self.store.clone(),
            sealer: self.sealer(),
            store: self.store.clone(),
        };
        Archiver::new(parts).unwrap()
    }

    fn eraser(&self) -> Eraser {
        Eraser::new(EraserParts {
            archives: Some(self.dir.path().join("archive")),
            clock: Arc::new(self.clock.clone()),
            partition: LOG.to_owned(),
            retention: self.store.clone(),
            sealer: self.sealer(),
            store: self.store.clone(),
        })
    }

    async fn assert_verified(&self) {
        let (store, evidence) = (&*self.store, self.sealer().evidence());
        let report = verify_store(store, store, LOG, &evidence, 0, &mut |_| ())
            .await
            .unwrap();
        assert_eq!(report.outcome, Outcome::Ok, "{report}");
    }
}

/// Test 11 and test 12 of the audit design, one after the other.
async fn prune_and_erase<S>(world: &World<S>)
where
    S: AuditIndex + AuditProofStore + AuditRetention + AuditStore,
{
    let (store, operator) = (&world.store, AuditActor::system());
    let hold = AuditHold {
        id: "case-1".to_owned(),
        filter: "actor:u7".to_owned(),
        reason: "a case".to_owned(),
        owner: "legal".to_owned(),
        created_at: world.clock.now(),
    };
    store.put_hold(hold).await.unwrap();
    let (due, held) = (440, 44);

    let archiver = world.archiver();
    let plan = archiver.plan(LOG, &mut |_| ()).await.unwrap();
    assert_eq!((plan.due, plan.held), (due - held, held));
    let report = archiver.prune(LOG, &operator, &mut |_| ()).await.unwrap();
    assert_eq!((report.pruned, report.held), (due - held, held));
    world.assert_verified().await;
    let left = store.feed(LOG, 0, 300).await.unwrap();
    let old = left.iter().filter(|it| it.seq <= due);
    assert_eq!(old.clone().count() as u64, held);
    assert!(old.into_iter().all(|it| it.record.event.actor.id == "u7"));
    for file in &report.files {
        let evidence = world.sealer().evidence();
        let verified = verify_archive(&file.path, &evidence, |_| ()).unwrap();
        assert!(verified.is_ok());
    }
    let again = archiver.prune(LOG, &operator, &mut |_| ()).await.unwrap();
    assert_eq!((again.pruned, again.held), (0, held));

    let person = Person::new(Some("u3"), Some(&email(3))).unwrap();
    let report = world
        .eraser()
        .erase(&person, &operator, &mut |_| ())
        .await
        .unwrap();
    assert_eq!(
        report.erased + report.archived,
        u64::from(PERIODS * EACH / PEOPLE)
    );
    assert_eq!((report.held, report.hashed), (0, 0));
    world.assert_verified().await;
    let again = world
        .eraser()
        .erase(&person, &operator, &mut |_| ())
        .await
        .unwrap();
    assert_eq!((again.erased, again.archived), (0, 0));
    let held = Person::new(Some("u7"), None).unwrap();
    let report = world
        .eraser()
        .erase(&held, &operator, &mut |_| ())
        .await
        .unwrap();
    assert_eq!(report.held, u64::from(PERIODS * EACH / PEOPLE));
    assert_eq!(report.erased, 0);
}

#[tokio::test]
async fn the_record_in_memory_lets_go_of_what_it_must() {
    prune_and_erase(&World::new(Arc::new(MemoryStore::new())).await).await;
}

#[tokio::test]
async fn the_record_in_sqlite_lets_go_of_what_it_must() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ee.db");
    let sqlite = SqliteFile::open(SqliteConfig::new(&path)).unwrap();
    let world = World::new(Arc::new(sqlite)).await;
    assert!(occurrences(dir.path(), &email(3)) > 0);

    prune_and_erase(&world).await;

    drop(world);
    checkpoint(&path);
    assert!(occurrences(dir.path(), &email(4)) > 0);
    assert_eq!(occurrences(dir.path(), &email(3)), 0);
    assert_eq!(occurrences(dir.path(), "Name3"), 0);
}

#[tokio::test]
async fn the_record_in_postgresql_lets_go_of_what_it_must() {
    let database = PgCluster::shared().database().await;
    let pg = PgDatabase::connect(PgConfig::new(database.url())).await;

    prune_and_erase(&World::new(Arc::new(pg.unwrap())).await).await;
}

/// Has a database empty its log of what was written.
fn checkpoint(path: &Path) {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(Duration::from_secs(30)).unwrap();
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
}

/// Counts how often a text stands in the files of a directory, byte by byte.
fn occurrences(dir: &Path, text: &str) -> usize {
    let mut count = 0;
    for file in fs::read_dir(dir).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let windows = bytes.windows(text.len());
        count += windows.filter(|it| *it == text.as_bytes()).count();
    }
    count
}
