//! Bytes of a spool that were cut or changed.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use ee_audit::spool::{Spool, SpoolConfig};
use ee_core::storage::AuditRecord;
use tempfile::TempDir;

use crate::spool::{acknowledge, config, left, numbers, open, record, segments};

/// Files of a spool as they are at one moment, without its reserve.
struct Image {
    dir: PathBuf,
    files: BTreeMap<OsString, Vec<u8>>,
}

impl Image {
    fn take(dir: &Path) -> Self {
        let paths = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.file_name().unwrap() != "reserve");
        Self {
            dir: dir.to_owned(),
            files: files
                .map(|path| {
                    (
                        path.file_name().unwrap().to_owned(),
                        fs::read(&path).unwrap(),
                    )
                })
                .collect(),
        }
    }

    /// Writes what is different, byte over byte: a file that is emptied first is forced to the disk by some systems.
    fn put_back(&self) {
        let now = Self::take(&self.dir).files;
        for name in now.keys().filter(|it| !self.files.contains_key(*it)) {
            fs::remove_file(self.dir.join(name)).unwrap();
        }
        for (name, bytes) in &self.files {
            if now.get(name) != Some(bytes) {
                overwrite(&self.dir.join(name), bytes);
            }
        }
    }
}

fn overwrite(path: &Path, bytes: &[u8]) {
    let mut options = fs::File::options();
    let file = options.write(true).create(true).truncate(false);
    file.open(path).unwrap().write_all_at(bytes, 0).unwrap();
}

/// Fills a spool with a few segments of a few events, and acknowledges the first one.
async fn filled(count: usize) -> (TempDir, SpoolConfig, Vec<AuditRecord>) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.segment_bytes = 1_000;
    let records: Vec<_> = (0..count).map(record).collect();
    let (spool, _) = open(config.clone());
    for record in &records {
        spool.append(record).await.unwrap();
    }
    acknowledge(&spool, 1).await;
    (dir, config, records)
}

#[tokio::test]
async fn a_last_event_that_was_not_written_to_its_end_is_cut_off_and_no_other() {
    let (dir, config, records) = filled(6).await;
    let image = Image::take(dir.path());
    let last = segments(dir.path()).pop().unwrap();
    let whole = fs::metadata(&last).unwrap().len();
    let before = whole - 8 - 4 - {
        let record = &records[5];
        (record.canonical.len() + record.personal.as_ref().unwrap().len()) as u64
    };

    for end in before..=whole {
        image.put_back();
        fs::File::options()
            .write(true)
            .open(&last)
            .unwrap()
            .set_len(end)
            .unwrap();
        let (expected, torn_bytes) = if end == whole {
            (&records[1..], 0)
        } else {
            (&records[1..5], end - before)
        };

        let report = Spool::verify(dir.path()).unwrap();
        assert_eq!(report.torn_bytes, torn_bytes);
        let (spool, recovery) = open(config.clone());

        assert_eq!(recovery.torn_bytes, torn_bytes);
        assert!(recovery.damaged.is_empty(), "{end}: {recovery:?}");
        assert_eq!(left(&spool).await, expected, "{end}");
        spool.append(&records[5]).await.unwrap();
        assert_eq!(left(&spool).await.len(), expected.len() + 1);
        drop(spool);
        let report = Spool::verify(dir.path()).unwrap();
        assert!(report.damaged.is_empty() && report.torn_bytes == 0);
    }
}

#[tokio::test]
async fn whatever_byte_is_changed_no_event_is_wrong_and_one_is_lost_at_most() {
    let (dir, config, records) = filled(4).await;
    let image = Image::take(dir.path());
    let mut flips = 0;
    for (name, bytes) in &image.files {
        for at in 0..bytes.len() {
            image.put_back();
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            overwrite(&dir.path().join(name), &changed);
            let place = format!("{}:{at}", name.display());
            flips += 1;

            let report = Spool::verify(dir.path()).unwrap();
            let (spool, recovery) = open(config.clone());
            let left = left(&spool).await;
            drop(spool);

            assert!(left.iter().all(|it| records.contains(it)), "{place}");
            assert!(left.is_sorted_by_key(|it| it.event.id), "{place}");
            assert_eq!(recovery.records, left.len() as u64, "{place}");
            let lost = records[1..].iter().filter(|it| !left.contains(it)).count();
            let is_told = !recovery.damaged.is_empty() || recovery.torn_bytes > 0;
            assert!(
                lost == 0 || (lost == 1 && is_told),
                "{place}: {lost} {recovery:?}"
            );
            if name == "cursor" {
                assert_eq!(left, records, "{place}");
            } else {
                let is_found = !report.damaged.is_empty() || report.torn_bytes > 0;
                assert!(is_found, "{place}");
            }
        }
    }
    assert!(flips > 1_200, "{flips}");
}

#[tokio::test]
async fn a_damaged_segment_is_told_of_until_it_is_drained_and_then_put_aside() {
    let (dir, config, records) = filled(6).await;
    let path = segments(dir.path())[1].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, &bytes).unwrap();

    for _ in 0..2 {
        let (spool, recovery) = open(config.clone());
        assert_eq!(recovery.damaged.len(), 1);
        assert_eq!(recovery.damaged[0].segment, 2);
        let batch = spool.next_batch(9, usize::MAX).await.unwrap();
        assert!(batch.damaged.is_empty(), "it was told already");
        assert_eq!(batch.records.len(), 4);
    }
    let (spool, _) = open(config.clone());
    acknowledge(&spool, 4).await;
    assert_eq!(spool.status().records, 0);
    drop(spool);

    let put_aside = path.with_extension("quarantine");
    assert_eq!(fs::read(&put_aside).unwrap(), bytes);
    assert_eq!(Spool::verify(dir.path()).unwrap().quarantined, 1);
    let (spool, recovery) = open(config);
    assert!(recovery.damaged.is_empty());
    spool.append(&records[0]).await.unwrap();
    assert_eq!(numbers(&spool).await, [0]);
}

#[tokio::test]
async fn bytes_that_are_damaged_while_it_runs_are_told_once_and_passed_by() {
    let (dir, config, _) = filled(6).await;
    let (spool, _) = open(config);
    let path = &segments(dir.path())[2];
    let mut bytes = fs::read(path).unwrap();
    let end = bytes.len();
    bytes[24..].fill(0xff);
    fs::write(path, &bytes).unwrap();

    let batch = spool.next_batch(9, usize::MAX).await.unwrap();

    assert_eq!(batch.records.len(), 3);
    assert_eq!(batch.damaged.len(), 1);
    let damaged = &batch.damaged[0];
    assert_eq!((damaged.segment, damaged.start), (3, 24));
    assert_eq!(damaged.end, end as u64);
    acknowledge(&spool, 3).await;
    let batch = spool.next_batch(9, usize::MAX).await.unwrap();
    assert!(batch.records.is_empty() && batch.damaged.is_empty());
    assert!(path.with_extension("quarantine").exists());
    let status = spool.status();
    assert_eq!((status.records, status.oldest), (0, None));
}

#[tokio::test]
async fn files_that_are_no_spool_do_no_harm() {
    let (dir, config, records) = filled(6).await;
    for (name, bytes) in [
        ("00000000000000000099.segment", &b""[..]),
        ("0.segment", b"too short a number"),
        ("99999999999999999999.segment", b"too large a number"),
        ("cursor.new", b"a write that was not finished"),
        ("notes.txt", b"of somebody"),
    ] {
        fs::write(dir.path().join(name), bytes).unwrap();
    }

    let (spool, recovery) = open(config);

    assert_eq!(recovery.torn_bytes, 0);
    assert!(recovery.damaged.is_empty(), "{recovery:?}");
    assert_eq!(left(&spool).await, records[1..]);
    assert!(dir.path().join("notes.txt").exists());
}
