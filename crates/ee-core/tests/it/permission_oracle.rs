//! Compiled checks against the rules written down once more, as directly as they can be.

use ee_core::{Permission, PermissionPattern, PermissionSet};
use proptest::prelude::*;

const RESOURCES: &[&str] = &[
    "*",
    "agents",
    "audit",
    "stored",
    "stored-agents",
    "stored-x",
    "tickets",
    "ü",
];
const ACTIONS: &[&str] = &["*", "read", "write", "approve", ""];
const SENSITIVE: [&str; 3] = ["access", "audit", "license"];
const STORED: [&str; 7] = [
    "stored-agents",
    "stored-mcp-clients",
    "stored-prompt-blocks",
    "stored-scorers",
    "stored-skills",
    "stored-workflows",
    "stored-workspaces",
];
const IDS: &[&str] = &["*", "a", "a:b", "", ":", "ü"];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn compiled_and_naive_checks_agree(
        grants in prop::collection::vec(text(), 0..8),
        required in text(),
        id in id(),
    ) {
        let patterns: Vec<PermissionPattern> =
            grants.iter().map(|text| text.parse().unwrap()).collect();
        let asked: Permission = required.parse().unwrap();
        let asked_on = asked.on(id);
        let naive = |required: &str| grants.iter().any(|grant| covers(grant, required));
        let expected = naive(&required);

        let set = PermissionSet::compile(patterns.clone());

        prop_assert_eq!(set.allows(&asked), expected);
        prop_assert_eq!(set.allows_text(&required), expected);
        prop_assert_eq!(patterns.iter().any(|grant| grant.covers(&asked)), expected);
        prop_assert_eq!(set.matching(&asked).is_some(), expected);
        prop_assert_eq!(set.allows_on(&asked, id), naive(asked_on.as_str()));
        prop_assert_eq!(set.allows_text(asked_on.as_str()), naive(asked_on.as_str()));
    }

    #[test]
    fn something_is_allowed_if_any_granted_id_or_none_is(
        grants in prop::collection::vec(text(), 0..8),
        required in text(),
    ) {
        let head = required.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
        let asked: Permission = head.parse().unwrap();
        let ids = grants.iter().filter_map(|grant| grant.splitn(3, ':').nth(2));
        let mut candidates = ids.map(|id| asked.on(id)).chain([asked.clone()]);
        let expected = candidates
            .any(|asked| grants.iter().any(|grant| covers(grant, asked.as_str())));

        let set = PermissionSet::compile(grants.iter().map(|text| text.parse().unwrap()));

        prop_assert_eq!(set.allows_some(&asked), expected);
        prop_assert_eq!(set.allows_some(&required.parse().unwrap()), expected);
    }

    #[test]
    fn no_text_makes_a_check_fail(grant in ".{0,12}", required in ".{0,12}") {
        let set: PermissionSet = grant.parse().into_iter().collect();
        let asked: Option<Permission> = required.parse().ok();

        let allowed = asked.as_ref().is_some_and(|asked| set.allows(asked));

        prop_assert_eq!(set.allows_text(&required), allowed);
        prop_assert_eq!(asked.is_some(), !required.is_empty() && !required.starts_with(':'));
    }
}

/// Texts of few different parts, so that grants and requirements often meet.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let rest = (prop::sample::select(ACTIONS), prop::option::of(id()));
    let parts = (prop::sample::select(RESOURCES), prop::option::of(rest));
    parts.prop_map(|(resource, rest)| match rest {
        None => resource.to_owned(),
        Some((action, None)) => format!("{resource}:{action}"),
        Some((action, Some(id))) => format!("{resource}:{action}:{id}"),
    })
}

pub(crate) fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(IDS)
}

fn covers(grant: &str, required: &str) -> bool {
    let granted: Vec<&str> = grant.splitn(3, ':').collect();
    let asked: Vec<&str> = required.splitn(3, ':').collect();
    match (&granted[..], &asked[..]) {
        (["*"], _) => true,
        ([resource, action, id @ ..], [asked_resource, asked_action, asked_id @ ..]) => {
            let same_resource = resource == asked_resource
                || *resource == "*" && !SENSITIVE.contains(asked_resource)
                || *resource == "stored" && STORED.contains(asked_resource);
            let same_action = action == asked_action || *action == "*";
            same_resource && same_action && (id.is_empty() || id == ["*"] || id == asked_id)
        }
        _ => grant == required,
    }
}
