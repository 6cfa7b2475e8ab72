use std::{future::ready, sync::Arc};

use ee_store_libsql::SqliteStore;

use crate::scratch::Scratch;

fn fresh() -> impl Future<Output = (Arc<SqliteStore>, Scratch)> {
    let scratch = Scratch::new();
    ready((scratch.open(), scratch))
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
