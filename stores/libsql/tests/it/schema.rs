//! Which schema a file has.

use std::fs;

use ee_sql::SchemaStatus;
use ee_store_libsql::{OpenError, SqliteConfig, SqliteFile};
use rusqlite::Connection;

use crate::scratch::Scratch;

#[test]
fn the_schema_is_told_and_brought_up_to_date_when_asked() {
    let scratch = Scratch::new();
    let config = SqliteConfig::new(scratch.path());

    let before = SqliteFile::schema(&config).unwrap();
    assert_eq!(before.found, 0);
    assert!(before.known > 0);
    assert!(!scratch.path().exists());

    assert_eq!(SqliteFile::migrate(&config).unwrap(), before);
    let after = SqliteFile::schema(&config).unwrap();
    assert_eq!(after.found, before.known);
    assert_eq!(SqliteFile::migrate(&config).unwrap(), after);
    let files = fs::read_dir(scratch.path().parent().unwrap()).unwrap();
    assert_eq!(files.count(), 1);
}

#[test]
fn the_schema_of_an_open_file_is_told() {
    let scratch = Scratch::new();
    let _store = scratch.open();

    let SchemaStatus { found, known } =
        SqliteFile::schema(&SqliteConfig::new(scratch.path())).unwrap();

    assert_eq!(found, known);
}

#[test]
fn a_newer_schema_is_told_and_not_migrated() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let conn = Connection::open(scratch.path()).unwrap();
    conn.pragma_update(None, "user_version", 4_711).unwrap();
    conn.close().unwrap();
    let config = SqliteConfig::new(scratch.path());

    assert_eq!(SqliteFile::schema(&config).unwrap().found, 4_711);
    let refused = SqliteFile::migrate(&config);
    assert!(matches!(refused, Err(OpenError::Newer { .. })));
}

#[test]
fn what_is_not_ours_has_no_schema() {
    let scratch = Scratch::new();
    let config = SqliteConfig::new(scratch.path());

    fs::write(scratch.path(), "x").unwrap();
    let refused = SqliteFile::schema(&config);
    assert!(matches!(refused, Err(OpenError::NotSqlite { .. })));

    fs::remove_file(scratch.path()).unwrap();
    let conn = Connection::open(scratch.path()).unwrap();
    conn.execute_batch("CREATE TABLE notes (text)").unwrap();
    let refused = SqliteFile::schema(&config);
    assert!(matches!(refused, Err(OpenError::Foreign { .. })));
}
