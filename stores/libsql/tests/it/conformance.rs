use std::{future::ready, sync::Arc};

use ee_store_libsql::SqliteStore;

use crate::scratch::Scratch;

fn fresh() -> impl Future<Output = (Arc<SqliteStore>, Scratch)> {
    let scratch = Scratch::new();
    ready((scratch.open(), scratch))
}

ee_testkit::store_conformance!(fresh(), |store| store.hub());
ee_testkit::audit_outbox_conformance!(fresh(), async |store, records| {
    store.leave_events(&records).await.unwrap();
});
