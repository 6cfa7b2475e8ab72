use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ee_audit::integrity::{Anchor, Checkpoint, Pins, Sealed, Sealer, SigningKey, VerifierKey};
use ee_core::{
    Clock, Error, ErrorKind,
    storage::{AuditRecord, AuditStore as _},
};
use jiff::{SignedDuration, Timestamp};

use super::memory::{DEPLOYMENT, Memory, PARTITION, evidence, key, log, now, record, verify};

#[derive(Debug)]
struct TestClock(Mutex<Timestamp>);

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(now())))
    }

    fn add(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[derive(Debug)]
struct Broken;

#[async_trait]
impl Anchor for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    async fn publish(&self, _: &str) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unavailable, "no"))
    }

    async fn latest(&self, _: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }
}

fn sealer(
    memory: &Arc<Memory>,
    keys: Vec<SigningKey>,
    known: Vec<VerifierKey>,
    clock: &Arc<TestClock>,
) -> Sealer {
    let memory = Arc::clone(memory);
    let clock = Arc::clone(clock);
    Sealer::new(DEPLOYMENT, memory.clone(), memory, keys, known, clock)
}

async fn add(memory: &Memory, count: u64) {
    let records: Vec<AuditRecord> = (0..count).map(record).collect();
    memory.append(PARTITION, records, now()).await.unwrap();
}

async fn sign(sealer: &Sealer) -> Checkpoint {
    match sealer.seal(PARTITION).await.unwrap() {
        Sealed::Signed { checkpoint, .. } => checkpoint,
        other => panic!("{other:?}"),
    }
}

async fn is_due(sealer: &Sealer) -> bool {
    !matches!(sealer.seal(PARTITION).await.unwrap(), Sealed::NotDue)
}

#[tokio::test]
async fn checkpoints_are_signed_as_they_are_due() {
    let dir = tempfile::tempdir().unwrap();
    let (memory, clock, key) = (Arc::new(log(0).await), TestClock::new(), key());
    let evidence = evidence(&key);
    let sealer = sealer(&memory, vec![key], Vec::new(), &clock).pins(Pins::new(dir.path()));

    assert!(!is_due(&sealer).await);
    add(&memory, 5).await;
    assert_eq!(sign(&sealer).await.size, 5);
    add(&memory, 1).await;
    assert!(!is_due(&sealer).await);
    clock.add(61);
    assert_eq!(sign(&sealer).await.size, 6);
    assert!(!is_due(&sealer).await);
    clock.add(3_601);
    assert_eq!(sign(&sealer).await.size, 6);
    add(&memory, 1_000).await;
    assert_eq!(sign(&sealer).await.size, 1_006);

    assert_eq!(memory.rows().checkpoints.len(), 4);
    let report = verify(&memory, &evidence).await;
    assert_eq!(report.outcome, ee_audit::integrity::Outcome::Ok, "{report}");
    assert_eq!(
        Pins::new(dir.path()).find(PARTITION).unwrap().unwrap().size,
        1_006
    );
}

#[tokio::test]
async fn a_log_that_was_cut_off_or_changed_is_not_signed() {
    let (memory, clock) = (Arc::new(log(300).await), TestClock::new());
    let sealer = sealer(&memory, vec![key()], Vec::new(), &clock);
    sign(&sealer).await;
    let clean = memory.copy();
    clock.add(86_400);

    {
        let mut rows = memory.rows();
        rows.entries.truncate(250);
        rows.links.truncate(250);
        rows.rehash(1);
    }
    let sealed = sealer.seal(PARTITION).await.unwrap();
    assert!(
        matches!(
            sealed,
            Sealed::Rollback {
                size: 250,
                seen: 300
            }
        ),
        "{sealed:?}"
    );
    // Also when it has grown again.
    add(&memory, 100).await;
    let sealed = sealer.seal(PARTITION).await.unwrap();
    assert!(
        matches!(
            sealed,
            Sealed::Rollback {
                size: 350,
                seen: 300
            }
        ),
        "{sealed:?}"
    );

    *memory.rows() = clean.clone();
    memory.rows().entries[7].record = record(999);
    memory.rows().rehash(8);
    add(&memory, 1).await;
    assert!(matches!(
        sealer.seal(PARTITION).await.unwrap(),
        Sealed::Rollback { .. }
    ));

    *memory.rows() = clean;
    let forged = memory.rows().checkpoints[0].1.replace("\n300\n", "\n301\n");
    memory.rows().checkpoints[0].1 = forged;
    assert!(sealer.seal(PARTITION).await.is_err());
    assert_eq!(memory.rows().checkpoints.len(), 1);
}

#[tokio::test]
async fn a_pin_tells_what_the_store_does_not_know_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let (memory, clock) = (Arc::new(log(300).await), TestClock::new());
    let sealer = sealer(&memory, vec![key()], Vec::new(), &clock).pins(Pins::new(dir.path()));
    sign(&sealer).await;

    {
        let mut rows = memory.rows();
        rows.entries.truncate(250);
        rows.links.truncate(250);
        rows.rehash(1);
        rows.checkpoints.clear();
    }
    let sealed = sealer.seal(PARTITION).await.unwrap();
    assert!(
        matches!(
            sealed,
            Sealed::Rollback {
                size: 250,
                seen: 300
            }
        ),
        "{sealed:?}"
    );
    assert!(memory.rows().checkpoints.is_empty());
}

#[tokio::test]
async fn another_key_takes_over_when_it_knows_the_one_before() {
    let (memory, clock) = (Arc::new(log(3).await), TestClock::new());
    let (old, new) = (key(), key());
    let old_verifier = old.verifier().clone();
    sign(&sealer(&memory, vec![old], Vec::new(), &clock)).await;
    clock.add(3_601);

    let stranger = sealer(&memory, vec![key()], Vec::new(), &clock);
    assert_eq!(
        stranger.seal(PARTITION).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let heir = sealer(&memory, vec![new], vec![old_verifier], &clock);
    assert_eq!(sign(&heir).await.size, 3);
}

#[tokio::test]
async fn anchors_that_fail_are_named_and_stop_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("anchors.jsonl");
    let (memory, clock) = (Arc::new(log(3).await), TestClock::new());
    let sealer = sealer(&memory, vec![key()], Vec::new(), &clock)
        .anchor(Arc::new(Broken))
        .anchor(Arc::new(ee_audit::integrity::FileAnchor::new(&path)));

    let sealed = sealer.seal(PARTITION).await.unwrap();

    let Sealed::Signed {
        note, unanchored, ..
    } = sealed
    else {
        panic!("{sealed:?}");
    };
    let names: Vec<&str> = unanchored.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["broken"]);
    assert_eq!(
        ee_audit::integrity::FileAnchor::read(&path).unwrap(),
        [note]
    );
}
