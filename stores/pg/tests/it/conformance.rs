use crate::scratch::fresh;

ee_testkit::store_conformance!(fresh(), |store| store.hub());
ee_testkit::audit_outbox_conformance!(fresh(), async |store, records| {
    store.leave_events(&records).await.unwrap();
});
