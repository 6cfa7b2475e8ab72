//! What may be used.

use std::sync::Arc;

use ee_core::storage::{Cursor, GrantStore};

use super::{allow, deny, put, until, usable, who};
use crate::{
    listing::in_parts,
    samples::{TICK, at, hard_texts},
};

/// What several of them may use stands there once.
pub async fn what_one_of_the_subjects_may_use_is_listed(store: Arc<impl GrantStore>) {
    let mut other_kind = allow("user:anna", "d", "read");
    "agent".clone_into(&mut other_kind.resource.kind);
    let grants = [
        allow("user:anna", "a", "read"),
        allow("group:ops", "a", "read"),
        allow("group:ops", "c", "read"),
        allow("role:editor", "b", "read"),
        allow("user:ben", "e", "read"),
        allow("user:anna", "f", "write"),
        other_kind,
    ];
    put(&*store, grants).await;

    let subjects = ["user:anna", "role:editor", "group:ops", "user:anna"];
    let ids = usable(&*store, &subjects, "read", at(1)).await;
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(usable(&*store, &["user:anna"], "read", at(1)).await, ["a"]);
    assert_eq!(usable(&*store, &["user:anna"], "write", at(1)).await, ["f"]);
    assert!(
        usable(&*store, &["user:none"], "read", at(1))
            .await
            .is_empty()
    );
    assert!(usable(&*store, &[], "read", at(1)).await.is_empty());
}

/// Whichever of the subjects is forbidden, and whichever is permitted.
pub async fn a_denial_beats_every_permission(store: Arc<impl GrantStore>) {
    for (id, denied) in [("a", "user:anna"), ("b", "group:ops"), ("c", "role:none")] {
        let subjects = ["user:anna", "group:ops", "role:editor"];
        let grants = subjects.map(|subject| allow(subject, id, "read"));
        put(&*store, grants).await;
        put(&*store, [deny(denied, id, "read")]).await;
    }

    let subjects = ["role:editor", "group:ops", "user:anna"];
    assert_eq!(usable(&*store, &subjects, "read", at(1)).await, ["c"]);
    assert_eq!(
        usable(&*store, &["role:editor"], "read", at(1)).await.len(),
        3
    );
}

/// Who may not write may read, and what one may not another may.
pub async fn a_denial_counts_for_its_action_and_its_subjects_alone(store: Arc<impl GrantStore>) {
    let grants = [
        allow("user:anna", "a", "*"),
        deny("user:anna", "a", "write"),
        allow("user:anna", "b", "read"),
        deny("user:ben", "b", "*"),
        allow("user:anna", "c", "read"),
        deny("user:anna", "c", "*"),
        deny("user:anna", "cc", "read"),
    ];
    put(&*store, grants).await;

    assert_eq!(
        usable(&*store, &["user:anna"], "read", at(1)).await,
        ["a", "b"]
    );
    assert!(
        usable(&*store, &["user:anna"], "write", at(1))
            .await
            .is_empty()
    );
    assert_eq!(usable(&*store, &["user:anna"], "share", at(1)).await, ["a"]);
}

/// `*` permits and forbids whatever is asked for; who asks for `*` itself asks for no less.
pub async fn a_grant_for_every_action_is_one_for_each(store: Arc<impl GrantStore>) {
    let grants = [
        allow("user:anna", "a", "*"),
        allow("user:anna", "b", "read"),
        allow("user:anna", "c", "read"),
        allow("user:anna", "c", "*"),
        allow("user:anna", "d", "read"),
        deny("user:anna", "d", "*"),
        allow("user:anna", "e", "*"),
        deny("user:anna", "e", "read"),
    ];
    put(&*store, grants).await;

    let ids = usable(&*store, &["user:anna"], "read", at(1)).await;
    assert_eq!(ids, ["a", "b", "c"]);
    let ids = usable(&*store, &["user:anna"], "*", at(1)).await;
    assert_eq!(ids, ["a", "c", "e"]);
}

/// A permission ends at its end, and so does a denial.
pub async fn an_end_counts_to_the_microsecond(store: Arc<impl GrantStore>) {
    let grants = [
        until(allow("user:anna", "a", "read"), at(5)),
        allow("user:anna", "b", "read"),
        until(deny("user:anna", "b", "read"), at(5)),
        until(allow("user:anna", "c", "read"), at(5) + TICK),
        until(allow("group:ops", "a", "*"), at(9)),
        until(deny("user:anna", "a", "*"), at(-5)),
    ];
    put(&*store, grants).await;
    let anna = ["user:anna"];

    assert_eq!(
        usable(&*store, &anna, "read", at(5) - TICK).await,
        ["a", "c"]
    );
    assert_eq!(usable(&*store, &anna, "read", at(5)).await, ["b", "c"]);
    assert_eq!(usable(&*store, &anna, "read", at(5) + TICK).await, ["b"]);
    let both = ["user:anna", "group:ops"];
    assert_eq!(usable(&*store, &both, "read", at(5)).await, ["a", "b", "c"]);
}

/// Each thing once, by the bytes of its id, however many grants it has and however few of the things may be used.
pub async fn what_may_be_used_is_listed_part_by_part(store: Arc<impl GrantStore>) {
    let texts = hard_texts().into_iter().filter(|text| text.len() < 1_000);
    let letters = ["a", "A", "a ", "å", "%", "_", "[\"a\"]"].map(str::to_owned);
    let mut expected = Vec::new();
    for (number, text) in texts.chain(letters).enumerate() {
        let subjects = ["user:anna", "group:ops"];
        let mut grants = vec![allow("user:anna", &text, "read")];
        match number % 4 {
            0 => grants.extend(subjects.map(|subject| allow(subject, &text, "*"))),
            1 => grants.extend(subjects.map(|subject| allow(subject, &text, "read"))),
            2 => grants.extend(subjects.map(|subject| deny(subject, &text, "read"))),
            _ => {}
        }
        if number % 4 != 2 {
            expected.push(text);
        }
        put(&*store, grants).await;
    }
    expected.sort();

    let subjects = ["user:anna", "group:ops"].map(who);
    for limit in [1, 2, 5, 200] {
        let list = async |cursor: &Cursor| {
            store
                .accessible(&subjects, "agents", "read", at(1), cursor)
                .await
        };
        assert_eq!(in_parts(limit, list).await, expected, "{limit}");
    }
}
