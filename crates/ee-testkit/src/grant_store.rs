//! Cases for a [`GrantStore`]. Random histories are in [`grant_histories`](crate::grant_histories).

mod accessible;
mod lists;

use std::sync::Arc;

use ee_core::{
    AclSubject, ResourceRef,
    storage::{Cursor, Effect, GrantRecord, GrantStore},
};
use jiff::Timestamp;

use crate::{
    in_parallel,
    listing::in_parts,
    samples::{TICK, at, hard_texts, hard_times, id},
};

pub use self::accessible::{
    a_denial_beats_every_permission, a_denial_counts_for_its_action_and_its_subjects_alone,
    a_grant_for_every_action_is_one_for_each, an_end_counts_to_the_microsecond,
    what_may_be_used_is_listed_part_by_part, what_one_of_the_subjects_may_use_is_listed,
};
pub use self::lists::{
    a_place_of_another_list_is_refused, grants_of_a_subject_are_listed_once,
    grants_on_a_thing_are_listed_once,
};

/// Makes the tests of a [`GrantStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! grant_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(grant_store, $setup =>
            what_was_granted_is_found_as_it_was,
            granting_again_replaces_the_rest,
            of_64_parallel_puts_of_one_key_one_stays,
            removing_takes_what_was_named_and_nothing_else,
            removing_a_thing_takes_every_grant_on_it,
            matching_finds_these_subjects_on_this_thing,
            all_of_a_subject_come_or_none,
            purging_takes_what_is_over_at_the_boundary_and_nothing_else,
            what_one_of_the_subjects_may_use_is_listed,
            a_denial_beats_every_permission,
            a_denial_counts_for_its_action_and_its_subjects_alone,
            a_grant_for_every_action_is_one_for_each,
            an_end_counts_to_the_microsecond,
            what_may_be_used_is_listed_part_by_part,
            grants_on_a_thing_are_listed_once,
            grants_of_a_subject_are_listed_once,
            a_place_of_another_list_is_refused,
            texts_are_kept_apart_and_survive,
            times_survive_to_the_microsecond,
        );
    };
}

fn who(text: &str) -> AclSubject {
    text.parse().unwrap()
}

fn thing(id: &str) -> ResourceRef {
    let (kind, id) = ("agents".to_owned(), id.to_owned());
    ResourceRef { kind, id }
}

fn allow(subject: &str, id: &str, action: &str) -> GrantRecord {
    GrantRecord::new(who(subject), thing(id), action.to_owned(), at(0))
}

fn deny(subject: &str, id: &str, action: &str) -> GrantRecord {
    let mut grant = allow(subject, id, action);
    grant.effect = Effect::Deny;
    grant
}

fn until(mut grant: GrantRecord, end: Timestamp) -> GrantRecord {
    grant.expires_at = Some(end);
    grant
}

async fn put(store: &impl GrantStore, grants: impl Into<Vec<GrantRecord>>) {
    store.put(grants.into()).await.unwrap();
}

/// The order of the grants on a thing.
fn key(grant: &GrantRecord) -> (String, Effect, String) {
    (
        grant.subject.to_string(),
        grant.effect,
        grant.action.clone(),
    )
}

async fn on(store: &impl GrantStore, id: &str) -> Vec<GrantRecord> {
    let thing = thing(id);
    in_parts(3, async |cursor| store.on_resource(&thing, cursor).await).await
}

async fn usable(
    store: &impl GrantStore,
    subjects: &[&str],
    action: &str,
    now: Timestamp,
) -> Vec<String> {
    let subjects: Vec<_> = subjects.iter().copied().map(who).collect();
    let list = async |cursor: &Cursor| {
        let (kind, subjects) = ("agents", &*subjects);
        store.accessible(subjects, kind, action, now, cursor).await
    };
    in_parts(2, list).await
}

/// What was put comes back equal; an effect and an action are kept beside others of the same subject and thing.
pub async fn what_was_granted_is_found_as_it_was(store: Arc<impl GrantStore>) {
    let mut full = until(allow("user:anna", "a", "read"), at(600));
    full.granted_by = Some(id("admin"));
    let grants = [
        full,
        allow("user:anna", "a", "write"),
        deny("user:anna", "a", "read"),
        deny("user:anna", "a", "*"),
    ];
    put(&*store, grants.clone()).await;
    put(&*store, []).await;

    let mut expected = grants.to_vec();
    expected.sort_by_key(key);
    assert_eq!(on(&*store, "a").await, expected);
    assert!(on(&*store, "A").await.is_empty());
}

/// Of two grants with one key the later one stays, also of two that are put together.
pub async fn granting_again_replaces_the_rest(store: Arc<impl GrantStore>) {
    let mut first = until(allow("user:anna", "a", "read"), at(5));
    first.granted_by = Some(id("admin"));
    put(&*store, [first.clone()]).await;
    let mut second = allow("user:anna", "a", "read");
    second.granted_at = at(9);

    put(&*store, [second.clone()]).await;
    assert_eq!(on(&*store, "a").await, [second.clone()]);

    put(&*store, [second, first.clone()]).await;
    assert_eq!(on(&*store, "a").await, [first]);
}

/// Many who grant the same at once: one grant is kept, whole as one of them gave it.
pub async fn of_64_parallel_puts_of_one_key_one_stays(store: Arc<impl GrantStore>) {
    let grants: Vec<_> = (0..64)
        .map(|number| {
            let mut grant = until(allow("user:anna", "a", "read"), at(number));
            grant.granted_by = Some(id(number.to_string()));
            grant
        })
        .collect();

    in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let grant = grants.get(number).cloned().unwrap();
        async move { store.put(vec![grant]).await.unwrap() }
    })
    .await;

    let kept = on(&*store, "a").await;
    assert_eq!(kept.len(), 1);
    assert!(grants.contains(kept.first().unwrap()));
}

/// By effect, and by action where actions are named; `*` is an action like the others.
pub async fn removing_takes_what_was_named_and_nothing_else(store: Arc<impl GrantStore>) {
    let others = [
        allow("user:ben", "a", "read"),
        allow("group:anna", "a", "read"),
        allow("user:anna", "b", "read"),
    ];
    put(&*store, others.clone()).await;
    for action in ["read", "write", "*", "share"] {
        let both = [
            allow("user:anna", "a", action),
            deny("user:anna", "a", action),
        ];
        put(&*store, both).await;
    }
    let remove = async |effect, actions: &[&str]| {
        let actions: Vec<_> = actions.iter().map(|it| (*it).to_owned()).collect();
        let (subject, thing) = (who("user:anna"), thing("a"));
        let removed = store.remove(&subject, &thing, effect, &actions).await;
        removed.unwrap()
    };

    assert_eq!(
        remove(Effect::Allow, &["read", "nothing", "write", "read"]).await,
        2
    );
    assert_eq!(remove(Effect::Allow, &["read"]).await, 0);
    assert_eq!(remove(Effect::Allow, &["*"]).await, 1);
    assert_eq!(remove(Effect::Deny, &[]).await, 4);
    assert_eq!(remove(Effect::Deny, &[]).await, 0);

    let left = [
        allow("group:anna", "a", "read"),
        allow("user:anna", "a", "share"),
        allow("user:ben", "a", "read"),
    ];
    assert_eq!(on(&*store, "a").await, left);
    assert_eq!(on(&*store, "b").await, [allow("user:anna", "b", "read")]);
}

/// Whoever has it, and nothing of another kind.
pub async fn removing_a_thing_takes_every_grant_on_it(store: Arc<impl GrantStore>) {
    let mut other_kind = allow("user:anna", "a", "read");
    "workflows".clone_into(&mut other_kind.resource.kind);
    let gone = ["user:anna", "group:ops", "role:editor"];
    for subject in gone {
        let grants = [allow(subject, "a", "read"), deny(subject, "a", "*")];
        put(&*store, grants).await;
    }
    put(
        &*store,
        [allow("user:anna", "ab", "read"), other_kind.clone()],
    )
    .await;

    assert_eq!(store.remove_resource(&thing("a")).await.unwrap(), 6);

    assert_eq!(store.remove_resource(&thing("a")).await.unwrap(), 0);
    assert!(on(&*store, "a").await.is_empty());
    assert_eq!(on(&*store, "ab").await.len(), 1);
    let kept = store
        .matching(&[who("user:anna")], &other_kind.resource)
        .await;
    assert_eq!(kept.unwrap(), [other_kind]);
    assert_eq!(usable(&*store, &gone, "read", at(1)).await, ["ab"]);
}

/// Each grant once, however often its subject is asked for, and those that are over as well.
pub async fn matching_finds_these_subjects_on_this_thing(store: Arc<impl GrantStore>) {
    let over = until(deny("group:ops", "a", "read"), at(-1));
    let mine = [
        allow("user:anna", "a", "read"),
        allow("user:anna", "a", "*"),
        over,
    ];
    put(&*store, mine.clone()).await;
    let others = [
        allow("user:ann", "a", "read"),
        allow("role:anna", "a", "read"),
        allow("user:anna", "b", "read"),
    ];
    put(&*store, others).await;
    let matching = async |subjects: &[&str], id| {
        let subjects: Vec<_> = subjects.iter().copied().map(who).collect();
        let mut found = store.matching(&subjects, &thing(id)).await.unwrap();
        found.sort_by_key(key);
        found
    };

    let mut expected = mine.to_vec();
    expected.sort_by_key(key);
    let subjects = ["user:anna", "group:ops", "role:none", "user:anna"];
    assert_eq!(matching(&subjects, "a").await, expected);
    assert!(matching(&["role:none"], "a").await.is_empty());
    assert!(matching(&subjects, "c").await.is_empty());
    assert!(matching(&[], "a").await.is_empty());
}

/// More than were asked for are none, so that nobody takes a part for the whole.
pub async fn all_of_a_subject_come_or_none(store: Arc<impl GrantStore>) {
    for number in 0..10 {
        put(&*store, [allow("user:anna", &number.to_string(), "read")]).await;
    }
    put(&*store, [allow("user:ben", "0", "read")]).await;
    let all = async |subject, most| {
        let all = store.all_of_subject(&who(subject), most).await.unwrap();
        all.map(|all| all.len())
    };

    assert_eq!(all("user:anna", 11).await, Some(10));
    assert_eq!(all("user:anna", 10).await, Some(10));
    assert_eq!(all("user:anna", 9).await, None);
    assert_eq!(all("user:anna", 0).await, None);
    assert_eq!(all("user:nobody", 0).await, Some(0));
    let ben = store.all_of_subject(&who("user:ben"), 5).await.unwrap();
    assert_eq!(ben, Some(vec![allow("user:ben", "0", "read")]));
}

/// A grant that ends now is over; one that ends a microsecond later, or never, is not.
pub async fn purging_takes_what_is_over_at_the_boundary_and_nothing_else(
    store: Arc<impl GrantStore>,
) {
    for (action, end) in [("-", at(5) - TICK), ("0", at(5)), ("+", at(5) + TICK)] {
        let grant = |grant| until(grant, end);
        let grants = [
            allow("user:anna", "a", action),
            deny("user:anna", "a", action),
        ];
        put(&*store, grants.map(grant)).await;
    }
    put(&*store, [allow("user:anna", "a", "endless")]).await;

    assert_eq!(store.purge_grants(at(5)).await.unwrap(), 4);

    let left = on(&*store, "a").await.into_iter().map(|grant| grant.action);
    assert_eq!(left.collect::<Vec<_>>(), ["+", "endless", "+"]);
    assert_eq!(store.purge_grants(at(5)).await.unwrap(), 0);
}

/// Kinds, ids and actions are compared byte for byte, and come back so.
pub async fn texts_are_kept_apart_and_survive(store: Arc<impl GrantStore>) {
    let texts = hard_texts().into_iter().filter(|text| text.len() < 1_000);
    let texts: Vec<_> = texts
        .chain(["a", "A", "%", "_", "å"].map(str::to_owned))
        .collect();
    let grants = |text: &String| {
        let resources = [
            ResourceRef {
                kind: text.clone(),
                id: "x".to_owned(),
            },
            ResourceRef {
                kind: "x".to_owned(),
                id: text.clone(),
            },
        ];
        resources.map(|resource| GrantRecord::new(who("user:anna"), resource, text.clone(), at(0)))
    };
    for text in &texts {
        put(&*store, grants(text)).await;
    }

    let anna = who("user:anna");
    let subjects = std::slice::from_ref(&anna);
    for text in &texts {
        for grant in grants(text) {
            let found = store.matching(subjects, &grant.resource).await.unwrap();
            assert_eq!(found, std::slice::from_ref(&grant), "{text:?}");
            let ResourceRef { kind, id } = &grant.resource;
            let cursor = Cursor::first(200);
            let ids = store.accessible(subjects, kind, text, at(1), &cursor).await;
            assert!(ids.unwrap().rows.contains(id), "{text:?}");
            let actions = std::slice::from_ref(text);
            let removed = store
                .remove(&anna, &grant.resource, Effect::Allow, actions)
                .await;
            assert_eq!(removed.unwrap(), 1, "{text:?}");
        }
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl GrantStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let name = number.to_string();
        let mut grant = until(allow("user:anna", &name, "read"), time + TICK);
        grant.granted_at = time;
        put(&*store, [grant.clone()]).await;

        assert_eq!(on(&*store, &name).await, [grant]);
        assert_eq!(
            usable(&*store, &["user:anna"], "read", time).await.last(),
            Some(&name)
        );
    }
}
