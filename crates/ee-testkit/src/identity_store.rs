//! Cases for an [`IdentityStore`].

use std::sync::Arc;

use ee_core::{
    ErrorKind, UserId,
    storage::{ExternalIdentity, IdentityStore},
};

use crate::{
    in_parallel,
    samples::{assert_kind, at, hard_ids, hard_texts, hard_times, id},
};

/// Makes the tests of an [`IdentityStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! identity_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(identity_store, $setup =>
            a_linked_identity_is_found_as_it_was,
            issuer_and_subject_count_together,
            linking_twice_is_a_conflict_and_changes_nothing,
            of_64_parallel_links_one_wins,
            unlinking_is_final,
            links_are_listed_by_issuer_and_subject,
            names_of_every_spelling_are_kept_apart,
            times_survive_to_the_microsecond,
        );
    };
}

fn link(issuer: &str, subject: &str, user: &str) -> ExternalIdentity {
    ExternalIdentity::new(issuer.into(), subject.into(), id(user), at(0))
}

async fn find(store: &impl IdentityStore, issuer: &str, subject: &str) -> Option<UserId> {
    store.find_linked(issuer, subject).await.unwrap()
}

/// What was linked is found from both sides.
pub async fn a_linked_identity_is_found_as_it_was(store: Arc<impl IdentityStore>) {
    let one = link("https://idp.example", "4711", "anna");
    let two = link("https://other.example", "anna", "anna");
    for identity in [&one, &two] {
        store.link(identity.clone()).await.unwrap();
    }

    let found = find(&*store, "https://idp.example", "4711").await;
    assert_eq!(found, Some(id("anna")));
    assert_eq!(store.links_of(&id("anna")).await.unwrap(), [one, two]);
    assert_eq!(find(&*store, "https://idp.example", "4712").await, None);
    assert!(store.links_of(&id("ben")).await.unwrap().is_empty());
}

/// A subject of one provider is another person than the same subject of another provider.
pub async fn issuer_and_subject_count_together(store: Arc<impl IdentityStore>) {
    for (issuer, subject, user) in [
        ("a", "b", "1"),
        ("b", "a", "2"),
        ("a", "a", "3"),
        ("ab", "", "4"),
        ("", "ab", "5"),
    ] {
        store.link(link(issuer, subject, user)).await.unwrap();
    }

    assert_eq!(find(&*store, "a", "b").await, Some(id("1")));
    assert_eq!(find(&*store, "b", "a").await, Some(id("2")));
    assert_eq!(find(&*store, "ab", "").await, Some(id("4")));
    assert_eq!(find(&*store, "", "ab").await, Some(id("5")));
    assert_eq!(find(&*store, "b", "b").await, None);
}

/// An identity belongs to one account, and linking it again is refused, to the same account as well.
pub async fn linking_twice_is_a_conflict_and_changes_nothing(store: Arc<impl IdentityStore>) {
    store.link(link("idp", "1", "anna")).await.unwrap();

    for user in ["mallory", "anna"] {
        let mut again = link("idp", "1", user);
        again.linked_at = at(9);
        assert_kind(store.link(again).await, ErrorKind::Conflict);
    }

    assert_eq!(find(&*store, "idp", "1").await, Some(id("anna")));
    let links = store.links_of(&id("anna")).await.unwrap();
    assert_eq!(links, [link("idp", "1", "anna")]);
    assert!(store.links_of(&id("mallory")).await.unwrap().is_empty());
}

/// Many who link the same identity at once: one succeeds.
pub async fn of_64_parallel_links_one_wins(store: Arc<impl IdentityStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let user = format!("user-{number}");
        async move { store.link(link("idp", "1", &user)).await.map(|()| user) }
    })
    .await;

    let winners: Vec<UserId> = won.iter().flatten().cloned().map(id).collect();
    assert_eq!(winners, [find(&*store, "idp", "1").await.unwrap()]);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// An unlinked identity is nobody's, and may be linked anew.
pub async fn unlinking_is_final(store: Arc<impl IdentityStore>) {
    for subject in ["1", "2"] {
        store.link(link("idp", subject, "anna")).await.unwrap();
    }

    assert!(store.unlink("idp", "1").await.unwrap());

    assert!(!store.unlink("idp", "1").await.unwrap());
    assert!(!store.unlink("1", "idp").await.unwrap());
    assert_eq!(find(&*store, "idp", "1").await, None);
    let left = store.links_of(&id("anna")).await.unwrap();
    assert_eq!(left, [link("idp", "2", "anna")]);
    store.link(link("idp", "1", "ben")).await.unwrap();
    assert_eq!(find(&*store, "idp", "1").await, Some(id("ben")));
}

/// The links of an account stand in the order of their bytes.
pub async fn links_are_listed_by_issuer_and_subject(store: Arc<impl IdentityStore>) {
    let mut expected = Vec::new();
    for (issuer, subject) in [
        ("b", "1"),
        ("a", "2"),
        ("a", "10"),
        ("A", "z"),
        ("ä", ""),
        ("a", "é"),
    ] {
        let identity = link(issuer, subject, "anna");
        store.link(identity.clone()).await.unwrap();
        store
            .link(link(issuer, &format!("{subject}'"), "ben"))
            .await
            .unwrap();
        expected.push(identity);
    }
    expected.sort_by(|a, b| (&a.issuer, &a.subject).cmp(&(&b.issuer, &b.subject)));

    assert_eq!(store.links_of(&id("anna")).await.unwrap(), expected);
}

/// Issuers, subjects and accounts are compared byte for byte.
pub async fn names_of_every_spelling_are_kept_apart(store: Arc<impl IdentityStore>) {
    // An index need not take 100 KB.
    let texts = hard_texts().into_iter().filter(|text| text.len() < 1_000);
    let texts: Vec<_> = texts
        .chain(["a", "A", "%", "_"].map(str::to_owned))
        .collect();
    let mut users = hard_ids::<UserId>();
    users.extend(["%", "_", "a", "A"].map(id::<UserId>));
    let names = texts.iter().zip(users.iter().cycle());
    for (text, user) in names.clone() {
        for (issuer, subject) in [(text.as_str(), "x"), ("x", text.as_str())] {
            store
                .link(link(issuer, subject, user.as_str()))
                .await
                .unwrap();
        }
    }

    for (text, user) in names {
        assert_eq!(find(&*store, text, "x").await.as_ref(), Some(user));
        assert_eq!(find(&*store, "x", text).await.as_ref(), Some(user));
        let links = store.links_of(user).await.unwrap();
        assert!(links.contains(&link(text, "x", user.as_str())));
        assert!(links.iter().all(|link| link.user_id == *user));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl IdentityStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let user = format!("user-{number}");
        let mut identity = link("idp", &user, &user);
        identity.linked_at = time;
        store.link(identity.clone()).await.unwrap();

        assert_eq!(store.links_of(&id(user)).await.unwrap(), [identity]);
    }
}
