//! Sessions that get another id and go on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ee_core::{
    ErrorKind, RolesMark,
    storage::{Cursor, PreviousHash, SessionRecord, SessionRenewal, SessionStore},
};

use super::{create, exists, full, hash, session};
use crate::{
    in_parallel,
    samples::{TICK, assert_kind, at, id},
};

/// A renewal at a second, which leaves the id before thirty more.
fn renewal(secret: &str, second: i64) -> SessionRenewal {
    SessionRenewal {
        at: at(second),
        hash: hash(secret),
        previous_until: at(second + 30),
        roles_mark: RolesMark::of(&[id("editor")]),
    }
}

async fn renew(store: &impl SessionStore, old: &str, new: &str, second: i64) -> bool {
    let renewal = renewal(new, second);
    store.renew(&hash(old), &renewal).await.unwrap()
}

async fn found(store: &impl SessionStore, secret: &str) -> Option<SessionRecord> {
    store.find(&hash(secret)).await.unwrap()
}

async fn count(store: &impl SessionStore) -> usize {
    store
        .list(None, &Cursor::first(99))
        .await
        .unwrap()
        .rows
        .len()
}

/// The session is found by both ids, is one session, and has kept its ends and everything else.
pub async fn renewing_changes_the_id_and_nothing_else(store: Arc<impl SessionStore>) {
    let mut record = full("a", "anna");
    create(&*store, &[record.clone(), session("other", "anna")]).await;

    assert!(renew(&*store, "a", "b", 60).await);

    record.hash = hash("b");
    record.previous = Some(PreviousHash {
        hash: hash("a"),
        until: at(90),
    });
    record.roles_mark = Some(RolesMark::of(&[id("editor")]));
    assert_eq!(found(&*store, "b").await.as_ref(), Some(&record));
    assert_eq!(found(&*store, "a").await.as_ref(), Some(&record));
    assert!(!exists(&*store, "before a").await);
    assert_eq!(count(&*store).await, 2);
    let other = found(&*store, "other").await;
    assert_eq!(other, Some(session("other", "anna")));
}

/// Many who renew the same session at once: one does, and there is one session afterwards.
pub async fn of_64_parallel_renewals_one_wins(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna")]).await;

    let done = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        async move {
            renew(&*store, "a", &number.to_string(), 60)
                .await
                .then_some(number)
        }
    })
    .await;

    let winners: Vec<_> = done.into_iter().flatten().collect();
    let kept = found(&*store, "a").await.unwrap();
    let names: Vec<_> = winners.iter().map(|it| hash(&it.to_string())).collect();
    assert_eq!(names, [kept.hash]);
    assert_eq!(store.delete_for_user(&id("anna"), None).await.unwrap(), 1);
}

/// While the id before is good the session gets no third one; afterwards it does, and the first is gone.
pub async fn the_id_before_is_not_cut_short(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna")]).await;
    assert!(renew(&*store, "a", "b", 60).await);

    for second in [60, 61, 89] {
        assert!(!renew(&*store, "b", "c", second).await);
    }
    let mut last = renewal("c", 90);
    last.at = at(90) - TICK;
    assert!(!store.renew(&hash("b"), &last).await.unwrap());
    assert!(exists(&*store, "a").await && !exists(&*store, "c").await);

    assert!(renew(&*store, "b", "c", 90).await);
    assert!(!exists(&*store, "a").await);
    assert_eq!(found(&*store, "b").await, found(&*store, "c").await);
}

/// Not one that is gone or over, not by the id before, and not to an id that is taken.
pub async fn only_a_session_that_runs_is_renewed_and_by_the_id_that_it_has(
    store: Arc<impl SessionStore>,
) {
    let mut over = session("absolute", "anna");
    over.absolute_until = at(60);
    create(
        &*store,
        &[session("a", "anna"), session("idle", "anna"), over],
    )
    .await;

    assert!(!renew(&*store, "unknown", "new", 60).await);
    assert!(!renew(&*store, "absolute", "new", 60).await);
    assert!(!renew(&*store, "idle", "new", 1_200).await);
    assert!(!exists(&*store, "new").await);
    let taken = store.renew(&hash("a"), &renewal("idle", 60)).await;
    assert_kind(taken, ErrorKind::Conflict);
    assert_eq!(found(&*store, "a").await, Some(session("a", "anna")));
    assert_eq!(found(&*store, "idle").await, Some(session("idle", "anna")));

    assert!(renew(&*store, "a", "b", 60).await);
    for second in [60, 90, 600] {
        assert!(!renew(&*store, "a", "thief", second).await);
    }
    assert!(!exists(&*store, "thief").await);
    assert_eq!(store.purge_expired(at(1_200)).await.unwrap(), 3);
    assert!(!exists(&*store, "a").await && !exists(&*store, "b").await);
}

/// Whichever of them is named, the same is used, kept and ended.
pub async fn two_ids_are_one_session(store: Arc<impl SessionStore>) {
    let user = id("anna");
    for round in 0..5 {
        create(&*store, &[session("a", "anna"), session("x", "anna")]).await;
        assert!(renew(&*store, "a", "b", 60).await);
        assert!(store.touch(&hash("a"), at(61), at(1_261)).await.unwrap());
        let used = found(&*store, "b").await.unwrap();
        assert_eq!((used.last_seen_at, used.idle_until), (at(61), at(1_261)));

        let ended = match round {
            0 => u64::from(store.delete(&hash("a")).await.unwrap()),
            1 => u64::from(store.delete(&hash("b")).await.unwrap()),
            2 => {
                let kept = Some(&hash("a"));
                assert_eq!(store.delete_for_user(&user, kept).await.unwrap(), 1);
                assert!(exists(&*store, "a").await && exists(&*store, "b").await);
                store.delete_for_user(&user, None).await.unwrap()
            }
            3 => {
                let kept = Some(&hash("b"));
                assert_eq!(store.delete_for_user(&user, kept).await.unwrap(), 1);
                assert!(exists(&*store, "a").await && exists(&*store, "b").await);
                store.delete_for_user(&user, None).await.unwrap()
            }
            _ => {
                assert_eq!(store.trim(&user, 2).await.unwrap(), 0);
                store.trim(&user, 0).await.unwrap() - 1
            }
        };

        assert_eq!(ended, 1, "round {round}");
        assert!(!exists(&*store, "a").await && !exists(&*store, "b").await);
        assert!(!store.delete(&hash("a")).await.unwrap());
        assert!(!store.touch(&hash("a"), at(61), at(1_261)).await.unwrap());
        assert!(!renew(&*store, "b", "c", 120).await);
        store.delete(&hash("x")).await.unwrap();
    }
}

/// A refresh leaves neither of the two.
pub async fn replacing_ends_the_id_before_as_well(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna")]).await;
    assert!(renew(&*store, "a", "b", 60).await);

    let new = session("c", "anna");
    assert!(!store.replace(&hash("a"), new.clone()).await.unwrap());
    assert!(store.replace(&hash("b"), new).await.unwrap());

    assert!(!exists(&*store, "a").await && !exists(&*store, "b").await);
    assert_eq!(count(&*store).await, 1);
}

/// Whoever ends it by the id that he knows has ended it, whether it gets another one before, meanwhile or afterwards.
pub async fn renewing_and_ending_at_once_leaves_no_session(store: Arc<impl SessionStore>) {
    for round in 0..20 {
        let old = format!("{round}");
        create(&*store, &[session(&old, "anna")]).await;

        in_parallel(8, |number| {
            let (store, old) = (Arc::clone(&store), old.clone());
            async move {
                if number == 4 {
                    assert!(store.delete(&hash(&old)).await.unwrap());
                } else {
                    renew(&*store, &old, &format!("{old}-{number}"), 60).await;
                }
            }
        })
        .await;

        assert_eq!(count(&*store).await, 0, "round {round}");
    }
}

/// A session that gets one id after the other slips by nobody who ends all of them.
pub async fn ending_all_of_a_user_ends_those_that_are_just_renewed(store: Arc<impl SessionStore>) {
    const DONE: usize = usize::MAX / 2;
    for round in 0..20 {
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
                for step in 0_usize.. {
                    tokio::task::yield_now().await;
                    let (old, new) = (
                        format!("{round}-{number}-{step}"),
                        format!("{round}-{number}-{}", step + 1),
                    );
                    let mut renewal = renewal(&new, 60);
                    // The next may follow at once.
                    renewal.previous_until = renewal.at;
                    let is_renewed = store.renew(&hash(&old), &renewal).await.unwrap();
                    if !is_renewed || begun.fetch_add(1, Ordering::Relaxed) >= DONE {
                        return;
                    }
                }
            }
        })
        .await;

        assert_eq!(count(&*store).await, 0, "round {round}");
    }
}
