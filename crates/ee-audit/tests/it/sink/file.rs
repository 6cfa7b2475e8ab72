use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ee_audit::{
    format::Product,
    sink::{AuditSink as _, DeliveryErrorKind, FileConfig, FileSink, SinkHealth},
};
use ee_core::SystemClock;
use serde_json::Value;
use tempfile::TempDir;

use super::world::{World, entries, until};

pub(super) fn product() -> Product {
    Product {
        vendor: "Example".to_owned(),
        name: "mastra-ee".to_owned(),
        version: "1.0".to_owned(),
    }
}

fn sink(path: &Path) -> FileSink {
    let mut config = FileConfig::new(path);
    config.daily = false;
    FileSink::new(config, product(), Arc::new(SystemClock)).unwrap()
}

/// Returns the numbers of the events in a file; all lines are whole.
pub(super) fn seqs(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let lines = text.lines();
    let read = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    read.map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn each_event_is_a_line_in_a_file_that_nobody_else_reads() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("audit.jsonl");
    fs::write(&path, "").unwrap();
    let sink = sink(&path);

    sink.deliver(&entries(1..=3)).await.unwrap();
    sink.deliver(&entries(4..=4)).await.unwrap();

    assert_eq!(seqs(&path), [1, 2, 3, 4]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(
            mode & 0o777,
            0o600,
            "also where it was open to others before"
        );
    }
}

#[tokio::test]
async fn whatever_a_crash_has_left_of_a_line_is_cut_off() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("audit.jsonl");
    let batch = entries(1..=3);
    let first = sink(&path);
    first.deliver(&batch).await.unwrap();
    drop(first);
    let whole = fs::read(&path).unwrap();
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;

    for cut in second..=whole.len() {
        let torn = &whole[..cut];
        // A new file, not the same one: the thread of the sink before may still hold its lock.
        let path = dir.path().join(format!("{cut}.jsonl"));
        fs::write(&path, torn).unwrap();
        let kept = torn.split_inclusive(|byte| *byte == b'\n');
        let kept = kept.filter(|line| line.ends_with(b"\n")).count() as u64;

        sink(&path).deliver(&entries(8..=9)).await.unwrap();

        let expected: Vec<u64> = (1..=kept).chain([8, 9]).collect();
        assert_eq!(seqs(&path), expected, "cut at {cut}");
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn what_is_not_ours_is_ended_and_left() {
    let dir = TempDir::new().unwrap();
    let long = format!("{{\n{}", "x".repeat(2_000_000));
    let zeros = "{\"seq\":1}\n\0\0\0\0";
    for (at, (text, kept)) in [
        ("root:x:0:0", "root:x:0:0\n"),
        ("# notes\n# more", "# notes\n# more\n"),
        (zeros, "{\"seq\":1}\n"),
        (&*long, &*format!("{long}\n")),
        ("", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let path = dir.path().join(format!("{at}.jsonl"));
        fs::write(&path, text).unwrap();

        sink(&path).deliver(&entries(1..=1)).await.unwrap();

        let found = fs::read_to_string(&path).unwrap();
        let rest = found.strip_prefix(kept).unwrap();
        assert!(rest.starts_with('{') && rest.lines().count() == 1, "{at}");
    }
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_begun_anew() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("audit.jsonl");
    let moved = dir.path().join("moved.jsonl");
    let sink = sink(&path);

    sink.deliver(&entries(1..=2)).await.unwrap();
    fs::rename(&path, &moved).unwrap();
    sink.deliver(&entries(3..=4)).await.unwrap();
    fs::remove_file(&path).unwrap();
    sink.deliver(&entries(5..=5)).await.unwrap();
    // A copy that empties the file instead.
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    sink.deliver(&entries(6..=6)).await.unwrap();

    assert_eq!(seqs(&moved), [1, 2]);
    assert_eq!(seqs(&path), [6]);
}

#[tokio::test]
async fn two_sinks_do_not_write_one_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("audit.jsonl");
    let (one, other) = (sink(&path), sink(&path));
    one.deliver(&entries(1..=1)).await.unwrap();

    let err = other.deliver(&entries(2..=2)).await.unwrap_err();

    assert_eq!(err.kind(), DeliveryErrorKind::Later);
    assert_eq!(seqs(&path), [1]);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("later").join("audit.jsonl");
    let sink = sink(&path);

    let err = sink.deliver(&entries(1..=1)).await.unwrap_err();
    assert_eq!(err.kind(), DeliveryErrorKind::Later);
    fs::create_dir(dir.path().join("later")).unwrap();
    sink.deliver(&entries(1..=1)).await.unwrap();

    assert_eq!(seqs(&path), [1]);
}

/// `/dev/full` takes nothing: every write says that there is no room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_lost_while_the_disk_is_full() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("audit.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut world = World::of(250);
    world.options.retry_min = Duration::from_millis(4);
    world.options.retry_max = Duration::from_millis(4);

    let running = world.run(Arc::new(sink(&path))).await;
    until("it fails", || {
        matches!(running.handle.health(), SinkHealth::Failing { .. })
    })
    .await;
    let SinkHealth::Failing { reason, .. } = running.handle.health() else {
        panic!("it does not fail");
    };
    assert!(reason.contains("No space left"), "{reason}");
    assert_eq!(world.state.position(), 0);

    fs::remove_file(&path).unwrap();
    until("all are saved", || world.state.position() == 250).await;
    running.stop().await;

    assert_eq!(seqs(&path), (1..=250).collect::<Vec<_>>());
    assert!(!world.state.is_full.load(Ordering::SeqCst));
}

/// What somebody else appends without ending it does not swallow an event.
#[tokio::test]
async fn a_line_of_somebody_else_without_an_end_is_found_at_the_next_start() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("audit.jsonl");
    let first = sink(&path);
    first.deliver(&entries(1..=1)).await.unwrap();
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"note").unwrap();
    fs::rename(&path, dir.path().join("copy")).unwrap();
    fs::copy(dir.path().join("copy"), &path).unwrap();

    first.deliver(&entries(2..=2)).await.unwrap();

    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[1]), (3, "note"));
}
