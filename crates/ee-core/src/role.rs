//! Roles: named sets of grants that may take over the grants of other roles.

use std::{borrow::Borrow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, ErrorKind, PermissionPattern};

mod mapping;
mod mark;
mod set;

pub use {mapping::RoleMapping, mark::RolesMark, set::RoleSet};

/// Longest role id in characters.
const MAX_ROLE_ID_CHARS: usize = 128;

/// Identifies a role. Directories choose these, so `:`, `,` and spaces are allowed.
///
/// A text of 1 to 128 characters without control characters.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(into = "String")]
#[serde(try_from = "String")]
pub struct RoleId(Box<str>);

impl RoleId {
    /// Parses a role id. Fails with [`ErrorKind::Invalid`] and the rule that was broken.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let problem = if text.is_empty() {
            "must not be empty"
        } else if text.chars().nth(MAX_ROLE_ID_CHARS).is_some() {
            "must not be longer than 128 characters"
        } else if text.chars().any(char::is_control) {
            "must not hold control characters"
        } else {
            return Ok(Self(text.into_boxed_str()));
        };
        Err(Error::new(
            ErrorKind::Invalid,
            format!("a role id {problem}"),
        ))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for RoleId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl TryFrom<String> for RoleId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl From<RoleId> for String {
    fn from(id: RoleId) -> Self {
        id.0.into_string()
    }
}

impl Serialize for RoleId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl Borrow<str> for RoleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A named set of grants (`RoleDefinition`, phase 4).
///
/// The text form is the wire's: camel case, unknown fields refused.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Role {
    /// What users and other roles name it by.
    pub id: RoleId,
    /// Its name for people.
    pub name: String,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it permits by itself.
    pub permissions: Vec<PermissionPattern>,
    /// The roles whose grants it has as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<RoleId>,
}

impl Role {
    /// Creates a role that inherits from none.
    pub fn new(
        id: RoleId,
        name: impl Into<String>,
        permissions: impl IntoIterator<Item = PermissionPattern>,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            description: None,
            permissions: permissions.into_iter().collect(),
            inherits: Vec::new(),
        }
    }

    /// Says what the role is for.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds roles whose grants it has as well.
    #[must_use]
    pub fn inherits(mut self, roles: impl IntoIterator<Item = RoleId>) -> Self {
        self.inherits.extend(roles);
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn role_ids_of_directories_are_kept_as_they_are() {
        for text in [
            "a,b",
            "team:ops",
            "Größte Gruppe",
            "_default",
            &"ü".repeat(128),
        ] {
            assert_eq!(RoleId::new(text).unwrap().as_str(), text);
        }
        for text in ["", "a\nb", "a\0", &"x".repeat(129)] {
            let error = RoleId::new(text).unwrap_err();

            assert_eq!(error.kind(), ErrorKind::Invalid, "{text:?}");
        }
    }

    #[test]
    fn a_role_is_written_as_on_the_wire() {
        let read = PermissionPattern::EVERYTHING;
        let role = Role::new("owner".parse().unwrap(), "Owner", [read])
            .description("May do everything.")
            .inherits(["admin".parse().unwrap()]);
        let json = json!({
            "id": "owner",
            "name": "Owner",
            "description": "May do everything.",
            "permissions": ["*"],
            "inherits": ["admin"],
        });

        assert_eq!(serde_json::to_value(&role).unwrap(), json);
        assert_eq!(serde_json::from_value::<Role>(json).unwrap(), role);
    }

    #[test]
    fn a_role_with_a_misspelt_field_or_a_broken_grant_is_refused() {
        for json in [
            json!({ "id": "a", "name": "A", "permissions": [], "inherit": ["b"] }),
            json!({ "id": "a", "name": "A", "permissions": [":read"] }),
            json!({ "id": "", "name": "A", "permissions": [] }),
            json!({ "id": "a", "name": "A" }),
        ] {
            assert!(
                serde_json::from_value::<Role>(json.clone()).is_err(),
                "{json}"
            );
        }
    }
}
