//! What a list may show, against the decision about each single thing.

use std::sync::Arc;

use ee_core::{
    AclSubject, Authority, GrantSet, Limit, Permission, PermissionSet, ResourceRef, Visible,
    storage::{Effect, GrantRecord},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const RESOURCES: &[&str] = &["*", "agents", "audit", "stored", "stored-agents", "tickets"];
const ACTIONS: &[&str] = &["*", "read", "write", "close"];
const IDS: &[&str] = &["1", "2", "3", "a:b", "", "*"];
const ASKED: &[&str] = &[
    "agents:read",
    "agents:read:2",
    "stored-agents:write",
    "audit:read",
    "tickets:close",
    "tickets:read",
    "tickets",
    "*:read",
    "*",
];
const SUBJECTS: &[&str] = &["user:ada", "role:editor", "group:ops"];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn a_list_shows_exactly_what_is_allowed_thing_by_thing(
        world in world(),
        asked in prop::sample::select(ASKED),
    ) {
        let permission: Permission = asked.parse().unwrap();
        let authority = world.authority();

        let visible = authority.visible(&permission, NOW);

        // The last one is named nowhere, so it stands for all that are still to come.
        for id in IDS.iter().chain(&["never named"]) {
            let allowed = authority.allows_on(&permission, id, NOW);
            prop_assert_eq!(visible.contains(id), allowed, "{} in {:?}", id, &visible);
        }
        // What the grants name is within what they reach; roles name few.
        let named = match &visible {
            Visible::All { except } => except.len(),
            Visible::Only(_) => 0,
        };
        prop_assert!(named <= authority.reach(&permission));
        let is_whole = matches!(visible, Visible::All { .. });
        prop_assert_eq!(is_whole, authority.allows_on(&permission, "never named", NOW));
    }
}

#[test]
fn nothing_is_visible_to_nobody_and_everything_without_roles() {
    let read: Permission = "agents:read".parse().unwrap();

    assert_eq!(
        Authority::nothing().visible(&read, NOW),
        Visible::Only([].into())
    );
    assert_eq!(
        Authority::everything().visible(&read, NOW),
        Visible::EVERYTHING
    );
}

/// What an authority is put together of.
#[derive(Clone, Debug)]
struct World {
    grants: Vec<GrantRecord>,
    held: Roles,
    limits: Vec<Self>,
}

#[derive(Clone, Debug)]
enum Roles {
    Everything,
    Nothing,
    Some(Vec<String>),
}

impl World {
    fn authority(&self) -> Authority {
        let authority = match &self.held {
            Roles::Everything => Authority::everything(),
            Roles::Nothing => Authority::nothing(),
            Roles::Some(texts) => {
                let patterns = texts.iter().map(|text| text.parse().unwrap());
                Authority::set(Arc::new(PermissionSet::compile(patterns)))
            }
        };
        let sets = SUBJECTS.iter().map(|subject| {
            let subject: AclSubject = subject.parse().unwrap();
            Arc::new(GrantSet::compile(subject, self.grants.iter().cloned()))
        });
        let authority = authority.with_grants(sets.collect());
        self.limits.iter().fold(authority, |authority, limit| {
            authority.within(Arc::new(Limit::new("key".to_owned(), limit.authority())))
        })
    }
}

/// Some roles and grants, within none, one or two others.
fn world() -> impl Strategy<Value = World> {
    let own = || (held(), prop::collection::vec(grant(), 0..8));
    let alone = own().prop_map(|(held, grants)| World {
        grants,
        held,
        limits: Vec::new(),
    });
    alone.prop_recursive(2, 4, 2, move |inner| {
        let limits = prop::collection::vec(inner, 0..3);
        (own(), limits).prop_map(|((held, grants), limits)| World {
            grants,
            held,
            limits,
        })
    })
}

fn held() -> impl Strategy<Value = Roles> {
    prop_oneof![
        1 => Just(Roles::Everything),
        1 => Just(Roles::Nothing),
        4 => prop::collection::vec(pattern(), 0..6).prop_map(Roles::Some),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let rest = (
        prop::sample::select(ACTIONS),
        prop::option::weighted(0.7, prop::sample::select(IDS)),
    );
    let parts = (
        prop::sample::select(RESOURCES),
        prop::option::weighted(0.95, rest),
    );
    parts.prop_map(|(resource, rest)| match rest {
        None => resource.to_owned(),
        Some((action, None)) => format!("{resource}:{action}"),
        Some((action, Some(id))) => format!("{resource}:{action}:{id}"),
    })
}

/// Kinds and actions as the management of access takes them, ended and not.
fn grant() -> impl Strategy<Value = GrantRecord> {
    let thing = (
        prop::sample::select(&["agents", "stored-agents", "tickets"][..]),
        prop::sample::select(IDS),
    );
    let terms = (any::<bool>(), prop::option::of(-1..=1_i64));
    let (subject, action) = (
        prop::sample::select(SUBJECTS),
        prop::sample::select(ACTIONS),
    );
    (subject, thing, action, terms).prop_map(|(subject, (kind, id), action, (is_deny, end))| {
        let resource = ResourceRef {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        let subject = subject.parse().unwrap();
        let mut grant = GrantRecord::new(subject, resource, action.to_owned(), NOW);
        if is_deny {
            grant.effect = Effect::Deny;
        }
        grant.expires_at = end.map(|seconds| NOW + SignedDuration::from_secs(seconds));
        grant
    })
}
