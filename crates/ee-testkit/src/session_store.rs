//! Cases for a [`SessionStore`].

mod renewing;
mod replacing;

use std::sync::Arc;

use ee_core::{
    ErrorKind, RolesMark, TokenHash, UserId,
    storage::{Cursor, PreviousHash, SessionRecord, SessionStore},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    in_parallel,
    samples::{TICK, assert_kind, at, hard_ids, hard_metadata, hard_times, id},
};

pub use self::renewing::{
    ending_all_of_a_user_ends_those_that_are_just_renewed, of_64_parallel_renewals_one_wins,
    only_a_session_that_runs_is_renewed_and_by_the_id_that_it_has,
    renewing_and_ending_at_once_leaves_no_session, renewing_changes_the_id_and_nothing_else,
    replacing_ends_the_id_before_as_well, the_id_before_is_not_cut_short, two_ids_are_one_session,
};
pub use self::replacing::{
    a_session_may_take_its_own_place, ending_all_of_a_user_ends_those_that_are_just_replaced,
    of_64_parallel_replacements_one_wins, replacing_ends_the_old_and_begins_the_new,
};

/// Makes the tests of a [`SessionStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! session_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(session_store, $setup =>
            a_created_session_is_found_as_it_was,
            an_unknown_session_is_not_found,
            creating_a_taken_hash_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            touching_moves_both_times_and_nothing_else,
            touching_a_deleted_session_creates_nothing,
            deleting_is_final,
            of_64_parallel_deletes_one_finds_it,
            deleting_for_a_user_ends_all_of_his_and_nobody_elses,
            deleting_for_a_user_can_keep_one,
            of_many_sessions_the_newest_are_kept,
            replacing_ends_the_old_and_begins_the_new,
            of_64_parallel_replacements_one_wins,
            a_session_may_take_its_own_place,
            ending_all_of_a_user_ends_those_that_are_just_replaced,
            renewing_changes_the_id_and_nothing_else,
            of_64_parallel_renewals_one_wins,
            the_id_before_is_not_cut_short,
            only_a_session_that_runs_is_renewed_and_by_the_id_that_it_has,
            two_ids_are_one_session,
            replacing_ends_the_id_before_as_well,
            renewing_and_ending_at_once_leaves_no_session,
            ending_all_of_a_user_ends_those_that_are_just_renewed,
            a_list_goes_through_all_of_them_once,
            an_expired_session_is_found_until_it_is_purged,
            purging_takes_what_is_over_at_the_boundary_and_nothing_else,
            the_earlier_end_of_idle_and_absolute_decides,
            touching_and_deleting_at_once_leaves_no_session,
            users_of_every_spelling_are_kept_apart,
            metadata_survives,
            times_survive_to_the_microsecond,
        );
    };
}

fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

fn session(secret: &str, user: &str) -> SessionRecord {
    SessionRecord::new(hash(secret), id(user), at(0), at(1_200), at(43_200))
}

/// A session of which every field is set.
fn full(secret: &str, user: &str) -> SessionRecord {
    let mut record = session(secret, user);
    record.address = Some("2001:db8::1".parse().unwrap());
    record.authenticated_at = at(7);
    record.credential_version = 3;
    record.device = Some("Firefox on Linux".to_owned());
    record.is_remembered = true;
    record.last_seen_at = at(9);
    record.metadata = hard_metadata();
    record.previous = Some(PreviousHash {
        hash: hash(&format!("before {secret}")),
        until: at(3),
    });
    record.roles_mark = Some(RolesMark::of(&[id("viewer")]));
    record
}

async fn create(store: &impl SessionStore, records: &[SessionRecord]) {
    for record in records {
        store.create(record.clone()).await.unwrap();
    }
}

async fn exists(store: &impl SessionStore, secret: &str) -> bool {
    store.find(&hash(secret)).await.unwrap().is_some()
}

/// What was created comes back equal.
pub async fn a_created_session_is_found_as_it_was(store: Arc<impl SessionStore>) {
    let record = full("a", "anna");

    create(&*store, &[record.clone(), session("b", "anna")]).await;

    assert_eq!(store.find(&hash("a")).await.unwrap(), Some(record));
}

/// A hash that nobody has created finds nothing, and every change of it says so.
pub async fn an_unknown_session_is_not_found(store: Arc<impl SessionStore>) {
    assert!(!exists(&*store, "a").await);
    assert!(!store.touch(&hash("a"), at(1), at(2)).await.unwrap());
    assert!(!store.delete(&hash("a")).await.unwrap());
    assert_eq!(store.delete_for_user(&id("anna"), None).await.unwrap(), 0);
    assert_eq!(store.purge_expired(at(0)).await.unwrap(), 0);
}

/// The second create of a hash fails and the first one stays as it was.
pub async fn creating_a_taken_hash_is_a_conflict_and_overwrites_nothing(
    store: Arc<impl SessionStore>,
) {
    let first = session("a", "anna");
    create(&*store, std::slice::from_ref(&first)).await;

    let second = store.create(session("a", "mallory")).await;

    assert_kind(second, ErrorKind::Conflict);
    assert_eq!(store.find(&hash("a")).await.unwrap(), Some(first));
    assert_eq!(
        store.delete_for_user(&id("mallory"), None).await.unwrap(),
        0
    );
}

/// Many who create the same hash at once: one succeeds, and his session is the one kept.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl SessionStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let user = format!("user-{number}");
        async move { store.create(session("a", &user)).await.map(|()| user) }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().collect();
    let kept = store.find(&hash("a")).await.unwrap().unwrap();
    assert_eq!(winners, [kept.user_id.as_str()]);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// A touch changes when the session was seen and when it ends.
pub async fn touching_moves_both_times_and_nothing_else(store: Arc<impl SessionStore>) {
    let mut record = session("a", "anna");
    create(&*store, &[record.clone(), session("b", "anna")]).await;

    assert!(store.touch(&hash("a"), at(60), at(1_260)).await.unwrap());

    record.last_seen_at = at(60);
    record.idle_until = at(1_260);
    assert_eq!(store.find(&hash("a")).await.unwrap(), Some(record));
    let other = store.find(&hash("b")).await.unwrap();
    assert_eq!(other, Some(session("b", "anna")));
}

/// A touch never brings a session back.
pub async fn touching_a_deleted_session_creates_nothing(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna")]).await;
    store.delete(&hash("a")).await.unwrap();

    assert!(!store.touch(&hash("a"), at(60), at(1_260)).await.unwrap());
    assert!(!exists(&*store, "a").await);
}

/// A deleted session is gone at once, and deleting again says so.
pub async fn deleting_is_final(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna"), session("b", "anna")]).await;

    assert!(store.delete(&hash("a")).await.unwrap());

    assert!(!exists(&*store, "a").await);
    assert!(!store.delete(&hash("a")).await.unwrap());
    assert!(exists(&*store, "b").await);
}

/// Many who delete the same session at once: one is told that there was one.
pub async fn of_64_parallel_deletes_one_finds_it(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna")]).await;

    let found = in_parallel(64, |_| {
        let store = Arc::clone(&store);
        async move { store.delete(&hash("a")).await.unwrap() }
    })
    .await;

    assert_eq!(found.into_iter().filter(|found| *found).count(), 1);
}

/// All sessions of a user end, and the number is told.
pub async fn deleting_for_a_user_ends_all_of_his_and_nobody_elses(store: Arc<impl SessionStore>) {
    let mut records = vec![session("other", "anna2"), session("case", "Anna")];
    for number in 0..40 {
        records.push(session(&number.to_string(), "anna"));
    }
    create(&*store, &records).await;

    assert_eq!(store.delete_for_user(&id("anna"), None).await.unwrap(), 40);

    assert!(!exists(&*store, "0").await && !exists(&*store, "39").await);
    assert!(exists(&*store, "other").await && exists(&*store, "case").await);
    assert_eq!(store.delete_for_user(&id("anna"), None).await.unwrap(), 0);
}

/// The session that asks stays.
pub async fn deleting_for_a_user_can_keep_one(store: Arc<impl SessionStore>) {
    create(&*store, &[session("a", "anna"), session("b", "anna")]).await;
    create(&*store, &[session("c", "anna"), session("d", "ben")]).await;

    let ended = store
        .delete_for_user(&id("anna"), Some(&hash("b")))
        .await
        .unwrap();

    assert_eq!(ended, 2);
    assert!(exists(&*store, "b").await && exists(&*store, "d").await);
    assert!(!exists(&*store, "a").await && !exists(&*store, "c").await);
}

/// The oldest go first, and nobody else's.
pub async fn of_many_sessions_the_newest_are_kept(store: Arc<impl SessionStore>) {
    for number in 0..10 {
        let mut record = session(&number.to_string(), "anna");
        record.created_at = at(100 - number);
        create(&*store, &[record]).await;
    }
    create(&*store, &[session("other", "ben")]).await;

    assert_eq!(store.trim(&id("anna"), 3).await.unwrap(), 7);

    for number in 0..10 {
        assert_eq!(exists(&*store, &number.to_string()).await, number < 3);
    }
    assert_eq!(store.trim(&id("anna"), 3).await.unwrap(), 0);
    assert!(exists(&*store, "other").await);
}

/// Part by part, all sessions are listed once, of one user or of all; a place of another list is refused.
pub async fn a_list_goes_through_all_of_them_once(store: Arc<impl SessionStore>) {
    for number in 0..25 {
        let user = if number % 5 == 0 { "ben" } else { "anna" };
        create(&*store, &[full(&number.to_string(), user)]).await;
    }

    for (user, count) in [
        (None, 25),
        (Some("anna"), 20),
        (Some("ben"), 5),
        (Some("x"), 0),
    ] {
        let user = user.map(id::<UserId>);
        let (mut seen, mut cursor) = (Vec::new(), Cursor::first(7));
        loop {
            let part = store.list(user.as_ref(), &cursor).await.unwrap();
            assert!(part.rows.len() <= 7);
            seen.extend(part.rows);
            cursor.after = part.next;
            if cursor.after.is_none() {
                break;
            }
        }
        assert!(seen.is_sorted_by_key(|record| *record.hash.as_bytes()));
        assert_eq!(seen.len(), count);
    }
    let mut cursor = Cursor::first(7);
    cursor.after = Some("nonsense".to_owned());
    assert_kind(store.list(None, &cursor).await, ErrorKind::Invalid);
}

/// Whether a session has expired is the caller's question: the store forgets on request only.
pub async fn an_expired_session_is_found_until_it_is_purged(store: Arc<impl SessionStore>) {
    let mut record = session("a", "anna");
    record.idle_until = Timestamp::UNIX_EPOCH;
    create(&*store, std::slice::from_ref(&record)).await;

    assert_eq!(store.find(&hash("a")).await.unwrap(), Some(record));
    assert_eq!(store.purge_expired(at(0)).await.unwrap(), 1);
    assert!(!exists(&*store, "a").await);
}

/// A session that ends now is over; one that ends a microsecond later is not.
pub async fn purging_takes_what_is_over_at_the_boundary_and_nothing_else(
    store: Arc<impl SessionStore>,
) {
    for (secret, end) in [("-", at(5) - TICK), ("0", at(5)), ("+", at(5) + TICK)] {
        let mut record = session(secret, "anna");
        record.idle_until = end;
        create(&*store, &[record]).await;
    }

    assert_eq!(store.purge_expired(at(5)).await.unwrap(), 2);

    assert!(!exists(&*store, "-").await && !exists(&*store, "0").await);
    assert!(exists(&*store, "+").await);
    assert_eq!(store.purge_expired(at(5)).await.unwrap(), 0);
}

/// Use does not carry a session beyond its absolute end.
pub async fn the_earlier_end_of_idle_and_absolute_decides(store: Arc<impl SessionStore>) {
    let mut record = session("a", "anna");
    record.absolute_until = at(100);
    create(&*store, &[record, session("b", "anna")]).await;
    store.touch(&hash("a"), at(90), at(9_000)).await.unwrap();

    assert_eq!(store.purge_expired(at(99)).await.unwrap(), 0);
    assert_eq!(store.purge_expired(at(100)).await.unwrap(), 1);

    assert!(!exists(&*store, "a").await);
    assert!(exists(&*store, "b").await);
}

/// However touches and a delete interleave, the session is gone in the end.
pub async fn touching_and_deleting_at_once_leaves_no_session(store: Arc<impl SessionStore>) {
    for round in 0..8_u32 {
        let secret = round.to_string();
        create(&*store, &[session(&secret, "anna")]).await;

        in_parallel(16, |number| {
            let (store, hash) = (Arc::clone(&store), hash(&secret));
            async move {
                if number == 7 {
                    assert!(store.delete(&hash).await.unwrap());
                } else {
                    store.touch(&hash, at(60), at(1_260)).await.unwrap();
                }
            }
        })
        .await;

        assert!(!exists(&*store, &secret).await);
    }
}

/// A user's id is compared byte for byte and never read as a pattern.
pub async fn users_of_every_spelling_are_kept_apart(store: Arc<impl SessionStore>) {
    let mut users = hard_ids::<UserId>();
    users.extend(["%", "_", "a", "A", "a ", "å", "a\u{30a}"].map(id::<UserId>));
    for (number, user) in users.iter().enumerate() {
        create(&*store, &[session(&number.to_string(), user.as_str())]).await;
    }

    for (number, user) in users.iter().enumerate() {
        let kept = store.find(&hash(&number.to_string())).await.unwrap();
        assert_eq!(kept.unwrap().user_id, *user);
        assert_eq!(
            store.delete_for_user(user, None).await.unwrap(),
            1,
            "{user}"
        );
    }
}

/// What the provider keeps beside a session comes back equal.
pub async fn metadata_survives(store: Arc<impl SessionStore>) {
    let mut record = session("a", "anna");
    record.metadata = hard_metadata();
    create(&*store, std::slice::from_ref(&record)).await;
    store.touch(&hash("a"), at(0), at(1_200)).await.unwrap();

    assert_eq!(store.find(&hash("a")).await.unwrap(), Some(record));
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl SessionStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let secret = number.to_string();
        let mut record = session(&secret, "anna");
        record.created_at = time;
        record.last_seen_at = time + TICK;
        record.idle_until = time + SignedDuration::from_millis(1);
        record.absolute_until = time + SignedDuration::from_hours(1) + TICK;
        create(&*store, std::slice::from_ref(&record)).await;

        assert_eq!(store.find(&hash(&secret)).await.unwrap(), Some(record));
    }
}
