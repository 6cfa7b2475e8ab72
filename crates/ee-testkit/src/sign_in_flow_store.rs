//! Cases for a [`SignInFlowStore`].

use std::sync::Arc;

use ee_core::{
    ErrorKind, TokenHash,
    storage::{SignInFlow, SignInFlowStore},
};

use crate::{
    in_parallel,
    samples::{TICK, assert_kind, at, hard_texts, hard_times},
};

/// Makes the tests of a [`SignInFlowStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! sign_in_flow_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(sign_in_flow_store, $setup =>
            a_flow_is_taken_once_and_as_it_was,
            an_unknown_flow_is_not_taken,
            of_64_parallel_takers_one_gets_it,
            creating_a_taken_state_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            a_flow_that_is_over_is_still_taken_until_it_is_purged,
            purging_takes_what_is_over_at_the_boundary_and_nothing_else,
            texts_survive_byte_for_byte,
            times_survive_to_the_microsecond,
        );
    };
}

fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

fn flow(state: &str) -> SignInFlow {
    let mut flow = SignInFlow::new(hash(state), hash("browser"), at(600));
    flow.nonce = format!("nonce of {state}");
    flow.pkce_verifier = format!("verifier of {state}");
    flow.redirect_uri = "https://app.example/api/auth/sso/callback".into();
    flow.return_to = "/agents?page=2".into();
    flow
}

/// The flow comes back equal, and only the first time.
pub async fn a_flow_is_taken_once_and_as_it_was(store: Arc<impl SignInFlowStore>) {
    store.create(flow("a")).await.unwrap();
    store.create(flow("b")).await.unwrap();

    assert!(store.take(&hash("a")).await.unwrap() == Some(flow("a")));
    assert!(store.take(&hash("a")).await.unwrap().is_none());
    assert!(store.take(&hash("b")).await.unwrap() == Some(flow("b")));
}

/// A state that nobody has created yields nothing.
pub async fn an_unknown_flow_is_not_taken(store: Arc<impl SignInFlowStore>) {
    store.create(flow("a")).await.unwrap();

    assert!(store.take(&hash("b")).await.unwrap().is_none());
    assert!(store.take(&hash("browser")).await.unwrap().is_none());
}

/// A callback that arrives 64 times at once signs in once.
pub async fn of_64_parallel_takers_one_gets_it(store: Arc<impl SignInFlowStore>) {
    for round in 0..4_u32 {
        let state = round.to_string();
        store.create(flow(&state)).await.unwrap();

        let taken = in_parallel(64, |_| {
            let (store, hash) = (Arc::clone(&store), hash(&state));
            async move { store.take(&hash).await.unwrap() }
        })
        .await;

        let taken: Vec<_> = taken.into_iter().flatten().collect();
        assert!(taken == [flow(&state)], "{} got it", taken.len());
    }
}

/// The second create of a state fails and the first one stays as it was.
pub async fn creating_a_taken_state_is_a_conflict_and_overwrites_nothing(
    store: Arc<impl SignInFlowStore>,
) {
    store.create(flow("a")).await.unwrap();
    let mut other = flow("a");
    other.return_to = "/elsewhere".into();

    assert_kind(store.create(other).await, ErrorKind::Conflict);
    assert!(store.take(&hash("a")).await.unwrap() == Some(flow("a")));
}

/// Many who create the same state at once: one succeeds.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl SignInFlowStore>) {
    let won = in_parallel(64, |_| {
        let store = Arc::clone(&store);
        async move { store.create(flow("a")).await }
    })
    .await;

    assert_eq!(won.iter().filter(|won| won.is_ok()).count(), 1);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// Whether a flow is over is the caller's question: the store forgets on request only.
pub async fn a_flow_that_is_over_is_still_taken_until_it_is_purged(
    store: Arc<impl SignInFlowStore>,
) {
    store.create(flow("a")).await.unwrap();
    store.create(flow("b")).await.unwrap();

    assert!(store.take(&hash("a")).await.unwrap().is_some());
    assert_eq!(store.purge_flows(at(601)).await.unwrap(), 1);
    assert!(store.take(&hash("b")).await.unwrap().is_none());
}

/// A flow that ends now is over; one that ends a microsecond later is not.
pub async fn purging_takes_what_is_over_at_the_boundary_and_nothing_else(
    store: Arc<impl SignInFlowStore>,
) {
    for (state, end) in [("-", at(5) - TICK), ("0", at(5)), ("+", at(5) + TICK)] {
        let mut flow = flow(state);
        flow.expires_at = end;
        store.create(flow).await.unwrap();
    }

    assert_eq!(store.purge_flows(at(5)).await.unwrap(), 2);

    assert!(store.take(&hash("-")).await.unwrap().is_none());
    assert!(store.take(&hash("0")).await.unwrap().is_none());
    assert!(store.take(&hash("+")).await.unwrap().is_some());
}

/// Every text of a flow comes back byte for byte.
pub async fn texts_survive_byte_for_byte(store: Arc<impl SignInFlowStore>) {
    for text in hard_texts() {
        let mut flow = flow("a");
        flow.nonce.clone_from(&text);
        flow.pkce_verifier.clone_from(&text);
        flow.redirect_uri.clone_from(&text);
        flow.return_to = text;
        store.create(flow.clone()).await.unwrap();

        assert!(store.take(&hash("a")).await.unwrap() == Some(flow));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl SignInFlowStore>) {
    for time in hard_times() {
        let mut flow = flow("a");
        flow.expires_at = time;
        store.create(flow).await.unwrap();

        let taken = store.take(&hash("a")).await.unwrap().unwrap();
        assert_eq!(taken.expires_at, time);
    }
}
