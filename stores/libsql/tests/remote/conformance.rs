use std::sync::Arc;

use ee_store_libsql::RemoteStore;

use crate::scratch::Scratch;

async fn fresh() -> (Arc<RemoteStore>, Scratch) {
    let scratch = Scratch::new().await;
    (scratch.open().await, scratch)
}

ee_testkit::account_store_conformance!(fresh());
ee_testkit::agent_store_conformance!(fresh());
ee_testkit::api_key_store_conformance!(fresh());
ee_testkit::assignment_store_conformance!(fresh());
ee_testkit::changes_conformance!(fresh(), |store| store.hub());
ee_testkit::deletions_conformance!(fresh());
ee_testkit::ended_session_store_conformance!(fresh());
ee_testkit::grant_histories_conformance!(fresh());
ee_testkit::grant_store_conformance!(fresh());
ee_testkit::group_store_conformance!(fresh());
ee_testkit::identity_store_conformance!(fresh());
ee_testkit::last_owner_conformance!(fresh());
ee_testkit::one_time_token_store_conformance!(fresh());
ee_testkit::role_store_conformance!(fresh());
ee_testkit::run_store_conformance!(fresh());
ee_testkit::session_store_conformance!(fresh());
ee_testkit::sign_in_flow_store_conformance!(fresh());
ee_testkit::thread_store_conformance!(fresh());
ee_testkit::throttle_store_conformance!(fresh());
ee_testkit::workflow_runs_conformance!(fresh());
ee_testkit::workflow_store_conformance!(fresh());
