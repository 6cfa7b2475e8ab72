//! Nothing of the schema is forgotten by a copy.

use ee_sql::copy::{DERIVED, TABLES, Table};
use rusqlite::Connection;

use crate::scratch::Scratch;

/// One line for each column: its table, its name, and its place in the key or its kind.
fn listed(table: &Table) -> Vec<String> {
    let key = (1..).zip(table.key);
    let key = key.map(|(place, column)| format!("{} {column} key {place}", table.name));
    let texts = table.texts.iter();
    let texts = texts.map(|column| format!("{} {column} text", table.name));
    let rest = table.rest.iter();
    let rest = rest.map(|column| format!("{} {column} other", table.name));
    key.chain(texts).chain(rest).collect()
}

#[test]
fn every_table_with_every_column_is_copied() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let conn = Connection::open(scratch.path()).unwrap();
    let sql = "SELECT tables.name || ' ' || columns.name || CASE WHEN columns.pk > 0 \
        THEN ' key ' || columns.pk WHEN columns.type = 'TEXT' THEN ' text' ELSE ' other' END \
        FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns \
        WHERE tables.type = 'table' AND tables.name <> 'ee_schema_history'";

    let mut found: Vec<String> = conn
        .prepare(sql)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    // The index of words is made of tables of its own.
    found.retain(|line| !DERIVED.iter().any(|table| line.starts_with(table)));
    found.sort();
    let mut copied: Vec<String> = TABLES.iter().flat_map(listed).collect();
    copied.sort();

    assert_eq!(copied, found, "`TABLES` in ee-sql is not what there is");
}

#[test]
fn what_is_referred_to_is_copied_first() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let conn = Connection::open(scratch.path()).unwrap();
    let place = |name: &str| TABLES.iter().position(|table| table.name == name);

    let mut references = conn
        .prepare(
            "SELECT tables.name, keys.\"table\" FROM sqlite_schema AS tables \
             JOIN pragma_foreign_key_list(tables.name) AS keys",
        )
        .unwrap();
    let references = references.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let references: Vec<(String, String)> = references.unwrap().collect::<Result<_, _>>().unwrap();

    assert!(!references.is_empty());
    for (from, to) in references {
        assert!(place(&to) < place(&from), "{from} refers to {to}");
    }
}
