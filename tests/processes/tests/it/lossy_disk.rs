//! The disk whose power is cut really loses what was not flushed, and nothing else.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use processes::{Dice, LossyDisk};
use rusqlite::Connection;

const SEEDS: u64 = 12;
const ROWS: i64 = 40;
const WHILE: Duration = Duration::from_millis(50);

/// Writes a file whose name and content are flushed.
fn keep(path: &Path, content: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(content).unwrap();
    file.sync_all().unwrap();
    File::open(path.parent().unwrap())
        .unwrap()
        .sync_all()
        .unwrap();
}

#[test]
fn a_write_without_a_flush_is_lost_and_one_with_it_is_not() {
    let mut disk = LossyDisk::new();
    let (kept, grown) = (disk.path("kept"), disk.path("grown"));
    let mut lost = 0;
    for seed in 0..SEEDS {
        keep(&kept, b"kept");
        keep(&grown, b"kept");
        let mut file = OpenOptions::new().append(true).open(&grown).unwrap();
        file.write_all(b" lost").unwrap();
        drop(file);
        assert_eq!(fs::read(&grown).unwrap(), b"kept lost");

        disk.restart(&mut Dice::new(seed));

        assert_eq!(fs::read(&kept).unwrap(), b"kept");
        let grown = fs::read(&grown).unwrap();
        assert!(grown.starts_with(b"kept"), "{grown:?}");
        lost += u64::from(!grown.ends_with(b" lost"));
    }
    assert!(lost > 0 && lost < SEEDS, "{lost}");
}

#[test]
fn a_name_is_lost_unless_its_directory_was_flushed() {
    let mut disk = LossyDisk::new();
    let (mut lost, mut back) = (0, 0);
    for seed in 0..SEEDS {
        let (new, old, other) = (disk.path("new"), disk.path("old"), disk.path("other"));
        keep(&old, b"old");
        keep(&other, b"other");
        let mut file = File::create(&new).unwrap();
        file.write_all(b"new").unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::rename(&other, &old).unwrap();

        disk.restart(&mut Dice::new(seed));

        lost += u64::from(!new.exists());
        match fs::read(&old).unwrap().as_slice() {
            b"old" => {
                assert_eq!(fs::read(&other).unwrap(), b"other");
                back += 1;
            }
            b"other" => assert!(!other.exists()),
            neither => panic!("{neither:?}"),
        }
        let _ = fs::remove_file(&new);
    }
    assert!(lost > 0 && lost < SEEDS, "{lost}");
    assert!(back > 0 && back < SEEDS, "{back}");
}

#[test]
fn after_the_cut_everything_stands_still_and_nothing_changes() {
    let mut disk = LossyDisk::new();
    let path = disk.path("file");
    keep(&path, b"kept");
    disk.cut_after(1);
    let late = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut file = OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(b" lost").unwrap();
            // Nobody answers any more.
            let answered = Instant::now();
            assert!(file.sync_all().is_err());
            (answered.elapsed(), file.write_all(b" more").is_err())
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(disk.until_cut());
    std::thread::sleep(WHILE);
    disk.switch_off();
    let (waited, is_over) = late.join().unwrap();
    assert!(waited >= WHILE / 2 && is_over, "{waited:?}");

    disk.restart(&mut Dice::new(0));

    assert!(fs::read(&path).unwrap().starts_with(b"kept"));
    assert!(!fs::read(&path).unwrap().ends_with(b"more"));
}

/// Commits one row after another, and returns how many of them are there when the power was cut in between.
fn rows_after_a_cut(synchronous: &str, seed: u64) -> Result<i64, rusqlite::Error> {
    let mut disk = LossyDisk::new();
    let path = disk.path("rows.db");
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "journal_mode", "wal").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch("CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT)")
        .unwrap();
    conn.pragma_update(None, "synchronous", synchronous)
        .unwrap();
    for number in 0..ROWS {
        let text = "x".repeat(900);
        conn.execute("INSERT INTO rows VALUES (?1, ?2)", (number, text))
            .unwrap();
    }
    disk.switch_off();
    // It cannot write any more.
    let _ = conn.close();
    disk.restart(&mut Dice::new(seed));
    let conn = Connection::open(&path)?;
    let said: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    assert_eq!(said, "ok");
    conn.query_row("SELECT count(*) FROM rows", [], |row| row.get(0))
}

/// The same as for the product: what it is asked to survive, a database that is told not to flush does not.
#[test]
fn a_database_keeps_its_commits_if_it_flushes_them_and_loses_some_if_it_does_not() {
    let lost = |synchronous| {
        let rows = (0..SEEDS).map(move |seed| rows_after_a_cut(synchronous, seed));
        rows.filter(|rows| *rows != Ok(ROWS)).count()
    };
    assert_eq!(lost("FULL"), 0);
    let (normal, off) = (lost("NORMAL"), lost("OFF"));
    assert!(normal > 0 && off > 0, "{normal} {off}");
}
