//! Sessions in the place of others.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ee_core::{
    ErrorKind,
    storage::{Cursor, SessionStore},
};

use super::{create, exists, full, hash, session};
use crate::{
    in_parallel,
    samples::{assert_kind, id},
};

/// The new session is there as it was given and the old one is gone; a gone one is not replaced, and a taken hash
/// changes nothing.
pub async fn replacing_ends_the_old_and_begins_the_new(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna"), session("taken", "anna")]).await;

    let refused = store.replace(&hash("a"), session("taken", "anna")).await;
    assert_kind(refused, ErrorKind::Conflict);
    assert!(exists(&*store, "a").await);

    assert!(store.replace(&hash("a"), full("b", "anna")).await.unwrap());
    assert!(!exists(&*store, "a").await);
    assert_eq!(
        store.find(&hash("b")).await.unwrap(),
        Some(full("b", "anna"))
    );
    assert!(
        !store
            .replace(&hash("a"), session("c", "anna"))
            .await
            .unwrap()
    );
    assert!(!exists(&*store, "c").await);
}

/// Many who replace the same session at once: one does, and one new session is left.
pub async fn of_64_parallel_replacements_one_wins(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna")]).await;

    let done = in_parallel(64, |number| {
        let (store, new) = (Arc::clone(&store), session(&number.to_string(), "anna"));
        async move { store.replace(&hash("a"), new).await.unwrap() }
    })
    .await;

    assert_eq!(done.into_iter().filter(|done| *done).count(), 1);
    assert_eq!(store.delete_for_user(&id("anna"), None).await.unwrap(), 1);
}

/// What follows from the one step that a replacement is.
pub async fn a_session_may_take_its_own_place(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna")]).await;

    assert!(store.replace(&hash("a"), full("a", "anna")).await.unwrap());

    let kept = store.find(&hash("a")).await.unwrap();
    assert_eq!(kept, Some(full("a", "anna")));
    let missing = store.replace(&hash("b"), session("b", "anna")).await;
    assert!(!missing.unwrap());
}

/// A session that gets one new id after the other slips by nobody who ends all of them.
pub async fn ending_all_of_a_user_ends_those_that_are_just_replaced(store: Arc<impl SessionStore>) {
    const DONE: usize = usize::MAX / 2;
    for round in 0..40 {
        let begun = Arc::new(AtomicUsize::new(0));
        for number in 1..16 {
            create(&*store, &[session(&format!("{round}-{number}-0"), "anna")]).await;
        }

        in_parallel(16, |number| {
            let (store, begun) = (Arc::clone(&store), Arc::clone(&begun));
            async move {
                if number == 0 {
                    while begun.load(Ordering::Relaxed) < 30 {
                        tokio::task::yield_now().await;
                    }
                    store.delete_for_user(&id("anna"), None).await.unwrap();
                    begun.store(DONE, Ordering::Relaxed);
                    return;
                }
                let mut last = session(&format!("{round}-{number}-0"), "anna");
                for step in 1.. {
                    tokio::task::yield_now().await;
                    let new = session(&format!("{round}-{number}-{step}"), "anna");
                    let is_replaced = store.replace(&last.hash, new.clone()).await.unwrap();
                    if !is_replaced || begun.fetch_add(1, Ordering::Relaxed) >= DONE {
                        return;
                    }
                    last = new;
                }
            }
        })
        .await;

        let left = store.list(None, &Cursor::first(9)).await.unwrap().rows;
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
}
