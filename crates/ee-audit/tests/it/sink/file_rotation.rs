use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use ee_audit::sink::{AuditSink as _, FileConfig, FileSink};
use ee_testkit::TestClock;
use jiff::SignedDuration;
use tempfile::TempDir;

use super::{
    file::{product, seqs},
    world::entries,
};

fn files(dir: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(dir).unwrap();
    let mut files: Vec<PathBuf> = found.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn sink(config: &FileConfig, clock: &TestClock) -> FileSink {
    FileSink::new(config.clone(), product(), Arc::new(clock.clone())).unwrap()
}

#[tokio::test]
async fn a_file_that_is_large_enough_is_put_aside_and_the_oldest_ones_go() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::default();
    let mut config = FileConfig::new(dir.path().join("audit.jsonl"));
    (config.max_bytes, config.keep, config.daily) = (4_096, 3, false);
    let foreign = dir.path().join("audit.jsonl.old");
    fs::write(&foreign, "mine").unwrap();
    let sink = sink(&config, &clock);

    for seq in 1..=60 {
        // The clock stands still, and is set back: the order stays.
        if seq == 30 {
            clock.advance(SignedDuration::from_hours(-1));
        }
        sink.deliver(&entries(seq..=seq)).await.unwrap();
    }

    let mut found = files(dir.path());
    assert_eq!(found.pop(), Some(foreign));
    assert_eq!(found.len(), 4);
    let current = found.remove(0);
    found.push(current);
    let kept: Vec<u64> = found.iter().flat_map(|path| seqs(path)).collect();
    assert_eq!(
        kept,
        (kept[0]..=60).collect::<Vec<_>>(),
        "in order, without a gap"
    );
    for path in &found {
        assert!(fs::metadata(path).unwrap().len() <= 4_096);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

#[tokio::test]
async fn each_day_begins_a_new_file_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::default();
    let config = FileConfig::new(dir.path().join("audit.jsonl"));
    let first = sink(&config, &clock);

    first.deliver(&entries(1..=1)).await.unwrap();
    clock.advance(SignedDuration::from_secs(24 * 3_600 - 1));
    first.deliver(&entries(2..=2)).await.unwrap();
    clock.advance(SignedDuration::from_secs(1));
    first.deliver(&entries(3..=3)).await.unwrap();
    assert_eq!(files(dir.path()).len(), 2);
    assert_eq!(seqs(&config.path), [3]);
    let rotated = dir.path().join("audit.jsonl.20260102T000000000000Z");
    assert_eq!(seqs(&rotated), [1, 2]);

    // A start on the same day, and one on the next.
    let copy = FileConfig::new(dir.path().join("copy.jsonl"));
    fs::copy(&config.path, &copy.path).unwrap();
    let written: SystemTime = "2026-01-02T00:00:00Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .into();
    let touch = || {
        File::options()
            .append(true)
            .open(&copy.path)
            .unwrap()
            .set_modified(written)
    };
    touch().unwrap();
    clock.advance(SignedDuration::from_hours(1));
    sink(&copy, &clock).deliver(&entries(4..=4)).await.unwrap();
    assert_eq!(seqs(&copy.path), [3, 4]);

    let next = FileConfig::new(dir.path().join("next.jsonl"));
    fs::copy(&copy.path, &next.path).unwrap();
    File::options()
        .append(true)
        .open(&next.path)
        .unwrap()
        .set_modified(written)
        .unwrap();
    clock.advance(SignedDuration::from_hours(24));
    sink(&next, &clock).deliver(&entries(5..=5)).await.unwrap();
    assert_eq!(seqs(&next.path), [5]);
}
