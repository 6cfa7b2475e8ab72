//! What was acknowledged survives the death of the process, and a limit on what it may write.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use ee_audit::spool::{Spool, SpoolConfig, SpoolError, SpoolFsync};

use crate::spool::{acknowledge, config, number, numbers, open, record};

/// Names the directory for [`appends_until_it_is_killed`], in the process that is killed.
const VICTIM: &str = "EE_AUDIT_TEST_SPOOL_VICTIM";
/// Names the directory for [`meets_the_limit`], in the process that has one.
const LIMITED: &str = "EE_AUDIT_TEST_SPOOL_LIMITED";

fn synced(dir: &Path) -> SpoolConfig {
    let mut config = config(dir);
    config.fsync = SpoolFsync::Group;
    config.segment_bytes = 256 * 1_024;
    config
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    for round in 1..=5 {
        let dir = tempfile::tempdir().unwrap();

        let (kept, taken) = kill_a_writer(dir.path(), round * 300);

        assert!(kept.len() >= round * 300);
        let (spool, recovery) = open(synced(dir.path()));
        assert!(recovery.damaged.is_empty(), "{recovery:?}");
        let left = numbers(&spool).await;
        let found: BTreeSet<usize> = left.iter().copied().collect();
        assert_eq!(found.len(), left.len(), "an event is there twice");
        let lost: Vec<_> = kept
            .iter()
            .filter(|it| !found.contains(it) && !taken.contains(it))
            .collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} are lost");
        spool.append(&record(0)).await.unwrap();
        for _ in 0..3 {
            assert_eq!(numbers(&spool).await[..left.len()], left);
        }
    }
}

/// Starts this test program as a writer, and kills it after so many acknowledgements. Returns the numbers of the events
/// that it was told are kept, and of those that it has taken out again.
fn kill_a_writer(dir: &Path, after: usize) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "spool_crash::appends_until_it_is_killed",
            "--nocapture",
        ])
        .env(VICTIM, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut kept, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for line in BufReader::new(victim.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(number) = line.strip_prefix("kept ") {
            kept.insert(number.parse().unwrap());
        } else if let Some(number) = line.strip_prefix("taken ") {
            taken.insert(number.parse().unwrap());
        }
        if kept.len() >= after && taken.len() >= 100 {
            victim.kill().unwrap();
        }
    }
    assert!(!succeeds(victim));
    (kept, taken)
}

fn succeeds(mut child: Child) -> bool {
    child.wait().unwrap().success()
}

#[expect(
    clippy::disallowed_methods,
    reason = "how a process that a test has started learns what it is for"
)]
fn directory(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

/// One write call for each line, past the capture of the test harness.
fn say(line: &str) {
    std::io::stdout()
        .lock()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

/// Does nothing as a test of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_until_it_is_killed() {
    let Some(dir) = directory(VICTIM) else {
        return;
    };
    let (spool, _) = open(synced(&dir));
    let spool = Arc::new(spool);
    for task in 0..16 {
        let spool = Arc::clone(&spool);
        tokio::spawn(async move {
            for turn in 0..1_000_000 {
                let number = task * 1_000_000 + turn;
                spool.append(&record(number)).await.unwrap();
                say(&format!("kept {number}"));
            }
        });
    }
    // Takes out about the half.
    for turn in 0_u64.. {
        spool.readable().await;
        let batch = spool.next_batch(100, usize::MAX).await.unwrap();
        if turn < 10 || turn.is_multiple_of(2) {
            for (_, record) in &batch.records {
                say(&format!("taken {}", number(record)));
            }
            if let Some((position, _)) = batch.records.last() {
                spool.acknowledge(*position).await.unwrap();
            }
        }
    }
}

#[test]
fn a_process_that_may_write_no_more_lives_and_tears_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // 512 or 1,024 bytes each, as the shell has it: less than a segment in any case.
    let script = "trap '' XFSZ && ulimit -f 200 && exec \"$0\" \"$@\"";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "spool_crash::meets_the_limit", "--nocapture"])
        .env(LIMITED, dir.path())
        .spawn()
        .unwrap();

    assert!(succeeds(child));
    let report = Spool::verify(dir.path()).unwrap();
    assert!(
        report.damaged.is_empty() && report.torn_bytes == 0,
        "{report:?}"
    );
    assert_eq!(report.unacknowledged, 16);
}

/// Does nothing as a test of its own.
#[tokio::test]
async fn meets_the_limit() {
    let Some(dir) = directory(LIMITED) else {
        return;
    };
    let (spool, _) = open(synced(&dir));
    let mut kept = Vec::new();
    let mut refused = 0;
    for turn in 0..100 {
        // They go to the disk together, so the limit is met within one write.
        let appends: Vec<_> = (turn * 16..turn * 16 + 16)
            .map(|number| (number, spool.append(&record(number))))
            .collect();
        for (number, append) in appends {
            match append.await {
                Ok(()) => kept.push(number),
                Err(SpoolError::Full) => refused += 1,
                Err(err) => panic!("{err:?}"),
            }
        }
    }
    assert!(
        refused > 0 && kept.len() > 64,
        "{refused} refused, {} kept",
        kept.len()
    );
    assert!(spool.status().is_failing);
    assert_eq!(numbers(&spool).await, kept);
    let report = Spool::verify(&dir).unwrap();
    assert!(
        report.damaged.is_empty() && report.torn_bytes == 0,
        "{report:?}"
    );
    assert_eq!(report.records, kept.len() as u64);

    acknowledge(&spool, kept.len()).await;
    for number in 0..16 {
        spool.append(&record(number)).await.unwrap();
    }
    assert!(!spool.status().is_failing);
}
