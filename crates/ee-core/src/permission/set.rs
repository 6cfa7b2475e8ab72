//! Many grants, compiled.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{
    Parts, Permission, PermissionPattern,
    pair::{Pair, PairSet},
    pattern::distinct,
};

/// The compiled form of all grants of somebody.
///
/// A check never allocates. A known pair costs one bit test, a grant for one id one hash look-up
/// however many there are; names of other programs are compared with the few grants that can
/// reach them. Compile once for a set of roles and share it in an `Arc`. The empty set allows
/// nothing.
///
/// ```
/// use ee_core::{Action, Permission, PermissionSet, Resource};
///
/// let set = PermissionSet::compile(["*:read".parse()?, "agents:write:a1".parse()?]);
///
/// let write = Permission::known(Resource::Agents, Action::Write);
/// assert!(set.allows_text("tools:read"));
/// assert!(!set.allows(&write) && set.allows_on(&write, "a1"));
/// # Ok::<(), ee_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PermissionSet {
    /// As given, without repetition.
    patterns: Vec<PermissionPattern>,
    /// Pairs allowed with every id and without one.
    open: PairSet,
    /// Pairs allowed for something: `open` and all of `by_id`.
    reached: PairSet,
    /// Pairs allowed for one id.
    by_id: HashMap<Box<str>, PairSet, RandomState>,
    /// The patterns that can cover what is no known pair.
    loose: Vec<PermissionPattern>,
    full_wildcard: bool,
}

impl PermissionSet {
    /// Compiles grants. Their order matters only to [`patterns`](Self::patterns) and
    /// [`matching`](Self::matching).
    pub fn compile(patterns: impl IntoIterator<Item = PermissionPattern>) -> Self {
        let mut set = Self {
            patterns: distinct(patterns),
            ..Self::default()
        };
        for pattern in &set.patterns {
            let pairs = pattern.pairs();
            match pattern.id() {
                None => set.open.extend(&pairs),
                Some(_) if pairs.is_empty() => {}
                Some(id) => set.by_id.entry(id.into()).or_default().extend(&pairs),
            }
            set.reached.extend(&pairs);
            set.full_wildcard |= pattern.is_full_wildcard();
            if pattern.reaches_unknown_names() {
                set.loose.push(pattern.clone());
            }
        }
        set
    }

    /// Tells whether a grant covers the requirement.
    #[inline]
    pub fn allows(&self, permission: &Permission) -> bool {
        match permission.pair {
            None => self.allows_loosely(&permission.parts()),
            Some(pair) if !permission.has_id => self.open.contains(pair),
            Some(pair) => permission
                .id()
                .is_some_and(|id| self.allows_pair_on(pair, id)),
        }
    }

    /// Tells whether a grant covers the requirement for the whole resource; an id of the permission plays no part.
    #[inline]
    pub fn allows_whole(&self, permission: &Permission) -> bool {
        match permission.pair {
            Some(pair) => self.open.contains(pair),
            None => self.allows_loosely(&Parts {
                id: None,
                ..permission.parts()
            }),
        }
    }

    /// Tells whether a grant covers the requirement for the thing with this id.
    ///
    /// The same as `allows(&permission.on(id))` without building the text.
    #[inline]
    pub fn allows_on(&self, permission: &Permission, id: &str) -> bool {
        match permission.pair {
            Some(pair) => self.allows_pair_on(pair, id),
            None => self.allows_loosely(&Parts {
                id: Some(id),
                ..permission.parts()
            }),
        }
    }

    /// Tells whether a grant covers the requirement for at least one id, or without one.
    ///
    /// For lists: who may read some agents may ask for the list and gets those. An id of the
    /// permission itself plays no part.
    #[inline]
    pub fn allows_some(&self, permission: &Permission) -> bool {
        if let Some(pair) = permission.pair {
            return self.reached.contains(pair);
        }
        let required = permission.parts();
        self.loose
            .iter()
            .any(|pattern| pattern.covers_head(&required))
    }

    /// Lists the ids that grants for single things name for the requirement, some perhaps again. An id of the
    /// permission itself plays no part.
    pub fn ids(&self, permission: &Permission) -> impl Iterator<Item = &str> {
        let pair = permission.pair;
        let known = self.by_id.iter().filter_map(move |(id, pairs)| {
            let is_meant = pair.is_some_and(|pair| pairs.contains(pair));
            is_meant.then_some(&**id)
        });
        let required = permission.parts();
        let loose = self.loose.iter().filter(move |pattern| {
            pair.is_none() && pattern.id().is_some() && pattern.covers_head(&required)
        });
        known.chain(loose.filter_map(PermissionPattern::id))
    }

    /// Tells whether a grant covers the requirement with this text; `false` if it is malformed.
    pub fn allows_text(&self, text: &str) -> bool {
        match Pair::find(text) {
            Some(pair) => self.open.contains(pair),
            None => self.allows_text_in_parts(text),
        }
    }

    /// Tells whether the set holds `*` or `*:*`, as those have who may see all roles.
    ///
    /// This is no answer to a check: `*:*` does not reach sensitive resources.
    pub const fn has_full_wildcard(&self) -> bool {
        self.full_wildcard
    }

    /// Tells whether whoever holds the set could hand this grant on: one of his own covers all that it covers.
    pub fn includes(&self, pattern: &PermissionPattern) -> bool {
        self.patterns.iter().any(|held| held.includes(pattern))
    }

    /// Returns the grants that cover exactly what both the grant and the set cover.
    pub(crate) fn meet(&self, pattern: PermissionPattern) -> Vec<PermissionPattern> {
        if self.includes(&pattern) {
            return vec![pattern];
        }
        let held = self.patterns.iter();
        held.filter_map(|held| held.meet(&pattern)).collect()
    }

    /// Finds the first grant that covers the requirement, to explain an answer.
    pub fn matching(&self, permission: &Permission) -> Option<&PermissionPattern> {
        let required = permission.parts();
        self.patterns
            .iter()
            .find(|pattern| pattern.covers_parts(&required))
    }

    /// Lists the grants in the order given, without repetition.
    pub fn patterns(&self) -> &[PermissionPattern] {
        &self.patterns
    }

    fn allows_pair_on(&self, pair: Pair, id: &str) -> bool {
        // The second test spares whoever has no grant for an id the hash.
        self.open.contains(pair)
            || self.reached.contains(pair)
                && self.by_id.get(id).is_some_and(|pairs| pairs.contains(pair))
    }

    /// Answers for a text that is no known pair as a whole. Out of line, to keep that path short.
    #[inline(never)]
    fn allows_text_in_parts(&self, text: &str) -> bool {
        let required = Parts::split(text);
        match (Pair::find(required.head), required.id) {
            (Some(pair), Some(id)) => self.allows_pair_on(pair, id),
            _ => !required.resource.is_empty() && self.allows_loosely(&required),
        }
    }

    fn allows_loosely(&self, required: &Parts<'_>) -> bool {
        self.loose
            .iter()
            .any(|pattern| pattern.covers_parts(required))
    }
}

impl FromIterator<PermissionPattern> for PermissionSet {
    fn from_iter<T: IntoIterator<Item = PermissionPattern>>(patterns: T) -> Self {
        Self::compile(patterns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(patterns: &[&str]) -> PermissionSet {
        PermissionSet::compile(patterns.iter().map(|text| text.parse().unwrap()))
    }

    fn permission(text: &str) -> Permission {
        text.parse().unwrap()
    }

    #[test]
    fn the_empty_set_allows_nothing() {
        let empty = PermissionSet::default();

        for text in [
            "agents:read",
            "agents:read:a1",
            "agents",
            "tickets:read",
            "*",
            "",
        ] {
            assert!(!empty.allows_text(text));
        }
    }

    #[test]
    fn malformed_text_is_never_allowed() {
        let owner = set(&["*"]);

        assert!(
            ["", ":", ":read", "::x"]
                .iter()
                .all(|text| !owner.allows_text(text))
        );
        assert!(owner.allows_text("anything"));
    }

    #[test]
    fn grants_for_ids_open_exactly_these() {
        let ids: Vec<_> = (0..1000).map(|n| format!("agents:read:a{n}")).collect();
        let set = set(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        let read = permission("agents:read");

        assert!(set.allows_on(&read, "a0") && set.allows_on(&read, "a999"));
        assert!(!set.allows_on(&read, "a1000") && !set.allows(&read));
        assert!(!set.allows_on(&permission("agents:write"), "a0"));
        assert!(set.allows_some(&read) && !set.allows_some(&permission("agents:write")));
    }

    #[test]
    fn only_full_wildcards_count_as_full() {
        for (pattern, full) in [
            ("*", true),
            ("*:*", true),
            ("*:*:*", true),
            ("*:*:x", false),
            ("*:read", false),
            ("agents:*", false),
        ] {
            assert_eq!(set(&[pattern]).has_full_wildcard(), full, "{pattern}");
        }
    }

    #[test]
    fn the_first_grant_that_covers_explains() {
        let set = set(&["tools:*", "agents:read:a1", "*:read", "agents:*", "tools:*"]);
        let explain = |text| {
            set.matching(&permission(text))
                .map(PermissionPattern::as_str)
        };

        assert_eq!(set.patterns().len(), 4);
        assert_eq!(explain("agents:read:a1"), Some("agents:read:a1"));
        assert_eq!(explain("agents:read"), Some("*:read"));
        assert_eq!(explain("agents:write"), Some("agents:*"));
        assert_eq!(explain("audit:read"), None);
    }
}
