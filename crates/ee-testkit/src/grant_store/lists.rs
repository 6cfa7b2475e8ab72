//! Lists of grants.

use std::sync::Arc;

use ee_core::{
    AclSubject, ErrorKind, ResourceRef,
    storage::{Cursor, Effect, GrantStore},
};

use super::{allow, key, put, thing, who};
use crate::{
    listing::in_parts,
    samples::{assert_kind, hard_ids, hard_texts},
};

/// By the bytes of subject, effect and action.
pub async fn grants_on_a_thing_are_listed_once(store: Arc<impl GrantStore>) {
    let mut subjects: Vec<_> = hard_ids().into_iter().map(AclSubject::User).collect();
    subjects.extend(hard_ids().into_iter().map(AclSubject::Group));
    subjects.extend(hard_ids().into_iter().map(AclSubject::Role));
    let mut expected = Vec::new();
    for (number, subject) in subjects.into_iter().enumerate() {
        for action in ["read", "*", "a\"b", "Read"].iter().take(1 + number % 4) {
            let mut grant = allow("user:x", "a", action);
            grant.subject = subject.clone();
            expected.push(grant.clone());
            grant.effect = Effect::Deny;
            expected.push(grant);
        }
    }
    put(&*store, expected.clone()).await;
    put(&*store, [allow("user:x", "b", "read")]).await;
    expected.sort_by_key(key);

    let thing = thing("a");
    for limit in [1, 7, 200] {
        let list = async |cursor: &Cursor| store.on_resource(&thing, cursor).await;
        assert_eq!(in_parts(limit, list).await, expected, "{limit}");
    }
}

/// By the bytes of kind, id, effect and action.
pub async fn grants_of_a_subject_are_listed_once(store: Arc<impl GrantStore>) {
    let texts = hard_texts().into_iter().filter(|text| text.len() < 1_000);
    let mut expected = Vec::new();
    for (number, text) in texts.enumerate() {
        for kind in ["agents", "Agents", "thread's", "ä"]
            .iter()
            .take(1 + number % 4)
        {
            for action in ["write", "*", "read"] {
                let mut grant = allow("group:ops", &text, action);
                (*kind).clone_into(&mut grant.resource.kind);
                expected.push(grant.clone());
                grant.effect = Effect::Deny;
                expected.push(grant);
            }
        }
    }
    put(&*store, expected.clone()).await;
    put(
        &*store,
        [
            allow("user:ops", "b", "read"),
            allow("group:Ops", "b", "read"),
        ],
    )
    .await;
    expected.sort_by_key(|grant| {
        let ResourceRef { kind, id } = grant.resource.clone();
        (kind, id, grant.effect, grant.action.clone())
    });

    let subject = who("group:ops");
    for limit in [1, 7, 200] {
        let list = async |cursor: &Cursor| store.of_subject(&subject, cursor).await;
        assert_eq!(in_parts(limit, list).await, expected, "{limit}");
    }
    let all = store
        .all_of_subject(&subject, 10_000)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(all.len(), expected.len());
    assert!(expected.iter().all(|grant| all.contains(grant)));
}

/// Whatever a caller brings is read as a place and as nothing else.
pub async fn a_place_of_another_list_is_refused(store: Arc<impl GrantStore>) {
    put(&*store, [allow("user:anna", "a", "read")]).await;
    for after in [
        "",
        "nonsense",
        "[]",
        "[\"a\"]",
        "[1,2,3]",
        "[1,2,3,4]",
        "{}",
    ] {
        let mut cursor = Cursor::first(7);
        cursor.after = Some(after.to_owned());
        let refused = store.on_resource(&thing("a"), &cursor).await;
        assert_kind(refused, ErrorKind::Invalid);
        let refused = store.of_subject(&who("user:anna"), &cursor).await;
        assert_kind(refused, ErrorKind::Invalid);
    }
}
