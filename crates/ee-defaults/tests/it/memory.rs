use std::{future::ready, sync::Arc};

use ee_defaults::MemoryStore;

fn fresh() -> impl Future<Output = Arc<MemoryStore>> {
    ready(Arc::new(MemoryStore::new()))
}

ee_testkit::store_conformance!(fresh(), |store| store.hub());
ee_testkit::audit_outbox_conformance!(fresh(), async |store, records| {
    store.leave_events(records);
});
