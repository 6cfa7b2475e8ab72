//! What roles of a directory permit here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RoleId;
use crate::{PermissionPattern, permission::distinct};

/// The key whose grants go to every role that is not mapped.
const FALLBACK: &str = "_default";

/// Maps roles of an identity provider straight to grants (`RoleMapping`, phase 4).
///
/// The key `_default` stands for every role that is not mapped; without it such roles permit
/// nothing.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RoleMapping {
    grants: BTreeMap<RoleId, Vec<PermissionPattern>>,
}

impl RoleMapping {
    /// Creates a mapping; of entries with one role the last counts.
    pub fn new(grants: impl IntoIterator<Item = (RoleId, Vec<PermissionPattern>)>) -> Self {
        Self {
            grants: grants.into_iter().collect(),
        }
    }

    /// Collects what the roles permit, in the order of the roles and without repetition.
    ///
    /// No roles permit nothing, not even what `_default` grants; a provider that wants otherwise
    /// asks for the [`fallback`](Self::fallback).
    pub fn resolve(&self, roles: &[RoleId]) -> Vec<PermissionPattern> {
        distinct(
            roles
                .iter()
                .flat_map(|role| self.permissions(role))
                .cloned(),
        )
    }

    /// Returns what one role permits.
    pub fn permissions(&self, role: &RoleId) -> &[PermissionPattern] {
        self.grants
            .get(role)
            .map_or_else(|| self.fallback(), Vec::as_slice)
    }

    /// Returns what roles permit that are not mapped: the grants of `_default`, or none.
    pub fn fallback(&self) -> &[PermissionPattern] {
        self.grants.get(FALLBACK).map_or(&[], Vec::as_slice)
    }

    /// Lists the mapped roles, sorted, without `_default`.
    pub fn roles(&self) -> impl Iterator<Item = &RoleId> {
        self.grants.keys().filter(|role| role.as_str() != FALLBACK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallback_is_no_role() {
        let json = r#"{ "b": ["agents:*"], "a": [], "_default": ["logs:read"] }"#;
        let mapping: RoleMapping = serde_json::from_str(json).unwrap();

        let roles: Vec<_> = mapping.roles().map(RoleId::as_str).collect();

        assert_eq!(roles, ["a", "b"]);
        assert_eq!(mapping.fallback(), ["logs:read".parse().unwrap()]);
        assert!(RoleMapping::default().fallback().is_empty());
    }

    #[test]
    fn a_role_with_a_comma_in_its_name_is_one_role() {
        let grants = |text: &str| vec![text.parse().unwrap()];
        let id = |text: &str| RoleId::new(text).unwrap();
        let mapping = RoleMapping::new([
            (id("a"), grants("agents:read")),
            (id("b"), grants("agents:write")),
            (id("a,b"), grants("logs:read")),
        ]);

        assert_eq!(mapping.resolve(&[id("a,b")]), grants("logs:read"));
    }
}
