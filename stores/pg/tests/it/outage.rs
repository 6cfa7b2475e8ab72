//! A server that is stopped, or stands still.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ee_core::{
    Error, ErrorKind, TokenHash,
    storage::{Page, RunFilter, RunStore, SessionRecord, SessionStore},
};
use ee_store_pg::PgStore;
use ee_testkit::{PgCluster, in_parallel};
use tokio::{sync::watch, time::timeout};

use crate::scratch::{open, session};

async fn find(store: &PgStore, secret: &str) -> Result<Option<SessionRecord>, Error> {
    SessionStore::find(store, &TokenHash::of(secret)).await
}

/// One call of each kind at once, many times: all are refused within two seconds.
async fn assert_unavailable_within_two_seconds(store: &Arc<PgStore>) {
    let slowest = in_parallel(40, |number| {
        let store = Arc::clone(store);
        async move {
            let start = Instant::now();
            let hash = TokenHash::of("kept");
            let error = match number % 4 {
                0 => SessionStore::find(&*store, &hash).await.map(drop),
                1 => {
                    let page = Page::new(1, 10).unwrap();
                    RunStore::list(&*store, &RunFilter::default(), page)
                        .await
                        .map(drop)
                }
                2 => SessionStore::create(&*store, session(&number.to_string())).await,
                _ => store.replace(&hash, session("new")).await.map(drop),
            };
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
            start.elapsed()
        }
    })
    .await
    .into_iter()
    .max()
    .unwrap();

    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

/// Reads and changes work again within five seconds.
async fn assert_back_within_five_seconds(store: &PgStore) {
    let back = async {
        while find(store, "kept").await.is_err() {}
        while SessionStore::delete(store, &TokenHash::of("none"))
            .await
            .is_err()
        {}
    };
    timeout(Duration::from_secs(5), back).await.unwrap();
    let kept = find(store, "kept").await.unwrap();
    assert_eq!(kept, Some(session("kept")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stopped_server_is_unavailable_at_once_and_used_again_when_it_is_back() {
    let cluster = PgCluster::private();
    let store = open(&cluster.url("postgres")).await;
    SessionStore::create(&*store, session("kept"))
        .await
        .unwrap();

    for _ in 0..3 {
        cluster.stop();
        assert_unavailable_within_two_seconds(&store).await;
        assert_unavailable_within_two_seconds(&store).await;

        cluster.start();
        assert_back_within_five_seconds(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_stands_still_is_unavailable_within_two_seconds() {
    let cluster = PgCluster::private();
    let store = open(&cluster.url("postgres")).await;
    SessionStore::create(&*store, session("kept"))
        .await
        .unwrap();

    cluster.pause();
    assert_unavailable_within_two_seconds(&store).await;
    assert_unavailable_within_two_seconds(&store).await;
    cluster.resume();

    assert_back_within_five_seconds(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_stops_in_the_middle_of_a_change_keeps_it_whole() {
    let cluster = PgCluster::private();
    let store = open(&cluster.url("postgres")).await;
    SessionStore::create(&*store, session("kept"))
        .await
        .unwrap();
    SessionStore::create(&*store, session("0")).await.unwrap();
    let (steps, mut seen) = watch::channel(0);
    let replaces = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            loop {
                let step = *steps.borrow();
                let (old, new) = (step.to_string(), (step + 1).to_string());
                let replaced = store.replace(&TokenHash::of(&old), session(&new)).await;
                if replaced.is_err() {
                    return step;
                }
                steps.send_replace(step + 1);
            }
        })
    };
    seen.wait_for(|step| *step > 20).await.unwrap();

    cluster.stop();
    let last = replaces.await.unwrap();
    cluster.start();

    assert_back_within_five_seconds(&store).await;
    let found = |step: u32| {
        let store = Arc::clone(&store);
        async move { find(&store, &step.to_string()).await.unwrap().is_some() }
    };
    assert!(found(last).await != found(last + 1).await);
    assert!(!found(last - 1).await);
}
