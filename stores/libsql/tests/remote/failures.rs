use std::{sync::Arc, time::Duration};

use ee_core::{
    Error, ErrorKind, TokenHash,
    storage::{GroupRecord, GroupStore, SessionStore},
};
use ee_store_libsql::{RemoteConfig, RemoteDatabase, RemoteOpenError};
use ee_testkit::HranaServer;
use jiff::Timestamp;

use crate::scratch::{Scratch, session};

fn is_unavailable<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    let error = result.unwrap_err();
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    error.kind() == ErrorKind::Unavailable
}

#[tokio::test]
async fn a_read_is_asked_again_and_a_change_is_not() {
    let scratch = Scratch::new().await;
    let store = scratch.open().await;
    SessionStore::create(&*store, session("a")).await.unwrap();

    scratch.server.fail_next(2, 502);
    let found = SessionStore::find(&*store, &TokenHash::of("a")).await;
    assert!(found.unwrap().is_some());

    scratch.server.fail_next(1, 502);
    assert!(is_unavailable(
        SessionStore::create(&*store, session("b")).await
    ));
    let found = SessionStore::find(&*store, &TokenHash::of("b")).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_unavailable_and_not_made_twice() {
    let scratch = Scratch::new().await;
    let store = scratch.open().await;

    scratch.server.fail_after_next(1, 504);
    assert!(is_unavailable(
        SessionStore::create(&*store, session("a")).await
    ));

    // It was made; whoever tries again is told so.
    let again = SessionStore::create(&*store, session("a")).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_change_that_finds_nothing_to_change_undoes_all_of_its_batch() {
    let scratch = Scratch::new().await;
    let store = scratch.open().await;
    let (ops, ada) = ("ops".parse().unwrap(), "ada".parse().unwrap());

    let missing = store.add_member(&ops, &ada).await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    let group = GroupRecord::new(ops.clone(), "Ops".into(), Timestamp::UNIX_EPOCH);
    GroupStore::create(&*store, group).await.unwrap();

    assert_eq!(store.groups_of(&ada).await.unwrap(), []);
    scratch.server.count();
    assert!(store.add_member(&ops, &ada).await.unwrap());
    // And a look for changes, perhaps.
    assert!(scratch.server.requests() <= 2);
    assert_eq!(store.groups_of(&ada).await.unwrap(), [ops]);
    assert_eq!(scratch.server.open_streams(), 0);
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_and_comes_back() {
    let mut scratch = Scratch::new().await;
    let store = scratch.open().await;
    SessionStore::create(&*store, session("a")).await.unwrap();

    scratch.server.stop().await;
    assert!(is_unavailable(
        SessionStore::find(&*store, &TokenHash::of("a")).await
    ));
    assert!(is_unavailable(
        SessionStore::create(&*store, session("b")).await
    ));
    scratch.server.start_again().await;

    let found = SessionStore::find(&*store, &TokenHash::of("a")).await;
    assert!(found.unwrap().is_some());
    SessionStore::create(&*store, session("b")).await.unwrap();
}

#[tokio::test]
async fn a_slow_server_does_not_hold_anybody_for_long() {
    let scratch = Scratch::new().await;
    let mut config = RemoteConfig::new(&scratch.server.url()).unwrap();
    config.timeout = Duration::from_millis(200);
    let store = RemoteDatabase::open(config).await.unwrap();

    scratch.server.delay(Duration::from_secs(30));

    assert!(is_unavailable(
        SessionStore::create(&store, session("a")).await
    ));
}

#[tokio::test]
async fn the_token_is_sent_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let server = HranaServer::start_guarded(directory.path().join("ee.db"), "t0p-secret").await;

    let without = RemoteDatabase::open(RemoteConfig::new(&server.url()).unwrap()).await;
    let mut wrong = RemoteConfig::new(&server.url()).unwrap();
    wrong.auth_token = Some("wr0ng-secret".into());
    let wrong = RemoteDatabase::open(wrong).await;
    for refused in [without, wrong] {
        let error = refused.unwrap_err();
        assert!(matches!(error, RemoteOpenError::Server(_)));
        assert!(!format!("{error:?}").contains("secret"));
    }
    let url = format!("{}?authToken=t0p-secret", server.url());
    let store = RemoteDatabase::open(RemoteConfig::new(&url).unwrap())
        .await
        .unwrap();
    SessionStore::create(&store, session("a")).await.unwrap();
    assert!(!format!("{store:?}").contains("secret"));
}

#[tokio::test]
async fn a_newer_schema_and_a_foreign_history_are_refused() {
    let scratch = Scratch::new().await;
    scratch.open().await.database().close();
    let open = || RemoteDatabase::open(RemoteConfig::new(&scratch.server.url()).unwrap());
    let change = |sql: &str| {
        let conn = rusqlite::Connection::open(scratch.server.path()).unwrap();
        conn.execute_batch(sql).unwrap();
    };

    change("INSERT INTO ee_schema_history (version, name, checksum) VALUES (4711, 'x', '1')");
    assert!(matches!(
        open().await,
        Err(RemoteOpenError::Newer { found: 4711, .. })
    ));

    change("DELETE FROM ee_schema_history WHERE version = 4711");
    open().await.unwrap().database().close();
    change("UPDATE ee_schema_history SET checksum = '1' WHERE version = 1");
    assert!(matches!(
        open().await,
        Err(RemoteOpenError::Foreign { version: 1 })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_new_database_at_once() {
    let scratch = Arc::new(Scratch::new().await);

    let stores = ee_testkit::in_parallel(8, |_| {
        let scratch = Arc::clone(&scratch);
        async move { scratch.open().await }
    })
    .await;

    assert_eq!(stores.len(), 8);
}

#[tokio::test]
async fn a_closed_store_asks_nobody() {
    let scratch = Scratch::new().await;
    let store = scratch.open().await;

    store.database().close();
    // A look for changes that is under way may still come.
    tokio::time::sleep(Duration::from_millis(700)).await;
    scratch.server.count();
    assert!(is_unavailable(
        SessionStore::find(&*store, &TokenHash::of("a")).await
    ));
    assert!(is_unavailable(
        SessionStore::create(&*store, session("a")).await
    ));
    assert_eq!(scratch.server.requests(), 0);
}
