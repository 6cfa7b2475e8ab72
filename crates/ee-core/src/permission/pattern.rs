//! Grants.

use std::{borrow::Cow, collections::HashSet, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::{
    Action, Parts, Permission, Resource,
    pair::{Pair, PairSet},
    resource,
};
use crate::Error;

/// A grant: `agents:read`, `agents:read:my-agent`, `agents:*`, `*:read`, `stored:*` or `*`.
///
/// - The id is everything after the second colon, colons included.
/// - Nothing is trimmed or folded: `Agents:read` is not `agents:read`, `read,write` is no list.
/// - `*` alone covers everything. Otherwise `*` stands for any resource, any action or any id (the
///   last covers a requirement without an id too).
/// - `stored` in place of the resource covers every `stored-…` resource of the vocabulary.
/// - A grant without an id covers every id; a grant with an id does not cover a requirement
///   without one.
/// - `*` in place of the resource does not reach a [sensitive](Resource::is_sensitive) one:
///   `*:read` does not open `audit:read`. Only `*` alone and grants that name it do.
/// - A text of one part, such as `agents`, covers only its equal.
///
/// Parsing refuses only a text that names no resource, since other programs bring names of their
/// own.
#[derive(Clone, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(into = "String")]
#[serde(try_from = "String")]
pub struct PermissionPattern {
    text: Cow<'static, str>,
}

text_form!(PermissionPattern);

impl PermissionPattern {
    /// The grant `*`: everything, sensitive resources included.
    pub const EVERYTHING: Self = Self::fixed("*");

    /// Creates the grant `resource:action`.
    pub const fn known(resource: Resource, action: Action) -> Self {
        Self::fixed(resource.with_action(action))
    }

    /// Creates the grant `*:action`: the action on every resource that is not sensitive.
    pub const fn any_resource(action: Action) -> Self {
        Self::fixed(action.on_any())
    }

    /// Creates the grant `resource:*`: every action on the resource.
    pub const fn any_action(resource: Resource) -> Self {
        Self::fixed(resource.with_any())
    }

    /// Tells whether the grant covers the requirement.
    ///
    /// Compares text; to check against many grants, compile a
    /// [`PermissionSet`](super::PermissionSet).
    pub fn covers(&self, permission: &Permission) -> bool {
        self.covers_parts(&permission.parts())
    }

    /// Tells whether the grant covers everything that the other one covers.
    pub fn includes(&self, other: &Self) -> bool {
        // A wildcard in the place of a name is covered by the same wildcard and by wider ones alone.
        self.covers_parts(&other.parts())
    }

    /// Returns the grant that covers exactly what both cover; `None` when there is nothing.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        if self.includes(other) {
            return Some(other.clone());
        }
        if other.includes(self) {
            return Some(self.clone());
        }
        let (one, two) = (self.parts(), other.parts());
        let resource = narrower(one.resource, two.resource, covers_resource)?;
        let covers = |granted: &str, action: &str| granted == action || granted == "*";
        let action = narrower(one.action?, two.action?, covers)?;
        let id = match (specific_id(&one), specific_id(&two)) {
            (Some(one), Some(two)) if one != two => return None,
            (one, two) => one.or(two),
        };
        let text = match id {
            Some(id) => format!("{resource}:{action}:{id}"),
            None => format!("{resource}:{action}"),
        };
        text.parse().ok()
    }

    pub(super) fn covers_parts(&self, required: &Parts<'_>) -> bool {
        let grant = self.parts();
        covers_head(&grant, required)
            && specific_id(&grant).is_none_or(|id| required.id == Some(id))
    }

    /// Tells whether the grant covers the requirement for at least some id, or without one.
    pub(super) fn covers_head(&self, required: &Parts<'_>) -> bool {
        covers_head(&self.parts(), required)
    }

    /// Returns the one id that the grant is for; `*` means any and is none.
    pub(super) fn id(&self) -> Option<&str> {
        specific_id(&self.parts())
    }

    /// Collects the known pairs that the grant covers, for its id or for all.
    pub(super) fn pairs(&self) -> PairSet {
        if let Some(pair) = Pair::find(self.parts().head) {
            return PairSet::from_iter([pair]);
        }
        let grant = self.parts();
        let covered = |pair: &Pair| covers_head(&grant, &Parts::split(pair.text()));
        resource::pairs().filter(covered).collect()
    }

    /// Tells whether the grant can cover anything that is no known pair.
    pub(super) fn reaches_unknown_names(&self) -> bool {
        Pair::find(self.parts().head).is_none()
    }

    /// Tells whether the grant is `*` or `*:*`.
    pub(crate) fn is_full_wildcard(&self) -> bool {
        matches!(self.parts().head, "*" | "*:*") && self.id().is_none()
    }

    const fn fixed(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
        }
    }

    fn parse(text: Cow<'_, str>) -> Result<Self, Error> {
        let parts = Parts::parse(&text)?;
        let text = match Pair::find(parts.head) {
            Some(pair) if parts.id.is_none() => Cow::Borrowed(pair.text()),
            _ => Cow::Owned(text.into_owned()),
        };
        Ok(Self { text })
    }

    fn parts(&self) -> Parts<'_> {
        Parts::split(&self.text)
    }
}

/// Drops every grant that was there before, in order.
pub(crate) fn distinct(
    patterns: impl IntoIterator<Item = PermissionPattern>,
) -> Vec<PermissionPattern> {
    let mut seen = HashSet::with_hasher(foldhash::fast::RandomState::default());
    let unseen = |pattern: &PermissionPattern| seen.insert(pattern.clone());
    patterns.into_iter().filter(unseen).collect()
}

/// Returns the one of two names that the other one covers.
fn narrower<'a>(
    one: &'a str,
    two: &'a str,
    covers: impl Fn(&str, &str) -> bool,
) -> Option<&'a str> {
    if covers(one, two) {
        Some(two)
    } else if covers(two, one) {
        Some(one)
    } else {
        None
    }
}

fn covers_head(grant: &Parts<'_>, required: &Parts<'_>) -> bool {
    match (grant.action, required.action) {
        (None, _) if grant.resource == "*" => true,
        (None, None) => grant.resource == required.resource,
        (Some(granted), Some(action)) => {
            (granted == action || granted == "*")
                && covers_resource(grant.resource, required.resource)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn specific_id<'a>(grant: &Parts<'a>) -> Option<&'a str> {
    grant.id.filter(|&id| id != "*")
}

fn covers_resource(granted: &str, required: &str) -> bool {
    let known = || Resource::find(required);
    match granted {
        _ if granted == required => true,
        "*" => !known().is_some_and(Resource::is_sensitive),
        "stored" => known().is_some_and(Resource::is_stored),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_includes_what_it_covers_and_nothing_wider() {
        let pattern = |text: &str| text.parse::<PermissionPattern>().unwrap();
        for (grant, other, expected) in [
            ("*", "*", true),
            ("*", "audit:*", true),
            ("*:*", "*", false),
            ("*:*", "*:read", true),
            ("*:*", "audit:read", false),
            ("*:read", "*:*", false),
            ("*:read", "agents:read", true),
            ("*:read", "agents:*", false),
            ("*:read", "stored:read", true),
            ("stored:*", "stored-agents:write", true),
            ("stored:*", "agents:write", false),
            ("agents:read", "agents:read:a1", true),
            ("agents:read", "agents:read:*", true),
            ("agents:read:*", "agents:read", true),
            ("agents:read:a1", "agents:read", false),
            ("agents:read:a1", "agents:read:*", false),
            ("agents:read:a1", "agents:read:a1", true),
            ("agents:*", "agents:read", true),
            ("audit:*", "audit:read", true),
            ("agents", "agents", true),
            ("agents", "agents:read", false),
        ] {
            assert_eq!(
                pattern(grant).includes(&pattern(other)),
                expected,
                "{grant} includes {other}"
            );
        }
    }

    #[test]
    fn two_grants_meet_in_what_both_cover() {
        let pattern = |text: &str| text.parse::<PermissionPattern>().unwrap();
        for (one, two, expected) in [
            ("*", "audit:read", Some("audit:read")),
            ("*:*", "audit:read", None),
            ("*:read", "agents:*", Some("agents:read")),
            ("*:read", "audit:*", None),
            ("*:read:a1", "agents:*", Some("agents:read:a1")),
            ("agents:read:a1", "agents:read:a2", None),
            ("agents:*:a1", "agents:read:*", Some("agents:read:a1")),
            ("stored:*", "*:write", Some("stored:write")),
            ("stored:read", "stored-agents:*", Some("stored-agents:read")),
            ("stored:read", "agents:*", None),
            ("agents", "agents:read", None),
            ("agents", "*", Some("agents")),
            ("tickets:close", "*:close:t1", Some("tickets:close:t1")),
        ] {
            let expected = expected.map(pattern);
            assert_eq!(pattern(one).meet(&pattern(two)), expected, "{one} {two}");
            assert_eq!(pattern(two).meet(&pattern(one)), expected, "{two} {one}");
        }
    }

    fn covers(grant: &str, required: &str) -> bool {
        let grant: PermissionPattern = grant.parse().unwrap();
        grant.covers(&required.parse().unwrap())
    }

    #[test]
    fn a_resource_wildcard_does_not_reach_sensitive_resources() {
        for required in ["audit:read", "access:read", "license:read", "audit:read:x"] {
            for grant in ["*:read", "*:*", "*:read:x", "*:*:*", "stored:*"] {
                assert!(!covers(grant, required), "{grant} {required}");
            }
            assert!(covers("*", required));
        }
        assert!(covers("audit:read", "audit:read"));
        assert!(covers("audit:*", "audit:export"));
        assert!(covers("*:export", "datasets:export"));
    }

    #[test]
    fn names_of_other_programs_are_never_sensitive() {
        assert!(covers("*:read", "tickets:read"));
        assert!(covers("*:*", "Audit:read"));
        assert!(covers("*:approve", "agents:approve"));
        assert!(!covers("stored:*", "stored-tickets:read"));
    }

    #[test]
    fn a_star_as_the_id_means_any_and_none() {
        assert!(covers("agents:read:*", "agents:read:a:b"));
        assert!(covers("agents:read:*", "agents:read"));
        assert!(!covers("agents:read:a*", "agents:read:ab"));
        assert!(!covers("agents:read:a", "agents:read:*"));
    }

    #[test]
    fn the_requirement_of_a_star_needs_the_grant_of_a_star() {
        assert!(covers("*", "*"));
        assert!(!covers("*:*", "*"));
        assert!(covers("*:read", "*:read"));
        assert!(!covers("agents:*", "*:read"));
    }

    #[test]
    fn fixed_grants_equal_their_parsed_text() {
        let fixed = [
            (PermissionPattern::EVERYTHING, "*"),
            (
                PermissionPattern::known(Resource::Audit, Action::Export),
                "audit:export",
            ),
            (PermissionPattern::any_resource(Action::Write), "*:write"),
            (
                PermissionPattern::any_action(Resource::StoredSkills),
                "stored-skills:*",
            ),
        ];

        for (grant, text) in fixed {
            assert_eq!(grant, text.parse().unwrap());
        }
    }

    #[test]
    fn pairs_are_exactly_what_the_text_covers() {
        for text in super::super::permission_patterns() {
            let grant: PermissionPattern = text.parse().unwrap();
            let pairs = grant.pairs();

            for pair in resource::pairs() {
                assert_eq!(pairs.contains(pair), covers(text, pair.text()), "{text}");
            }
        }
    }
}
