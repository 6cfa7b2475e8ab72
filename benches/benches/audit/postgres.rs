//! How many events a second PostgreSQL takes, beside binary COPY of the same rows.

use std::time::Instant;

use bytes::Bytes;
use ee::{
    Clock as _, SystemClock,
    storage::{AuditRecord, AuditStore as _},
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::{PgCluster, PgTestDatabase};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_postgres::{Client, NoTls};

use crate::{Figures, LOG, TOGETHER, events::year};

const TABLES: [&str; 3] = ["ee_audit_bodies", "ee_audit_events", "ee_audit_links"];

pub(crate) async fn measure(count: usize, figures: &mut Figures) {
    let cluster = PgCluster::private();
    let (ours, raw) = (cluster.database().await, cluster.database().await);
    let store = PgDatabase::connect(PgConfig::new(ours.url()))
        .await
        .unwrap();
    let records: Vec<AuditRecord> = year(count).collect();
    let begun = Instant::now();
    for together in records.chunks(TOGETHER) {
        let records = together.to_vec();
        store.append(LOG, records, SystemClock.now()).await.unwrap();
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    store.database().close().await;
    figures.insert("ingest/postgres".into(), rate);
    // The schema is there as soon as somebody has connected.
    let store = PgDatabase::connect(PgConfig::new(raw.url())).await.unwrap();
    store.database().close().await;
    figures.insert(
        "ingest/postgres/raw".into(),
        copied(&ours, &raw, count).await,
    );
}

/// Copies the rows in one transaction, table by table: less durable work than a commit every 512 events.
async fn copied(ours: &PgTestDatabase, raw: &PgTestDatabase, count: usize) -> f64 {
    let (from, to) = (client(ours).await, client(raw).await);
    let mut tables = Vec::new();
    for table in TABLES {
        let sql = format!("COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)");
        let out = from.copy_out(&sql).await.unwrap();
        let pieces: Vec<Bytes> = out.map(Result::unwrap).collect().await;
        tables.push((table, pieces.concat()));
    }
    let begun = Instant::now();
    to.batch_execute("BEGIN").await.unwrap();
    for (table, bytes) in tables {
        let sql = format!("COPY {table} FROM STDIN (FORMAT binary)");
        let sink = to.copy_in::<_, Bytes>(&sql).await.unwrap();
        let mut sink = std::pin::pin!(sink);
        for piece in bytes.chunks(64 * 1_024) {
            sink.send(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        sink.finish().await.unwrap();
    }
    to.batch_execute("COMMIT").await.unwrap();
    count as f64 / begun.elapsed().as_secs_f64()
}

async fn client(database: &PgTestDatabase) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}
