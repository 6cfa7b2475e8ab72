//! Steps of the second factor.

use std::sync::Arc;

use ee_core::storage::{AccountStore, Changed, Totp};

use super::{create, find, full, person};
use crate::{in_parallel, samples::id};

/// Many who show a code of the same step at once: one is told that it was his.
pub async fn of_64_parallel_takers_of_a_step_one_gets_it(store: Arc<impl AccountStore>) {
    create(&*store, &[full("anna")]).await;

    for step in 58_909_001..58_909_201 {
        let taken = in_parallel(64, |_| {
            let store = Arc::clone(&store);
            async move { store.take_totp_step(&id("anna"), step).await.unwrap() }
        })
        .await;

        assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
    }
}

/// A step is taken once, in rising order only, and only of an account that has a second factor.
pub async fn an_older_step_is_never_taken(store: Arc<impl AccountStore>) {
    create(&*store, &[full("anna"), person("ben")]).await;
    let take = async |name, step| store.take_totp_step(&id(name), step).await.unwrap();

    assert!(!take("anna", 58_909_000).await);
    assert!(take("anna", 58_909_005).await);
    assert!(!take("anna", 58_909_005).await);
    assert!(!take("anna", 58_909_004).await);
    assert!(take("anna", 58_909_006).await);
    assert!(!take("ben", 58_909_006).await);

    let mut expected = full("anna");
    expected.totp.as_mut().unwrap().last_step = 58_909_006;
    assert_eq!(find(&*store, "anna").await, Some(expected));
}

/// Who has read the account before a code was taken does not make the code good again by changing the account; a new
/// secret begins anew.
pub async fn an_update_brings_no_step_back(store: Arc<impl AccountStore>) {
    create(&*store, &[full("anna")]).await;
    let seen = find(&*store, "anna").await.unwrap();
    assert!(store.take_totp_step(&id("anna"), 58_909_001).await.unwrap());

    assert_eq!(store.update(seen.clone()).await.unwrap(), Changed::Done);
    assert!(!store.take_totp_step(&id("anna"), 58_909_001).await.unwrap());

    let mut later = find(&*store, "anna").await.unwrap();
    later.totp.as_mut().unwrap().last_step = 58_909_009;
    assert_eq!(store.update(later).await.unwrap(), Changed::Done);
    assert!(!store.take_totp_step(&id("anna"), 58_909_009).await.unwrap());

    let mut renewed = find(&*store, "anna").await.unwrap();
    renewed.totp = Some(Totp::new(b"another".to_vec()));
    assert_eq!(store.update(renewed).await.unwrap(), Changed::Done);
    assert!(store.take_totp_step(&id("anna"), 1).await.unwrap());
}
