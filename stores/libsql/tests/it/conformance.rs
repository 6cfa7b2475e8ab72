use std::{future::ready, sync::Arc};

use ee_store_libsql::SqliteStore;

use crate::scratch::Scratch;

fn fresh() -> impl Future<Output = (Arc<SqliteStore>, Scratch)> {
    let scratch = Scratch::new();
    ready((scratch.open(), scratch))
}

ee_testkit::agent_store_conformance!(fresh());
ee_testkit::ended_session_store_conformance!(fresh());
ee_testkit::run_store_conformance!(fresh());
ee_testkit::session_store_conformance!(fresh());
ee_testkit::sign_in_flow_store_conformance!(fresh());
ee_testkit::thread_store_conformance!(fresh());
ee_testkit::workflow_runs_conformance!(fresh());
ee_testkit::workflow_store_conformance!(fresh());
