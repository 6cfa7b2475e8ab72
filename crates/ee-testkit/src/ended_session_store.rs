//! Cases for an [`EndedSessionStore`].

use std::sync::Arc;

use ee_core::{TokenHash, storage::EndedSessionStore};

use crate::{
    in_parallel,
    samples::{TICK, at},
};

/// Makes the tests of an [`EndedSessionStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! ended_session_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(ended_session_store, $setup =>
            an_ended_session_is_known_and_no_other,
            ending_twice_is_the_same_as_once,
            ending_again_never_shortens_the_memory,
            one_of_64_parallel_ends_is_the_first,
            purging_forgets_at_the_boundary_and_nothing_else,
        );
    };
}

fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

/// What was ended is ended; what was not is not.
pub async fn an_ended_session_is_known_and_no_other(store: Arc<impl EndedSessionStore>) {
    assert!(!store.is_ended(&hash("a")).await.unwrap());

    store.end(&hash("a"), at(5)).await.unwrap();

    assert!(store.is_ended(&hash("a")).await.unwrap());
    assert!(!store.is_ended(&hash("b")).await.unwrap());
}

/// The second end is no error and no second row.
pub async fn ending_twice_is_the_same_as_once(store: Arc<impl EndedSessionStore>) {
    store.end(&hash("a"), at(5)).await.unwrap();
    store.end(&hash("a"), at(5)).await.unwrap();

    assert!(store.is_ended(&hash("a")).await.unwrap());
    assert_eq!(store.purge_ended(at(5)).await.unwrap(), 1);
    assert!(!store.is_ended(&hash("a")).await.unwrap());
}

/// Of two ends the one that is remembered longer counts: a session is never revived early.
pub async fn ending_again_never_shortens_the_memory(store: Arc<impl EndedSessionStore>) {
    store.end(&hash("a"), at(50)).await.unwrap();
    store.end(&hash("a"), at(5)).await.unwrap();
    store.end(&hash("b"), at(5)).await.unwrap();
    store.end(&hash("b"), at(50)).await.unwrap();

    assert_eq!(store.purge_ended(at(49)).await.unwrap(), 0);

    assert!(store.is_ended(&hash("a")).await.unwrap());
    assert!(store.is_ended(&hash("b")).await.unwrap());
}

/// Signing out in 64 windows at once works in each.
pub async fn one_of_64_parallel_ends_is_the_first(store: Arc<impl EndedSessionStore>) {
    let ended = in_parallel(64, |_| {
        let store = Arc::clone(&store);
        async move { store.end(&hash("a"), at(5)).await.unwrap() }
    })
    .await;

    assert_eq!(ended.into_iter().filter(|is_first| *is_first).count(), 1);
    assert_eq!(store.purge_ended(at(5)).await.unwrap(), 1);
}

/// What lasts until now is forgotten; what lasts a microsecond longer is not.
pub async fn purging_forgets_at_the_boundary_and_nothing_else(store: Arc<impl EndedSessionStore>) {
    store.end(&hash("-"), at(5) - TICK).await.unwrap();
    store.end(&hash("0"), at(5)).await.unwrap();
    store.end(&hash("+"), at(5) + TICK).await.unwrap();

    assert_eq!(store.purge_ended(at(5)).await.unwrap(), 2);

    assert!(!store.is_ended(&hash("-")).await.unwrap());
    assert!(!store.is_ended(&hash("0")).await.unwrap());
    assert!(store.is_ended(&hash("+")).await.unwrap());
    assert_eq!(store.purge_ended(at(5)).await.unwrap(), 0);
}
