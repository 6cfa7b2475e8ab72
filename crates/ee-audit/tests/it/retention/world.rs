//! A log with a past, and what takes things out of it.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use ee_audit::{
    integrity::{Evidence, Outcome, Report, Sealer, SigningKey, verify_store},
    retention::{
        Archiver, ArchiverParts, Eraser, EraserParts, ErasureReport, Person, PruneGate,
        RetentionConfig, RetentionReport, verify_archive,
    },
};
use ee_core::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, Clock as _, Error,
    storage::{AuditEntry, AuditHold, AuditRecord, AuditStore as _},
};
use ee_testkit::TestClock;
use flate2::bufread::GzDecoder;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::store::Store;

pub(crate) const DEPLOYMENT: &str = "ee.example";
pub(crate) const LOG: &str = "default";
pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(crate) struct World {
    pub(crate) clock: TestClock,
    pub(crate) config: RetentionConfig,
    pub(crate) dir: TempDir,
    pub(crate) gate: Option<Arc<dyn PruneGate>>,
    key: SigningKey,
    pub(crate) store: Arc<Store>,
}

/// When it all began.
pub(crate) fn start() -> Timestamp {
    "2024-01-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn on(day: i32) -> Timestamp {
    start() + DAY * day
}

/// Somebody who has more about him than an event about the record should keep.
pub(crate) fn operator() -> AuditActor {
    let mut actor = AuditActor::new(ActorType::User, "olga");
    actor.email = Some("olga@example.com".to_owned());
    actor.ip = Some("192.0.2.99".parse().unwrap());
    actor
}

/// An event of one of so many persons.
pub(crate) fn event(number: u64, people: u64, at: Timestamp) -> AuditEvent {
    let action = match number % 4 {
        0 => AuditAction::LOGIN_SSO,
        1 => AuditAction::AGENT_UPDATE,
        2 => AuditAction::ROLE_ASSIGN,
        _ => AuditAction::LOGOUT,
    };
    let user = number % people;
    let mut actor = AuditActor::new(ActorType::User, format!("u{user}"));
    actor.email = Some(format!("u{user}@example.com"));
    let mut event = AuditEvent::new(at, actor, action, AuditOutcome::Success);
    event.metadata.insert("number".to_owned(), number.into());
    event
}

impl World {
    /// A log without events.
    pub(crate) fn empty() -> Self {
        Self {
            clock: TestClock::at(start()),
            config: RetentionConfig::default(),
            dir: tempfile::tempdir().unwrap(),
            gate: None,
            key: SigningKey::generate(DEPLOYMENT).unwrap(),
            store: Arc::default(),
        }
    }

    /// A log of so many days with so many events each, of ten persons.
    pub(crate) async fn new(days: i32, each: u64) -> Self {
        Self::of(days, each, 10).await
    }

    /// A log of so many days with so many events each, of so many persons.
    pub(crate) async fn of(days: i32, each: u64, people: u64) -> Self {
        let world = Self::empty();
        let mut number = 0;
        for day in 0..days {
            let at = on(day);
            let records = (0..each).map(|_| {
                number += 1;
                AuditRecord::new(event(number, people, at)).unwrap()
            });
            let records = records.collect();
            world.store.append(LOG, records, at).await.unwrap();
        }
        world.clock.set(on(days));
        world
    }

    pub(crate) fn archives(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    pub(crate) fn sealer(&self) -> Arc<Sealer> {
        let key = self.key.to_secret().unwrap();
        let key = SigningKey::parse(secrecy::ExposeSecret::expose_secret(&key)).unwrap();
        let (store, clock) = (self.store.clone(), Arc::new(self.clock.clone()));
        let sealer = Sealer::new(DEPLOYMENT, store.clone(), store, vec![key], [], clock);
        Arc::new(sealer)
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let keys = [self.key.verifier().clone()];
        Evidence::new(DEPLOYMENT, keys.into_iter().collect())
    }

    pub(crate) fn parts(&self) -> ArchiverParts {
        ArchiverParts {
            archives: Some(self.archives()),
            clock: Arc::new(self.clock.clone()),
            config: self.config.clone(),
            gate: self.gate.clone(),
            proofs: self.store.clone(),
            retention: self.store.clone(),
            sealer: self.sealer(),
            store: self.store.clone(),
        }
    }

    pub(crate) fn archiver(&self) -> Archiver {
        Archiver::new(self.parts()).unwrap()
    }

    pub(crate) async fn plan(&self) -> RetentionReport {
        let plan = self.archiver();
        plan.plan(LOG, &mut |_| ()).await.unwrap()
    }

    pub(crate) async fn try_prune(&self) -> Result<RetentionReport, Error> {
        let archiver = self.archiver();
        archiver.prune(LOG, &operator(), &mut |_| ()).await
    }

    pub(crate) async fn prune(&self) -> RetentionReport {
        self.try_prune().await.unwrap()
    }

    pub(crate) fn eraser(&self) -> Eraser {
        Eraser::new(EraserParts {
            archives: Some(self.archives()),
            clock: Arc::new(self.clock.clone()),
            partition: LOG.to_owned(),
            retention: self.store.clone(),
            sealer: self.sealer(),
            store: self.store.clone(),
        })
    }

    pub(crate) async fn try_erase(&self, person: &Person) -> Result<ErasureReport, Error> {
        let eraser = self.eraser();
        eraser.erase(person, &operator(), &mut |_| ()).await
    }

    pub(crate) async fn erase(&self, person: &Person) -> ErasureReport {
        self.try_erase(person).await.unwrap()
    }

    pub(crate) fn hold(&self, id: &str, filter: &str) {
        let hold = hold(id, filter, self.clock.now());
        self.store.inner().holds.push(hold);
    }

    pub(crate) async fn verify(&self) -> Report {
        let (store, evidence) = (&*self.store, self.evidence());
        verify_store(store, store, LOG, &evidence, 0, &mut |_| ())
            .await
            .unwrap()
    }

    pub(crate) async fn assert_verified(&self) {
        let report = self.verify().await;
        assert_eq!(report.outcome, Outcome::Ok, "{report}");
    }

    /// The numbers that the log still has events of.
    pub(crate) fn seqs(&self) -> Vec<u64> {
        self.store
            .inner()
            .log(LOG)
            .entries
            .keys()
            .copied()
            .collect()
    }

    pub(crate) fn entries(&self) -> Vec<AuditEntry> {
        self.store
            .inner()
            .log(LOG)
            .entries
            .values()
            .cloned()
            .collect()
    }

    /// The events about the record itself, of which there are such.
    pub(crate) fn notes(&self, action: &AuditAction) -> Vec<AuditEvent> {
        let events = self.entries().into_iter().map(|it| it.record.event);
        events.filter(|event| event.action == *action).collect()
    }

    /// Verifies each file of the archive alone, and returns the numbers of its events.
    pub(crate) fn archived(&self) -> Vec<u64> {
        let mut seqs = Vec::new();
        for path in self.files(".ndjson.gz") {
            let verified = verify_archive(&path, &self.evidence(), |_| ()).unwrap();
            assert!(verified.is_ok(), "{:?}", verified.reports);
            for line in unpacked(&path).lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                seqs.push(line["seq"].as_u64().unwrap());
            }
        }
        seqs.sort_unstable();
        seqs
    }

    /// The files of the archive with such a name.
    pub(crate) fn files(&self, end: &str) -> Vec<PathBuf> {
        let Ok(files) = fs::read_dir(self.archives().join(LOG)) else {
            return Vec::new();
        };
        let files = files.map(|file| file.unwrap().path());
        let mut files: Vec<_> = files
            .filter(|path| path.to_str().unwrap().ends_with(end))
            .collect();
        files.sort();
        files
    }
}

pub(crate) fn hold(id: &str, filter: &str, created_at: Timestamp) -> AuditHold {
    AuditHold {
        id: id.to_owned(),
        filter: filter.to_owned(),
        reason: "a case".to_owned(),
        owner: "legal".to_owned(),
        created_at,
    }
}

pub(crate) fn unpacked(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    text
}
