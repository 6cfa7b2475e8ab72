use std::sync::Arc;

use ee_core::{
    AgentId, ErrorKind, TokenHash, Visible,
    storage::{AgentRecord, AgentStore, SessionStore},
};
use ee_store_libsql::{SqliteConfig, SqliteFile};
use ee_testkit::in_parallel;
use jiff::Timestamp;

use crate::scratch::{Scratch, session};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tasks_with_200_creates_each_all_are_kept() {
    let scratch = Scratch::new();
    let store = scratch.open();

    in_parallel(64, |task| {
        let store = Arc::clone(&store);
        async move {
            for number in 0..200 {
                let record = session(&format!("{task}/{number}"));
                SessionStore::create(&*store, record.clone()).await.unwrap();
                let kept = SessionStore::find(&*store, &record.hash).await.unwrap();
                assert_eq!(
                    kept,
                    Some(record),
                    "a change is seen when it is acknowledged"
                );
            }
        }
    })
    .await;

    let user = session("any").user_id;
    assert_eq!(store.delete_for_user(&user, None).await.unwrap(), 64 * 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_conflict_in_a_batch_leaves_the_others_alone() {
    let scratch = Scratch::new();
    let store = scratch.open();
    SessionStore::create(&*store, session("taken"))
        .await
        .unwrap();

    let created = in_parallel(64, |task| {
        let store = Arc::clone(&store);
        let secret = if task % 2 == 0 {
            "taken".to_owned()
        } else {
            task.to_string()
        };
        async move { SessionStore::create(&*store, session(&secret)).await }
    })
    .await;

    let (kept, refused): (Vec<_>, Vec<_>) = created.into_iter().partition(Result::is_ok);
    assert_eq!((kept.len(), refused.len()), (32, 32));
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_file_see_each_others_changes_at_once() {
    let scratch = Scratch::new();
    let stores = [scratch.open(), scratch.open()];

    in_parallel(16, |task| {
        let stores = stores.clone();
        async move {
            for number in 0..25 {
                let record = session(&format!("{task}/{number}"));
                let [here, there] = match (task + number) % 2 {
                    0 => [&stores[0], &stores[1]],
                    _ => [&stores[1], &stores[0]],
                };
                SessionStore::create(&**here, record.clone()).await.unwrap();
                let seen = SessionStore::find(&**there, &record.hash).await.unwrap();
                assert_eq!(seen.as_ref(), Some(&record));
                assert!(SessionStore::delete(&**there, &record.hash).await.unwrap());
                let seen = SessionStore::find(&**here, &record.hash).await.unwrap();
                assert_eq!(seen, None);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn long_reads_do_not_keep_sessions_from_being_found() {
    let scratch = Scratch::new();
    let store = scratch.open();
    SessionStore::create(&*store, session("a")).await.unwrap();
    for number in 0..200 {
        let id = AgentId::new(format!("agent-{number}")).unwrap();
        let agent = AgentRecord::new(
            id,
            number.to_string(),
            "x".repeat(10_000),
            "echo/dev".into(),
            Timestamp::UNIX_EPOCH,
        );
        AgentStore::create(&*store, agent, None).await.unwrap();
    }

    in_parallel(32, |task| {
        let store = Arc::clone(&store);
        async move {
            if task % 2 == 0 {
                assert_eq!(
                    AgentStore::list(&*store, &Visible::EVERYTHING)
                        .await
                        .unwrap()
                        .len(),
                    200
                );
            } else {
                for _ in 0..200 {
                    let found = SessionStore::find(&*store, &TokenHash::of("a")).await;
                    assert!(found.unwrap().is_some());
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_refuses_and_keeps_what_it_has_taken() {
    let scratch = Scratch::new();
    let mut config = SqliteConfig::new(scratch.path());
    config.queue = 1;
    let store = Arc::new(SqliteFile::open(config).unwrap());

    let created = in_parallel(64, |task| {
        let store = Arc::clone(&store);
        async move {
            let record = session(&task.to_string());
            SessionStore::create(&*store, record.clone())
                .await
                .map(|()| record)
        }
    })
    .await;

    for created in created {
        match created {
            Ok(record) => {
                let kept = SessionStore::find(&*store, &record.hash).await.unwrap();
                assert_eq!(kept, Some(record));
            }
            Err(err) => assert_eq!(err.kind(), ErrorKind::Unavailable),
        }
    }
}
