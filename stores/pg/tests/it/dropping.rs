//! Callers that stop waiting, and calls that fail.

use std::{sync::Arc, time::Duration};

use ee_core::{
    ErrorKind, TokenHash,
    storage::{Change, SessionStore},
};
use ee_sql::{Batch, Database as _, Statement};
use ee_store_pg::{PgConfig, PgStore};
use ee_testkit::{PgTestDatabase, in_parallel};
use tokio::time::timeout;

use crate::scratch::{Heard, fresh, migrated, open, open_with, session};

async fn with_two_connections() -> (Arc<PgStore>, PgTestDatabase) {
    let database = migrated().await;
    let mut config = PgConfig::new(database.url());
    config.pool_size = 2;
    config.statement_timeout = Duration::from_millis(500);
    (open_with(config).await, database)
}

fn wait(seconds: &str) -> Statement {
    Statement::new(format!("SELECT 1 FROM pg_sleep({seconds})"))
}

/// Both connections are free, none is in a transaction, and there are no more.
async fn assert_nothing_leaked(store: &Arc<PgStore>, database: &PgTestDatabase) {
    in_parallel(2, |number| {
        let store = Arc::clone(store);
        async move {
            let queries = vec![wait("0.1"), wait("0.1")];
            store.database().query("test", queries).await.unwrap();
            let batch = Batch::from(wait("0.1")).telling(Change::Agents);
            let batch = batch.alone(number.to_string());
            store.database().execute("test", batch).await.unwrap();
        }
    })
    .await;
    let others = "FROM pg_stat_activity WHERE datname = current_database() \
        AND pid <> pg_backend_pid()";
    let open = format!("SELECT count(*) {others} AND state LIKE 'idle in transaction%'");
    assert_eq!(database.query(&open).await.as_deref(), Some("0"));
    // Those that were closed in the middle of a statement end with it.
    let count = format!("SELECT count(*) <= 3 {others}");
    let left = async { while database.query(&count).await.as_deref() != Some("t") {} };
    timeout(Duration::from_secs(3), left).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_caller_leaves_a_whole_change_or_none() {
    let (store, database) = fresh().await;
    for number in 0..100 {
        let secret = number.to_string();
        SessionStore::create(&*store, session(&secret))
            .await
            .unwrap();
    }

    for number in 0..100 {
        let old = TokenHash::of(&number.to_string());
        let replace = store.replace(&old, session(&format!("new {number}")));
        let patience = Duration::from_micros(number * 20);
        let _ = timeout(patience, replace).await;
    }
    store.database().close().await;

    let store = open(&database.url()).await;
    for number in 0..100 {
        let old = store.find(&TokenHash::of(&number.to_string())).await;
        let new = store.find(&TokenHash::of(&format!("new {number}"))).await;
        assert!(old.unwrap().is_some() != new.unwrap().is_some(), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_change_of_a_dropped_caller_is_told() {
    let (store, _database) = fresh().await;
    let mut heard = Heard::from(&store);
    let hash = TokenHash::of("a");
    SessionStore::create(&*store, session("a")).await.unwrap();

    // Its task has begun with the first poll.
    let delete = SessionStore::delete(&*store, &hash);
    assert!(timeout(Duration::ZERO, delete).await.is_err());

    heard.within_a_second(&Change::Session(hash)).await;
    assert!(store.find(&hash).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_lost_by_100_dropped_calls() {
    let (store, database) = with_two_connections().await;

    for number in 0..100 {
        let patience = Duration::from_micros(number * 50);
        let reads = store
            .database()
            .query("test", vec![wait("0.01"), wait("0.01")]);
        let _ = timeout(patience, reads).await;
        let read = store.database().find("test", wait("0.01"));
        let _ = timeout(patience, read).await;
        let batch = Batch::from(wait("0.001").must_change()).telling(Change::Agents);
        let change = store.database().execute("test", batch);
        let _ = timeout(patience, change).await;
    }

    assert_nothing_leaked(&store, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_lost_by_100_failing_calls() {
    let (store, database) = with_two_connections().await;
    SessionStore::create(&*store, session("a")).await.unwrap();

    for number in 0..100 {
        let taken = SessionStore::create(&*store, session("a")).await;
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
        let broken = Statement::new("SELECT nonsense").must_change();
        let batch = Batch::from(wait("0").must_change()).then(broken.clone());
        store.database().execute("test", batch).await.unwrap_err();
        let divided = Statement::new("SELECT 1 / (?1 - 1)").bind(1_i64);
        let queries = vec![wait("0"), divided];
        store.database().query("test", queries).await.unwrap_err();
        if number % 10 == 0 {
            let kill = "SELECT 1 FROM pg_terminate_backend(pg_backend_pid())";
            let batch = Batch::from(Statement::new(kill)).then(wait("0"));
            let lost = store.database().execute("test", batch).await;
            assert_eq!(lost.unwrap_err().kind(), ErrorKind::Unavailable);
        }
    }

    assert_nothing_leaked(&store, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_unavailable() {
    let (store, database) = with_two_connections().await;

    let queries = vec![wait("9"), wait("9")];
    let read = store.database().query("test", queries).await;
    let batch = Batch::from(wait("9")).telling(Change::Agents);
    let change = store.database().execute("test", batch).await;

    for error in [read.unwrap_err(), change.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(
            error.to_string(),
            "could not test: the database did not answer in time"
        );
    }
    assert_nothing_leaked(&store, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_for_a_connection_is_unavailable() {
    let (store, database) = with_two_connections().await;
    let mut config = PgConfig::new(database.url());
    config.pool_size = 1;
    config.connect_timeout = Duration::from_millis(100);
    let narrow = open_with(config).await;

    let answers = in_parallel(4, |_| {
        let narrow = Arc::clone(&narrow);
        async move { narrow.database().find("test", wait("0.4")).await }
    })
    .await;

    let (found, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((found.len(), refused.len()), (1, 3));
    for error in refused {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    drop(store);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_is_unavailable_and_closing_again_is_nothing() {
    let (store, _database) = fresh().await;

    store.database().close().await;
    store.database().close().await;

    let hash = TokenHash::of("a");
    for error in [
        store.find(&hash).await.map(drop).unwrap_err(),
        SessionStore::delete(&*store, &hash)
            .await
            .map(drop)
            .unwrap_err(),
        SessionStore::create(&*store, session("b"))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_finishes_what_was_begun() {
    let (store, database) = fresh().await;
    let creates: Vec<_> = (0..100)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                SessionStore::create(&*store, session(&number.to_string())).await
            })
        })
        .collect();
    tokio::task::yield_now().await;

    store.database().close().await;

    let store = open(&database.url()).await;
    for (number, create) in creates.into_iter().enumerate() {
        let kept = store.find(&TokenHash::of(&number.to_string())).await;
        match create.await.unwrap() {
            Ok(()) => assert!(kept.unwrap().is_some(), "{number}"),
            Err(err) => assert_eq!(err.kind(), ErrorKind::Unavailable),
        }
    }
}
