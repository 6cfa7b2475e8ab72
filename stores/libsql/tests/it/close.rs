use std::sync::Arc;

use ee_core::{ErrorKind, TokenHash, storage::SessionStore as _};

use crate::scratch::{Scratch, session};

#[tokio::test]
async fn closing_finishes_what_is_queued_and_leaves_one_file() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let creates: Vec<_> = (0..200)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.create(session(&number.to_string())).await })
        })
        .collect();
    tokio::task::yield_now().await;

    store.database().close().await;

    let mut kept = Vec::new();
    for (number, create) in creates.into_iter().enumerate() {
        match create.await.unwrap() {
            Ok(()) => kept.push(number),
            Err(err) => assert_eq!(err.kind(), ErrorKind::Unavailable),
        }
    }
    assert!(!kept.is_empty());
    let files = std::fs::read_dir(scratch.path().parent().unwrap()).unwrap();
    assert_eq!(files.count(), 1);
    let store = scratch.open();
    for number in kept {
        let hash = TokenHash::of(&number.to_string());
        assert!(store.find(&hash).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_closed_store_is_unavailable_and_closing_again_is_nothing() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.create(session("a")).await.unwrap();

    store.database().close().await;
    store.database().close().await;

    let hash = TokenHash::of("a");
    let refused = [
        store.find(&hash).await.map(|_| ()).unwrap_err(),
        store.delete(&hash).await.map(|_| ()).unwrap_err(),
        store.create(session("b")).await.unwrap_err(),
    ];
    assert!(
        refused
            .iter()
            .all(|err| err.kind() == ErrorKind::Unavailable)
    );
}

#[tokio::test]
async fn a_dropped_caller_leaves_a_whole_change_or_none() {
    let scratch = Scratch::new();
    let store = scratch.open();

    for number in 0..100 {
        let secret = number.to_string();
        let create = store.create(session(&secret));
        // Polled once at most: queued or not, and dropped before the answer.
        let _ = tokio::time::timeout(std::time::Duration::ZERO, create).await;
    }
    drop(store);

    let store = scratch.open();
    for number in 0..100 {
        let secret = number.to_string();
        let kept = store.find(&TokenHash::of(&secret)).await.unwrap();
        assert!(kept.is_none_or(|kept| kept == session(&secret)));
    }
    store.create(session("after")).await.unwrap();
}

#[tokio::test]
async fn dropping_the_store_keeps_everything_that_was_acknowledged() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.create(session("a")).await.unwrap();
    drop(store);

    let store = scratch.open();

    let kept = store.find(&TokenHash::of("a")).await.unwrap();
    assert_eq!(kept, Some(session("a")));
}
