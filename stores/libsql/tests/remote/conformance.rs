use std::sync::Arc;

use ee_store_libsql::RemoteStore;

use crate::scratch::Scratch;

async fn fresh() -> (Arc<RemoteStore>, Scratch) {
    let scratch = Scratch::new().await;
    (scratch.open().await, scratch)
}

ee_testkit::store_conformance!(fresh(), |store| store.hub());
ee_testkit::audit_outbox_conformance!(fresh(), async |store, records| {
    store.leave_events(&records).await.unwrap();
});
