//! What a route requires, what a role grants, and whether the two meet.
//!
//! A requirement ([`Permission`]) and a grant ([`PermissionPattern`], which tells the rules) are
//! both written `resource:action` or `resource:action:id`. A [`PermissionSet`] is the compiled
//! form of many grants and answers in nanoseconds.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, ErrorKind};

/// Gives a type that wraps a checked `text` its conversions from and to that text.
macro_rules! text_form {
    ($name:ident) => {
        impl $name {
            /// Returns the text as it was written.
            pub fn as_str(&self) -> &str {
                &self.text
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.text).finish()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.text)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text.into())
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(text: &str) -> Result<Self, Error> {
                Self::parse(text.into())
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(text.into())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.text.into_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.text)
            }
        }
    };
}

mod pair;
mod pattern;
mod resource;
mod set;

use pair::Pair;
pub(crate) use pattern::distinct;
pub use {
    pattern::PermissionPattern,
    resource::{Action, Resource, permission_patterns},
    set::PermissionSet,
};

/// What somebody must be allowed to do: `agents:read`, or `agents:read:my-agent` for one thing.
///
/// A known resource and action make a static that [`PermissionSet::allows`] answers by one bit:
///
/// ```
/// use ee_core::{Action, Permission, Resource};
///
/// static READ_AGENTS: Permission = Permission::known(Resource::Agents, Action::Read);
///
/// assert_eq!(READ_AGENTS, "agents:read".parse()?);
/// # Ok::<(), ee_core::Error>(())
/// ```
///
/// Resources and actions of other programs are accepted and never sensitive. The requirement `*`
/// is a text of one part: only the grant `*` covers it.
#[derive(Clone, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(into = "String")]
#[serde(try_from = "String")]
pub struct Permission {
    text: Cow<'static, str>,
    /// INVARIANT: the length of `resource:action` within `text`.
    head: usize,
    /// INVARIANT: whether something follows that.
    has_id: bool,
    /// INVARIANT: what [`Pair::find`] answers for `resource:action`.
    pair: Option<Pair>,
}

text_form!(Permission);

impl Permission {
    /// Creates the permission for an action on a known resource, without an id.
    pub const fn known(resource: Resource, action: Action) -> Self {
        let text = resource.with_action(action);
        Self {
            text: Cow::Borrowed(text),
            head: text.len(),
            has_id: false,
            pair: Some(Pair { resource, action }),
        }
    }

    /// Returns the same permission for the thing with this id, in place of an id it may have.
    ///
    /// A text of one part has no place for an id and stays as it is.
    #[must_use]
    pub fn on(&self, id: &str) -> Self {
        let parts = self.parts();
        if parts.action.is_none() {
            return self.clone();
        }
        Self {
            text: format!("{}:{id}", parts.head).into(),
            head: self.head,
            has_id: true,
            pair: self.pair,
        }
    }

    /// Returns the part before the first colon.
    pub fn resource(&self) -> &str {
        self.parts().resource
    }

    /// Returns the part between the first colon and the second, none in a text of one part.
    pub fn action(&self) -> Option<&str> {
        self.parts().action
    }

    /// Returns both where they are known ones.
    pub(crate) fn known_pair(&self) -> Option<(Resource, Action)> {
        self.pair.map(|pair| (pair.resource, pair.action))
    }

    /// Returns everything after the second colon.
    #[inline]
    pub fn id(&self) -> Option<&str> {
        self.text.get(self.head + 1..)
    }

    fn parse(text: Cow<'_, str>) -> Result<Self, Error> {
        let parts = Parts::parse(&text)?;
        let (head, has_id, pair) = (parts.head.len(), parts.id.is_some(), Pair::find(parts.head));
        let text = match pair {
            Some(pair) if !has_id => Cow::Borrowed(pair.text()),
            _ => Cow::Owned(text.into_owned()),
        };
        Ok(Self {
            text,
            head,
            has_id,
            pair,
        })
    }

    fn parts(&self) -> Parts<'_> {
        Parts::split(&self.text)
    }
}

/// A permission text taken apart at its first two colons.
#[derive(Clone, Copy, Debug)]
struct Parts<'a> {
    /// `resource:action`, or the whole of a text of one part.
    head: &'a str,
    resource: &'a str,
    action: Option<&'a str>,
    id: Option<&'a str>,
}

impl<'a> Parts<'a> {
    #[inline]
    fn split(text: &'a str) -> Self {
        let Some((resource, rest)) = cut(text) else {
            return Self {
                head: text,
                resource: text,
                action: None,
                id: None,
            };
        };
        let (action, id) = match cut(rest) {
            Some((action, id)) => (action, Some(id)),
            None => (rest, None),
        };
        let head = text.get(..resource.len() + 1 + action.len());
        Self {
            head: head.unwrap_or(text),
            resource,
            action: Some(action),
            id,
        }
    }

    /// Takes apart and refuses what names no resource.
    fn parse(text: &'a str) -> Result<Self, Error> {
        let parts = Self::split(text);
        if parts.resource.is_empty() {
            let message = format!("invalid permission `{text}`: the resource is missing");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(parts)
    }
}

/// Splits at the first colon. For texts this short a plain loop is faster than `split_once`.
#[inline]
fn cut(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().position(|byte| byte == b':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(text: &str) -> Permission {
        text.parse().unwrap()
    }

    #[test]
    fn the_id_is_everything_after_the_second_colon() {
        let on_a_path = permission("agents:read:team:a b:");

        assert_eq!(on_a_path.resource(), "agents");
        assert_eq!(on_a_path.action(), Some("read"));
        assert_eq!(on_a_path.id(), Some("team:a b:"));
        assert_eq!(permission("agents:read").id(), None);
        assert_eq!(permission("agents:read:").id(), Some(""));
        assert_eq!(permission("agents").action(), None);
        assert_eq!(permission("agents").id(), None);
        assert_eq!(permission("ägents:read:ü").id(), Some("ü"));
    }

    #[test]
    fn text_without_a_resource_is_refused_by_name() {
        for text in ["", ":", ":read", ":read:a1"] {
            let error = text.parse::<Permission>().unwrap_err();

            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(&format!("`{text}`")), "{error}");
            assert!(text.parse::<PermissionPattern>().is_err());
        }
    }

    #[test]
    fn known_permissions_equal_their_parsed_text() {
        for &resource in Resource::ALL {
            for &action in Action::ALL {
                let known = Permission::known(resource, action);
                let text = format!("{resource}:{action}");

                assert_eq!(known.as_str(), text);
                assert_eq!(known, permission(&text));
                assert_eq!(known.on("a:1"), permission(&format!("{text}:a:1")));
            }
        }
    }

    #[test]
    fn an_id_replaces_the_id_and_one_part_takes_none() {
        assert_eq!(
            permission("tickets:read:a").on("b").as_str(),
            "tickets:read:b"
        );
        assert_eq!(permission("agents").on("b").as_str(), "agents");
    }

    #[test]
    fn json_is_the_plain_text() {
        let json = serde_json::json!("agents:read:a1");

        let read: Permission = serde_json::from_value(json.clone()).unwrap();
        let schema = schemars::schema_for!(Permission).to_value();

        assert_eq!(serde_json::to_value(&read).unwrap(), json);
        assert_eq!(
            format!("{read:?} {read}"),
            r#"Permission("agents:read:a1") agents:read:a1"#
        );
        assert!(serde_json::from_str::<Permission>(r#"":read""#).is_err());
        assert_eq!(schema["type"], "string");
    }
}
