//! Cases for a [`ThrottleStore`].

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ee_core::storage::{Attempts, ThrottleStore};
use jiff::Timestamp;

use crate::{
    in_parallel,
    samples::{TICK, at, hard_texts, hard_times},
};

/// Makes the tests of a [`ThrottleStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! throttle_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(throttle_store, $setup =>
            the_first_attempt_opens_a_window,
            attempts_are_counted_within_the_window_and_in_a_row,
            a_window_ends_to_the_microsecond,
            a_window_of_any_length_works,
            a_clock_that_goes_back_stays_in_the_window,
            keys_are_counted_apart,
            clearing_forgets_everything_of_one_key,
            of_64_parallel_attempts_each_gets_another_count,
            purging_takes_what_was_idle_and_nothing_else,
            a_long_history_is_what_the_attempts_say,
            keys_of_every_spelling_are_kept_apart,
            times_survive_to_the_microsecond,
        );
    };
}

const MINUTE: Duration = Duration::from_mins(1);

async fn count(store: &impl ThrottleStore, key: &str, now: Timestamp) -> Attempts {
    let attempts = store.count(key, now, MINUTE).await.unwrap();
    assert_eq!(store.peek(key).await.unwrap(), Some(attempts));
    attempts
}

/// The numbers of what was counted: within the window, and in a row.
async fn counts(store: &impl ThrottleStore, key: &str, now: Timestamp) -> (u32, u32) {
    let attempts = count(store, key, now).await;
    (attempts.in_window, attempts.in_row)
}

/// Before that there is nothing.
pub async fn the_first_attempt_opens_a_window(store: Arc<impl ThrottleStore>) {
    assert_eq!(store.peek("a").await.unwrap(), None);

    assert_eq!(count(&*store, "a", at(0)).await, Attempts::first(at(0)));

    assert_eq!(store.peek("b").await.unwrap(), None);
}

/// A new window begins anew to count; what is in a row goes on.
pub async fn attempts_are_counted_within_the_window_and_in_a_row(store: Arc<impl ThrottleStore>) {
    for (second, expected) in [
        (0, (1, 1)),
        (10, (2, 2)),
        (59, (3, 3)),
        // The window is not moved by what is counted in it.
        (61, (1, 4)),
        (120, (2, 5)),
        (121, (1, 6)),
        (9_999, (1, 7)),
    ] {
        let counted = counts(&*store, "a", at(second)).await;
        assert_eq!(counted, expected, "after {second} s");
    }
    let attempts = store.peek("a").await.unwrap().unwrap();
    assert_eq!(attempts.last_at, at(9_999));
    assert_eq!(attempts.window_from, at(9_999));
}

/// A window of a minute ends a minute after it began, and not a microsecond earlier.
pub async fn a_window_ends_to_the_microsecond(store: Arc<impl ThrottleStore>) {
    for (key, end, expected) in [
        ("-", at(60) - TICK, 2),
        ("0", at(60), 1),
        ("+", at(60) + TICK, 1),
    ] {
        count(&*store, key, at(0)).await;
        assert_eq!(counts(&*store, key, end).await, (expected, 2), "{key}");
    }
}

/// From none at all to one that outlasts everything.
pub async fn a_window_of_any_length_works(store: Arc<impl ThrottleStore>) {
    for (key, window, in_window) in [
        ("none", Duration::ZERO, 1),
        ("short", Duration::from_micros(1), 1),
        ("between two microseconds", Duration::from_nanos(1_001), 2),
        ("long", Duration::from_hours(999_999), 2),
        ("endless", Duration::MAX, 2),
    ] {
        store.count(key, at(0), window).await.unwrap();
        let attempts = store.count(key, at(0) + TICK, window).await.unwrap();
        assert_eq!(
            (attempts.in_window, attempts.in_row),
            (in_window, 2),
            "{key}"
        );
    }
}

/// An earlier moment opens no window.
pub async fn a_clock_that_goes_back_stays_in_the_window(store: Arc<impl ThrottleStore>) {
    count(&*store, "a", at(0)).await;

    let attempts = count(&*store, "a", at(-500)).await;

    assert_eq!((attempts.in_window, attempts.in_row), (2, 2));
    assert_eq!((attempts.window_from, attempts.last_at), (at(0), at(-500)));
}

/// One key's attempts are not another one's.
pub async fn keys_are_counted_apart(store: Arc<impl ThrottleStore>) {
    for number in 1..5 {
        for key in ["account:anna", "address:192.0.2.1", "account:Anna"] {
            assert_eq!(counts(&*store, key, at(0)).await, (number, number));
        }
    }
}

/// A cleared key begins anew, and others stay.
pub async fn clearing_forgets_everything_of_one_key(store: Arc<impl ThrottleStore>) {
    for key in ["a", "b", "a", "b"] {
        count(&*store, key, at(0)).await;
    }

    store.clear("a").await.unwrap();
    store.clear("nothing").await.unwrap();

    assert_eq!(store.peek("a").await.unwrap(), None);
    assert_eq!(counts(&*store, "a", at(1)).await, (1, 1));
    assert_eq!(counts(&*store, "b", at(1)).await, (3, 3));
}

/// Nobody's attempt is lost, and nobody is told somebody else's number.
pub async fn of_64_parallel_attempts_each_gets_another_count(store: Arc<impl ThrottleStore>) {
    for round in 0..10 {
        let key = format!("key-{round}");
        let counted = in_parallel(64, |_| {
            let (store, key) = (Arc::clone(&store), key.clone());
            async move { store.count(&key, at(0), MINUTE).await.unwrap() }
        })
        .await;

        let numbers: BTreeSet<_> = counted.iter().map(|it| it.in_window).collect();
        assert_eq!(numbers, (1..=64).collect());
        assert!(counted.iter().all(|it| it.in_row == it.in_window));
        let last = store.peek(&key).await.unwrap().unwrap();
        assert_eq!((last.in_window, last.in_row), (64, 64));
    }
}

/// A key under which something was counted since then stays.
pub async fn purging_takes_what_was_idle_and_nothing_else(store: Arc<impl ThrottleStore>) {
    for (key, last) in [("-", at(5) - TICK), ("0", at(5)), ("+", at(5) + TICK)] {
        count(&*store, key, at(0)).await;
        count(&*store, key, last).await;
    }

    assert_eq!(store.purge_idle(at(5)).await.unwrap(), 1);

    assert_eq!(store.peek("-").await.unwrap(), None);
    assert_eq!(counts(&*store, "0", at(5)).await, (3, 3));
    assert_eq!(counts(&*store, "+", at(5)).await, (3, 3));
    assert_eq!(store.purge_idle(at(5)).await.unwrap(), 0);
}

/// Step by step, the store says what [`Attempts::and_one`] says.
pub async fn a_long_history_is_what_the_attempts_say(store: Arc<impl ThrottleStore>) {
    let mut expected: Option<Attempts> = None;
    for step in 0..120_i64 {
        let now = at(step * step * 7_919 % 4_001) + TICK * i32::try_from(step).unwrap();
        let window = Duration::from_millis(u64::try_from(step * 7_907 % 90_001).unwrap());
        let next = expected.map_or(Attempts::first(now), |it| it.and_one(now, window));

        let counted = store.count("a", now, window).await.unwrap();

        assert_eq!(counted, next, "step {step}");
        expected = Some(next);
    }
}

/// A key is compared byte for byte and never read as a pattern.
pub async fn keys_of_every_spelling_are_kept_apart(store: Arc<impl ThrottleStore>) {
    // An index need not take 100 KB.
    let texts = hard_texts().into_iter().filter(|text| text.len() < 1_000);
    let keys: Vec<_> = texts
        .chain(["%", "_", "a", "A", "å"].map(str::to_owned))
        .collect();
    for key in &keys {
        count(&*store, key, at(0)).await;
    }

    for key in &keys {
        assert_eq!(counts(&*store, key, at(0)).await, (2, 2), "{key:?}");
        store.clear(key).await.unwrap();
        assert_eq!(store.peek(key).await.unwrap(), None, "{key:?}");
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl ThrottleStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let key = format!("key-{number}");
        count(&*store, &key, time).await;

        let attempts = count(&*store, &key, time + TICK).await;

        assert_eq!(
            (attempts.window_from, attempts.last_at),
            (time, time + TICK)
        );
    }
}
