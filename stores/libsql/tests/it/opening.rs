use std::{error::Error as _, fs, path::Path, sync::Arc};

use ee_core::{TokenHash, storage::SessionStore as _};
use ee_store_libsql::{OpenError, SqliteConfig, SqliteFile, SqliteStore};
use rusqlite::Connection;

use crate::scratch::{Scratch, session};

fn open(path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
    SqliteFile::open(SqliteConfig::new(path.as_ref()))
}

/// The error names the file, and the file is as it was.
fn refused(path: &Path) -> OpenError {
    let before = fs::read(path).unwrap();

    let error = open(path).unwrap_err();

    let message = error.to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert_eq!(fs::read(path).unwrap(), before);
    error
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let scratch = Scratch::new();
    for number in 0..5 {
        let store = scratch.open();
        store.create(session(&number.to_string())).await.unwrap();
        store.database().close().await;
    }

    let store = scratch.open();

    for number in 0..5 {
        let hash = TokenHash::of(&number.to_string());
        assert!(store.find(&hash).await.unwrap().is_some());
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let scratch = Scratch::new();
    fs::write(scratch.path(), "").unwrap();

    drop(scratch.open());

    let mark: i32 = Connection::open(scratch.path())
        .unwrap()
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .unwrap();
    assert_eq!(mark.to_be_bytes(), *b"maEE");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let scratch = Scratch::new();
    for content in ["x", "just a text\n", &"long text, ".repeat(1_000)] {
        fs::write(scratch.path(), content).unwrap();

        assert!(matches!(
            refused(&scratch.path()),
            OpenError::NotSqlite { .. }
        ));
    }
}

#[test]
fn a_database_of_another_program_is_refused() {
    for sql in [
        "CREATE TABLE notes (text)",
        "PRAGMA application_id = 4711",
        "PRAGMA user_version = 3",
        "CREATE TABLE notes (text); PRAGMA journal_mode = WAL",
    ] {
        let scratch = Scratch::new();
        let conn = Connection::open(scratch.path()).unwrap();
        conn.execute_batch(sql).unwrap();
        conn.close().unwrap();

        let error = refused(&scratch.path());

        assert!(matches!(error, OpenError::Foreign { .. }), "{sql}");
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let conn = Connection::open(scratch.path()).unwrap();
    conn.pragma_update(None, "user_version", 4_711).unwrap();
    conn.close().unwrap();

    let error = refused(&scratch.path());

    assert!(error.to_string().contains("newer version (schema 4711,"));
}

#[test]
fn a_damaged_history_of_the_schema_is_refused() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let conn = Connection::open(scratch.path()).unwrap();
    conn.execute_batch("UPDATE ee_schema_history SET checksum = '1' WHERE version = 1")
        .unwrap();
    conn.close().unwrap();

    assert!(matches!(
        refused(&scratch.path()),
        OpenError::Migrate { .. }
    ));
}

#[test]
fn a_damaged_database_is_refused() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut bytes = fs::read(scratch.path()).unwrap();
    // The first page is whole up to its header; the tree of the schema is not.
    bytes[100..4_096].fill(0xff);
    fs::write(scratch.path(), bytes).unwrap();

    let error = refused(&scratch.path());

    assert!(matches!(error, OpenError::Sqlite { .. }), "{error:?}");
    assert!(error.source().unwrap().to_string().contains("malformed"));
}

#[test]
fn a_missing_directory_is_named() {
    let scratch = Scratch::new();
    let path = scratch.path().join("below/ee.db");

    let error = open(&path).unwrap_err();

    let directory = path.parent().unwrap().to_str().unwrap();
    assert!(matches!(error, OpenError::NoDirectory { .. }));
    assert!(error.to_string().contains(directory));
    assert!(matches!(open(""), Err(OpenError::Create { .. })));
}

#[test]
fn a_directory_in_the_place_of_the_file_is_refused() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();

    assert!(matches!(
        open(scratch.path()),
        Err(OpenError::Sqlite { .. })
    ));
}

#[test]
fn a_name_that_is_special_to_sqlite_is_a_file() {
    let scratch = Scratch::new();
    for name in [":memory:", "file:x?mode=memory", "a b%20c?#'.db"] {
        let path = scratch.path().with_file_name(name);

        drop(open(&path).unwrap());

        assert!(fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    // Refuses new files to root as well.
    let error = open("/proc/ee.db").unwrap_err();

    assert!(matches!(error, OpenError::Create { .. }));
    assert!(error.to_string().contains("/proc/ee.db"));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new();
    let store = scratch.open();
    store.create(session("a")).await.unwrap();

    for name in ["ee.db", "ee.db-wal", "ee.db-shm"] {
        let meta = fs::metadata(scratch.path().with_file_name(name)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn many_may_open_a_new_file_at_once() {
    for _ in 0..5 {
        let scratch = Arc::new(Scratch::new());
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let scratch = Arc::clone(&scratch);
                std::thread::spawn(move || scratch.open())
            })
            .collect();

        let stores: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();

        assert_eq!(stores.len(), 8);
    }
}

#[tokio::test]
async fn the_file_is_durable_and_strict() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.create(session("a")).await.unwrap();

    let conn = Connection::open(scratch.path()).unwrap();
    let mode: String = conn
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    let loose: Vec<String> = conn
        .prepare("SELECT name FROM pragma_table_list WHERE name GLOB 'ee_*' AND NOT strict AND type = 'table'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let healthy: String = conn
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!((&*mode, &*healthy), ("wal", "ok"));
    assert_eq!(loose, ["ee_schema_history"]);
}
