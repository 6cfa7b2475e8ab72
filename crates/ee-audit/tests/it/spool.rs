//! What a spool keeps, and what it does with what was done to it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use ee_audit::spool::{
    Spool, SpoolConfig, SpoolDamageKind, SpoolError, SpoolFsync, SpoolOpenError, SpoolRecovery,
};
use ee_core::{ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, storage::AuditRecord};
use jiff::Timestamp;
use tempfile::TempDir;

/// Makes an event that can be told from others by its number.
pub(crate) fn record(number: usize) -> AuditRecord {
    let micros = 1_767_225_600_000_000 + i64::try_from(number).unwrap();
    let at = Timestamp::from_microsecond(micros).unwrap();
    let mut actor = AuditActor::new(ActorType::User, number.to_string());
    actor.name = Some("Ada".to_owned());
    let action = AuditAction::AGENT_UPDATE;
    AuditRecord::new(AuditEvent::new(at, actor, action, AuditOutcome::Success)).unwrap()
}

pub(crate) fn number(record: &AuditRecord) -> usize {
    record.event.actor.id.parse().unwrap()
}

/// As much as the machine has, and nothing forced to the disk: tests that cut the power take the files as they are.
pub(crate) fn config(dir: &Path) -> SpoolConfig {
    let mut config = SpoolConfig::new(dir);
    config.keep_free_percent = 0;
    config.fsync = SpoolFsync::None;
    config
}

pub(crate) fn open(config: SpoolConfig) -> (Spool, SpoolRecovery) {
    Spool::open(config).unwrap()
}

/// Returns everything that is not acknowledged.
pub(crate) async fn left(spool: &Spool) -> Vec<AuditRecord> {
    let batch = spool.next_batch(usize::MAX, usize::MAX).await.unwrap();
    batch
        .records
        .into_iter()
        .map(|(_, record)| record)
        .collect()
}

pub(crate) async fn numbers(spool: &Spool) -> Vec<usize> {
    left(spool).await.iter().map(number).collect()
}

/// Acknowledges so many of the oldest, in batches of a few.
pub(crate) async fn acknowledge(spool: &Spool, mut count: usize) {
    while count > 0 {
        let batch = spool.next_batch(count.min(3), usize::MAX).await.unwrap();
        let (position, _) = *batch.records.last().unwrap();
        count -= batch.records.len();
        spool.acknowledge(position).await.unwrap();
    }
}

/// Returns the segments, the oldest first.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    with_extension(dir, "segment")
}

fn with_extension(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    paths.sort();
    paths
}

/// Fills a spool with events of these numbers, in segments of a few, and closes it.
async fn filled(numbers: std::ops::Range<usize>) -> (TempDir, SpoolConfig, Vec<AuditRecord>) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.segment_bytes = 2_000;
    let records: Vec<_> = numbers.map(record).collect();
    let (spool, _) = open(config.clone());
    for record in &records {
        spool.append(record).await.unwrap();
    }
    (dir, config, records)
}

#[tokio::test]
async fn events_come_out_as_they_went_in_until_they_are_acknowledged() {
    let (_dir, config, records) = filled(0..20).await;

    for _ in 0..3 {
        let (spool, recovery) = open(config.clone());
        assert_eq!(recovery.records, 20);
        assert!(recovery.damaged.is_empty());
        assert_eq!(recovery.torn_bytes, 0);
        assert_eq!(left(&spool).await, records);
        assert_eq!(left(&spool).await, records);
    }
    let (spool, _) = open(config.clone());
    acknowledge(&spool, 7).await;
    assert_eq!(left(&spool).await, records[7..]);
    drop(spool);
    let (spool, recovery) = open(config.clone());
    assert_eq!(recovery.records, 13);
    assert_eq!(left(&spool).await, records[7..]);
    spool.append_all(&records[..2]).await.unwrap();
    assert_eq!(left(&spool).await.len(), 15);
    acknowledge(&spool, 15).await;
    drop(spool);
    let (spool, recovery) = open(config);
    assert_eq!(recovery, SpoolRecovery::default());
    assert_eq!(left(&spool).await, []);
}

#[tokio::test]
async fn a_batch_ends_at_its_limits_and_holds_one_event_at_least() {
    let (_dir, config, records) = filled(0..20).await;
    let (spool, _) = open(config);
    let size = records[0].canonical.len() + records[0].personal.as_ref().unwrap().len();

    for (max_records, max_bytes, expected) in [
        (5, usize::MAX, 5),
        (0, 0, 1),
        (usize::MAX, 1, 1),
        (usize::MAX, size * 3, 3),
        (usize::MAX, usize::MAX, 20),
    ] {
        let batch = spool.next_batch(max_records, max_bytes).await.unwrap();
        assert_eq!(batch.records.len(), expected);
    }
}

#[tokio::test]
async fn an_event_is_on_its_way_when_the_future_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = open(config(dir.path()));

    drop(spool.append(&record(1)));
    spool.readable().await;

    assert_eq!(numbers(&spool).await, [1]);
}

#[tokio::test]
async fn whoever_waits_for_events_is_told_of_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = open(config(dir.path()));
    let spool = Arc::new(spool);
    let waiting = tokio::spawn({
        let spool = Arc::clone(&spool);
        async move {
            spool.readable().await;
            numbers(&spool).await
        }
    });
    tokio::task::yield_now().await;

    spool.append(&record(1)).await.unwrap();

    assert_eq!(waiting.await.unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_many_callers_go_to_the_disk_together_and_all_come_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.fsync = SpoolFsync::Group;
    let (spool, _) = open(config);
    let spool = Arc::new(spool);

    let callers = (0..64).map(|caller| {
        let spool = Arc::clone(&spool);
        tokio::spawn(async move {
            for turn in 0..10 {
                spool.append(&record(caller * 10 + turn)).await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }

    let status = spool.status();
    assert_eq!(status.records, 640);
    assert!(status.groups < 640, "{}", status.groups);
    let mut numbers = numbers(&spool).await;
    for caller in 0..64 {
        let own = numbers.iter().filter(|it| *it / 10 == caller);
        assert!(own.is_sorted());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..640).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_one_process_has_a_spool_and_nobody_else_may_read_it() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data/spool");
    let (spool, _) = open(config(&dir));
    spool.append(&record(1)).await.unwrap();
    acknowledge(&spool, 1).await;

    let other = Spool::open(config(&dir));
    assert!(
        matches!(other, Err(SpoolOpenError::Locked { .. })),
        "{other:?}"
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(spool);
    open(config(&dir));
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let changes: [fn(&mut SpoolConfig); 3] = [
        |it| it.keep_free_percent = 91,
        |it| it.max_bytes = 0,
        |it| it.segment_bytes = 0,
    ];
    for change in changes {
        let mut config = config(dir.path());
        change(&mut config);
        let opened = Spool::open(config);
        assert!(matches!(opened, Err(SpoolOpenError::Invalid { .. })));
    }
}

#[tokio::test]
async fn a_full_spool_refuses_at_once_takes_what_says_so_and_works_again_when_it_is_drained() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.max_bytes = 20_000;
    let (spool, _) = open(config);
    let mut kept = 0;
    while spool.append(&record(kept)).await.is_ok() {
        kept += 1;
    }
    assert!(kept > 10, "{kept}");

    let refused = spool.append(&record(kept)).await;
    assert!(matches!(refused, Err(SpoolError::Full)), "{refused:?}");
    let status = spool.status();
    assert!(status.is_full && status.is_failing && status.bytes <= 20_000);
    assert_eq!(status.refused, 2);
    spool.append_reserved(&record(1_000)).await.unwrap();

    for round in 0..3 {
        let count = usize::try_from(spool.status().records).unwrap();
        assert_eq!(count, numbers(&spool).await.len());
        acknowledge(&spool, count).await;
        assert_eq!(spool.status().records, 0);
        assert_eq!(spool.status().oldest, None);
        let mut again = 0;
        while spool.append(&record(again)).await.is_ok() {
            again += 1;
        }
        assert!(again + 12 > kept, "{again} of {kept} in round {round}");
    }
    assert!(fs::metadata(dir.path().join("reserve")).is_ok());
}

#[tokio::test]
async fn the_status_tells_the_age_and_number_of_what_is_left() {
    let (_dir, config, records) = filled(0..9).await;
    let (spool, _) = open(config);
    for (count, record) in records.iter().enumerate() {
        let status = spool.status();
        assert_eq!(status.records, 9 - count as u64);
        let oldest = record.event.timestamp;
        // It is looked up behind the answer.
        assert_eq!(number(&left(&spool).await[0]), count);
        assert_eq!(spool.status().oldest, Some(oldest));
        acknowledge(&spool, 1).await;
    }
    left(&spool).await;
    assert_eq!(spool.status().oldest, None);
    spool.append(&records[3]).await.unwrap();
    assert_eq!(spool.status().oldest, Some(records[3].event.timestamp));
}

#[tokio::test]
async fn segments_go_when_they_are_acknowledged() {
    let (dir, config, _) = filled(0..20).await;
    let (spool, _) = open(config);
    let mut count = segments(dir.path()).len();
    assert!(count > 5);
    for _ in 0..20 {
        acknowledge(&spool, 1).await;
        let now = segments(dir.path()).len();
        assert!(now <= count);
        count = now;
    }
    assert_eq!(count, 1);
    drop(spool);
    assert_eq!(segments(dir.path()).len(), 0);
}

#[tokio::test]
async fn a_place_that_was_not_handed_out_is_not_acknowledged() {
    let (_dir, config, records) = filled(0..9).await;
    let (spool, _) = open(config.clone());
    let batch = spool.next_batch(9, usize::MAX).await.unwrap();
    let place = |at: usize| batch.records[at].0;
    acknowledge(&spool, 3).await;
    spool.acknowledge(place(1)).await.unwrap();
    drop(spool);
    let (spool, _) = open(config);

    let last = spool.acknowledge(place(8)).await;
    assert!(matches!(last, Err(SpoolError::UnknownPosition)), "{last:?}");
    assert_eq!(left(&spool).await, records[3..]);
    spool.acknowledge(place(3)).await.unwrap();
    spool.acknowledge(place(2)).await.unwrap();
    assert_eq!(left(&spool).await, records[4..]);
}

#[tokio::test]
async fn a_segment_of_a_newer_version_and_its_spool_are_left_alone() {
    let (dir, config, _) = filled(0..9).await;
    let path = &segments(dir.path())[1];
    let mut bytes = fs::read(path).unwrap();
    bytes[8] = 2;
    let checksum = crc32c::crc32c(&bytes[..20]);
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    fs::write(path, &bytes).unwrap();

    for error in [
        Spool::open(config).unwrap_err(),
        Spool::verify(dir.path()).unwrap_err(),
    ] {
        assert!(matches!(error, SpoolOpenError::Newer { .. }), "{error:?}");
    }
    assert_eq!(fs::read(path).unwrap(), bytes);
}

#[tokio::test]
async fn a_segment_that_is_gone_and_an_event_that_cannot_be_read_are_told() {
    let (dir, config, records) = filled(0..9).await;
    let paths = segments(dir.path());
    fs::remove_file(&paths[1]).unwrap();

    let report = Spool::verify(dir.path()).unwrap();
    let (spool, recovery) = open(config);

    assert_eq!(recovery.damaged, report.damaged);
    assert_eq!(recovery.damaged.len(), 1);
    assert_eq!(recovery.damaged[0].kind, SpoolDamageKind::Missing);
    assert_eq!(recovery.damaged[0].segment, 2);
    let left = left(&spool).await;
    assert!(left.len() < 9 && left.iter().all(|it| records.contains(it)));
}

#[tokio::test]
async fn a_value_without_its_commitment_is_found_and_what_cannot_be_read_is_passed_by() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = open(config(dir.path()));
    let mut forged = record(1);
    forged.personal = forged.personal.map(|it| it.replace("Ada", "Bob"));
    let mut unreadable = record(2);
    unreadable.canonical = "{}".to_owned();
    for record in [forged, unreadable, record(3)] {
        spool.append(&record).await.unwrap();
    }

    let report = Spool::verify(dir.path()).unwrap();
    let kinds: Vec<_> = report.damaged.iter().map(|it| it.kind).collect();
    assert_eq!(
        kinds,
        [SpoolDamageKind::Commitment, SpoolDamageKind::Unreadable]
    );
    assert_eq!((report.records, report.unacknowledged), (3, 3));
    let batch = spool.next_batch(9, usize::MAX).await.unwrap();
    assert_eq!(batch.damaged.len(), 1);
    assert_eq!(batch.damaged[0], report.damaged[1]);
    assert_eq!(numbers(&spool).await, [1, 3]);
    assert!(
        spool
            .next_batch(9, usize::MAX)
            .await
            .unwrap()
            .damaged
            .is_empty()
    );
    acknowledge(&spool, 2).await;
    drop(spool);
    assert_eq!(with_extension(dir.path(), "quarantine").len(), 1);
}
