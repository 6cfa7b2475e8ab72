//! What a session costs: to find it in the midst of 100,000, and to create one, alone and in a crowd.

#![expect(clippy::unwrap_used, reason = "a benchmark may stop at any error")]

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use ee_core::{
    AgentId, TokenHash, UserId,
    storage::{AgentRecord, AgentStore, SessionRecord, SessionStore},
};
use ee_store_libsql::{SqliteConfig, SqliteFile, SqliteStore};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

const SESSIONS: u64 = 100_000;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn session(number: u64) -> SessionRecord {
    // A session ends later than the one before, as in life.
    let now = Timestamp::from_millisecond(i64::try_from(number).unwrap()).unwrap();
    let user = UserId::new(format!("user-{}", number % 1_000)).unwrap();
    let hash = TokenHash::of(&number.to_string());
    let idle_until = now + SignedDuration::from_mins(20);
    SessionRecord::new(
        hash,
        user,
        now,
        idle_until,
        now + SignedDuration::from_hours(12),
    )
}

async fn create_next(store: &SqliteStore) {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    SessionStore::create(store, session(number)).await.unwrap();
}

/// Creates sessions in many tasks and returns how long it took.
async fn create_in(tasks: u64, store: &Arc<SqliteStore>, count: u64) -> Duration {
    let start = Instant::now();
    let mut crowd = JoinSet::new();
    for task in 0..tasks {
        let store = Arc::clone(store);
        let share = count / tasks + u64::from(task < count % tasks);
        crowd.spawn(async move {
            for _ in 0..share {
                create_next(&store).await;
            }
        });
    }
    crowd.join_all().await;
    start.elapsed()
}

async fn find(store: &SqliteStore, count: u64) -> Duration {
    let hashes: Vec<_> = (0..count)
        .map(|number| TokenHash::of(&(number.wrapping_mul(7_919) % SESSIONS).to_string()))
        .collect();
    let start = Instant::now();
    for hash in &hashes {
        black_box(SessionStore::find(store, hash).await.unwrap().unwrap());
    }
    start.elapsed()
}

/// A row that is found by a reader thread instead.
async fn find_agent(store: &SqliteStore, count: u64) -> Duration {
    let id = AgentId::new("agent").unwrap();
    let start = Instant::now();
    for _ in 0..count {
        black_box(AgentStore::find(store, &id).await.unwrap().unwrap());
    }
    start.elapsed()
}

fn sessions(bench: &mut Criterion) {
    let directory = TempDir::new().unwrap();
    let config = SqliteConfig::new(directory.path().join("ee.db"));
    let store = Arc::new(SqliteFile::open(config).unwrap());
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        create_in(256, &store, SESSIONS).await;
        let id = AgentId::new("agent").unwrap();
        let (name, now) = ("agent".to_owned(), Timestamp::UNIX_EPOCH);
        let agent = AgentRecord::new(id, name.clone(), name.clone(), name, now);
        AgentStore::create(&*store, agent, None).await.unwrap();
    });
    let run = |task: &dyn Fn(u64) -> Duration, name: &str, bench: &mut Criterion| {
        bench.bench_function(name, |bench| bench.iter_custom(task));
    };

    let finding = |count| runtime.block_on(find(&store, count));
    run(&finding, "find a session, on the calling thread", bench);
    let finding_agent = |count| runtime.block_on(find_agent(&store, count));
    run(&finding_agent, "find an agent, on a reader thread", bench);

    for tasks in [1, 16, 64, 256] {
        let creating = |count| runtime.block_on(create_in(tasks, &store, count));
        let name = format!("create a session, {tasks} at once, each");
        run(&creating, &name, bench);
    }

    let stop = Arc::new(AtomicBool::new(false));
    let writing = runtime.spawn({
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::Relaxed) {
                create_in(16, &store, 1_000).await;
            }
        }
    });
    run(&finding, "find a session while 16 create", bench);
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(writing).unwrap();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
