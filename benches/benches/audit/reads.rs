//! How fast events are found, counted, copied and verified.

use std::time::Instant;

use ee::{
    AuditField, AuditFilter, AuditPlace, AuditQuery, Clock as _, SystemClock,
    audit::{
        export::{ExportFormat, ExportOptions, Exporter},
        integrity::{Evidence, VerifierKeys, verify_store},
        query::{Context, parse},
    },
    storage::{
        AuditEntry, AuditIndex, AuditProofStore, AuditRecord, AuditSearch, AuditSpans, AuditStore,
    },
    store_libsql::{SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::PgCluster;

use crate::{
    Figures, LOG,
    events::{end, year},
    percentile,
};

/// How often each page is read.
const TIMES: usize = 100;
/// Events of a page.
const PAGE: u32 = 50;
/// A page far down the list.
const DEEP: usize = 10_000;

/// What is looked for, in the grammar of the search.
const FILTERS: [(&str, &str); 9] = [
    ("newest", ""),
    ("action", "action:roles.assign"),
    ("actions", "action:agents.*"),
    ("actor", "actor:user-77"),
    ("resource", "resource:agent/agent-77"),
    ("outcome", "outcome:denied"),
    ("session", "sessionId:session-77"),
    ("words", "\"rate limit\""),
    ("month", "created:>=2026-03-01 created:<2026-04-01"),
];

/// A store of events.
trait Kept: AuditIndex + AuditProofStore + AuditSearch + AuditStore {}

impl<S: AuditIndex + AuditProofStore + AuditSearch + AuditStore> Kept for S {}

pub(crate) async fn sqlite(count: usize, figures: &mut Figures) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteFile::open(SqliteConfig::new(dir.path().join("ee.db"))).unwrap();
    measure("sqlite", &store, count, figures).await;
    store.database().close().await;
}

pub(crate) async fn postgres(count: usize, figures: &mut Figures) {
    let cluster = PgCluster::private();
    let database = cluster.database().await;
    let store = PgDatabase::connect(PgConfig::new(database.url()))
        .await
        .unwrap();
    fill(&store, count).await;
    database.query("ANALYZE").await;
    read("postgres", &store, count, figures).await;
    store.database().close().await;
}

async fn measure(name: &str, store: &impl Kept, count: usize, figures: &mut Figures) {
    fill(store, count).await;
    read(name, store, count, figures).await;
}

async fn fill(store: &impl Kept, count: usize) {
    let mut all = year(count);
    loop {
        let together: Vec<AuditRecord> = all.by_ref().take(4_096).collect();
        if together.is_empty() {
            break;
        }
        store
            .append(LOG, together, SystemClock.now())
            .await
            .unwrap();
    }
    while store.index_events(10_000).await.unwrap() > 0 {}
}

async fn read(name: &str, store: &impl Kept, count: usize, figures: &mut Figures) {
    for (what, line) in FILTERS {
        let filter = parse(line, &Context::new(end(count))).unwrap();
        let query = AuditQuery::newest(filter, PAGE);
        figures.insert(format!("page/{name}/{what}"), page(store, &query).await);
    }
    let deep = deep(store, count).await;
    figures.insert(format!("page/{name}/deep"), page(store, &deep).await);
    let all = AuditFilter::EVERYTHING;
    let mut times = Vec::new();
    for _ in 0..TIMES / 5 {
        let begun = Instant::now();
        store
            .histogram(&all, AuditField::Outcome, AuditSpans::of(86_400))
            .await
            .unwrap();
        for field in [
            AuditField::Action,
            AuditField::ActorId,
            AuditField::Outcome,
            AuditField::ResourceType,
        ] {
            store.facet(&all, field, 20).await.unwrap();
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    figures.insert(format!("facets/{name}"), percentile(&mut times, 95));
    figures.insert(format!("export/{name}"), export(store, count).await);
    let evidence = Evidence::new("bench", VerifierKeys::default());
    let (begun, worked) = (Instant::now(), worked());
    let report = verify_store(store, store, LOG, &evidence, 0, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(report.to, count as u64);
    figures.insert(
        format!("verify/{name}"),
        count as f64 / begun.elapsed().as_secs_f64(),
    );
    figures.insert(
        format!("verify/{name}/core"),
        count as f64 / (self::worked() - worked),
    );
}

/// Returns for how many seconds all threads of this program together have worked.
fn worked() -> f64 {
    // So many a second, whatever the clock of the kernel.
    const TICKS: f64 = 100.0;
    let line = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the name of the program, in which anything may stand.
    let (_, fields) = line.rsplit_once(')').unwrap();
    let fields = fields.split_whitespace().skip(11).take(2);
    fields
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS
}

/// Returns how many milliseconds 95 of 100 readings take at most.
async fn page(store: &impl Kept, query: &AuditQuery) -> f64 {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let found = store.search(query).await.unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        assert!(!found.is_empty());
    }
    percentile(&mut times, 95)
}

/// Returns what asks for a page far down the list, as far as there is one.
async fn deep(store: &impl Kept, count: usize) -> AuditQuery {
    let mut query = AuditQuery::newest(AuditFilter::EVERYTHING, AuditQuery::MAX_LIMIT);
    let passed = (DEEP * PAGE as usize).min(count / 2);
    for _ in 0..passed / AuditQuery::MAX_LIMIT as usize {
        let found = store.search(&query).await.unwrap();
        query.after = found.last().map(place);
    }
    query.limit = PAGE;
    query
}

fn place(entry: &AuditEntry) -> AuditPlace {
    AuditPlace {
        timestamp: entry.record.event.timestamp,
        id: entry.record.event.id,
    }
}

/// Copies the log as lines, and returns how many events a second that are.
async fn export(store: &impl Kept, count: usize) -> f64 {
    let mut exporter = Exporter::new(ExportOptions::new(ExportFormat::Ndjson));
    let (mut after, mut bytes) = (0, 0);
    let begun = Instant::now();
    loop {
        let entries = store.feed(LOG, after, 1_000).await.unwrap();
        let Some(last) = entries.last() else {
            break;
        };
        after = last.seq;
        for entry in &entries {
            bytes += exporter.push(entry).unwrap().map_or(0, |it| it.len());
        }
    }
    assert!(bytes > count);
    count as f64 / begun.elapsed().as_secs_f64()
}
