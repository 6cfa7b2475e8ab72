use crate::scratch::fresh;

ee_testkit::store_conformance!(fresh(), |store| store.hub());
