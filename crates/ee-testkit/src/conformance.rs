//! How a suite becomes tests.

use std::sync::Arc;

use tokio::runtime::Builder;

/// What the setup of a suite yields: a fresh, empty store, and whatever has to live as long as it.
pub trait Fixture {
    /// What is dropped after the store, such as its directory.
    type Guard;
    /// What is tested.
    type Store;

    /// Parts the two.
    fn split(self) -> (Arc<Self::Store>, Self::Guard);
}

impl<S> Fixture for Arc<S> {
    type Guard = ();
    type Store = S;

    fn split(self) -> (Self, ()) {
        (self, ())
    }
}

impl<S, G> Fixture for (Arc<S>, G) {
    type Guard = G;
    type Store = S;

    fn split(self) -> Self {
        self
    }
}

/// Runs one case over a fresh fixture on a runtime of four threads. The suites' macros call it.
pub fn run<F, C>(setup: impl Future<Output = F>, case: impl FnOnce(Arc<F::Store>) -> C)
where
    F: Fixture,
    C: Future<Output = ()>,
{
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the system gives a test four threads");
    runtime.block_on(async {
        let (store, guard) = setup.await.split();
        case(store).await;
        drop(guard);
    });
}

/// Makes one `#[test]` of each case of a suite. Use the macro of the suite instead.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_suite {
    ($suite:ident, $setup:expr => $($case:ident),+ $(,)?) => {
        mod $suite {
            #[allow(unused_imports, reason = "the setup may name everything by its path")]
            use super::*;

            $(
                #[test]
                fn $case() {
                    $crate::run($setup, $crate::$suite::$case);
                }
            )+
        }
    };
}

/// Makes the tests of a store that keeps every domain. `$hub` is a closure that returns where the store tells changes.
#[macro_export]
macro_rules! store_conformance {
    ($setup:expr, $hub:expr) => {
        $crate::changes_conformance!($setup, $hub);
        $crate::account_store_conformance!($setup);
        $crate::agent_store_conformance!($setup);
        $crate::api_key_store_conformance!($setup);
        $crate::assignment_store_conformance!($setup);
        $crate::audit_proof_store_conformance!($setup);
        $crate::audit_retention_conformance!($setup);
        $crate::audit_ride_conformance!($setup);
        $crate::audit_search_conformance!($setup);
        $crate::audit_store_conformance!($setup);
        $crate::deletions_conformance!($setup);
        $crate::ended_session_store_conformance!($setup);
        $crate::grant_histories_conformance!($setup);
        $crate::grant_store_conformance!($setup);
        $crate::group_store_conformance!($setup);
        $crate::identity_store_conformance!($setup);
        $crate::last_owner_conformance!($setup);
        $crate::one_time_token_store_conformance!($setup);
        $crate::ownership_conformance!($setup);
        $crate::role_store_conformance!($setup);
        $crate::run_store_conformance!($setup);
        $crate::session_store_conformance!($setup);
        $crate::sign_in_flow_store_conformance!($setup);
        $crate::thread_store_conformance!($setup);
        $crate::throttle_store_conformance!($setup);
        $crate::workflow_runs_conformance!($setup);
        $crate::workflow_store_conformance!($setup);
    };
}
