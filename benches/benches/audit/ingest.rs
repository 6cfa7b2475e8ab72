//! How many events a second SQLite takes, beside the same rows without chain, tree and checks.

use std::{path::Path, time::Instant};

use ee::{
    Clock as _, SystemClock,
    storage::{AuditRecord, AuditStore as _},
    store_libsql::{SqliteConfig, SqliteFile},
};
use rusqlite::{Connection, types::Value};

use crate::{Figures, LOG, TOGETHER, events::year};

/// The tables that an event gets rows in, with the column that says which event.
const TABLES: [(&str, &str); 3] = [
    ("ee_audit_bodies", "number"),
    ("ee_audit_events", "number"),
    ("ee_audit_links", "number"),
];

pub(crate) async fn measure(count: usize, figures: &mut Figures) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ours.db");
    let records: Vec<AuditRecord> = year(count).collect();
    let store = SqliteFile::open(SqliteConfig::new(&path)).unwrap();
    let begun = Instant::now();
    for together in records.chunks(TOGETHER) {
        let records = together.to_vec();
        store.append(LOG, records, SystemClock.now()).await.unwrap();
    }
    let ours = count as f64 / begun.elapsed().as_secs_f64();
    store.database().close().await;
    drop(store);
    figures.insert("ingest/sqlite".into(), ours);
    figures.insert(
        "ingest/sqlite/raw".into(),
        raw(&path, &dir.path().join("raw.db"), count),
    );
}

/// Copies the rows into an empty file of the same schema, in transactions of the same size that are as durable.
fn raw(ours: &Path, path: &Path, count: usize) -> f64 {
    SqliteFile::migrate(&SqliteConfig::new(path)).unwrap();
    let from = Connection::open(ours).unwrap();
    let mut to = Connection::open(path).unwrap();
    to.pragma_update(None, "journal_mode", "WAL").unwrap();
    to.pragma_update(None, "synchronous", "FULL").unwrap();
    let tables: Vec<(String, Vec<Vec<Value>>)> = TABLES
        .iter()
        .map(|(table, number)| {
            let sql = format!("SELECT * FROM {table} ORDER BY {number}");
            let mut rows = from.prepare(&sql).unwrap();
            let width = rows.column_count();
            let read = |row: &rusqlite::Row<'_>| (0..width).map(|at| row.get(at)).collect();
            let rows: Vec<Vec<Value>> = rows
                .query_map([], read)
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let places: Vec<String> = (1..=width).map(|at| format!("?{at}")).collect();
            (
                format!("INSERT INTO {table} VALUES ({})", places.join(", ")),
                rows,
            )
        })
        .collect();
    let begun = Instant::now();
    for first in (0..count).step_by(TOGETHER) {
        let transaction = to.transaction().unwrap();
        for (insert, rows) in &tables {
            let mut insert = transaction.prepare_cached(insert).unwrap();
            for row in rows.iter().skip(first).take(TOGETHER) {
                insert.execute(rusqlite::params_from_iter(row)).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    count as f64 / begun.elapsed().as_secs_f64()
}
