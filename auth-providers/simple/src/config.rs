//! Options.

use std::fmt;

use ee_core::{RoleId, User, UserId};
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{SimpleConfigError, token::looks_like_email};

/// Tokens and whose they are.
///
/// ```
/// let config: ee_auth_simple::SimpleConfig = serde_json::from_str(
///     r#"{
///         "tokens": { "sk-3f1b0c5e9a7d4422": { "id": "ada", "name": "Ada", "role": "owner" } },
///         "headers": "X-Api-Token"
///     }"#,
/// )?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SimpleConfig {
    /// Headers that carry a token beside `Authorization` and `X-Playground-Access`: a name or a list of names.
    #[serde(deserialize_with = "one_or_many")]
    pub headers: Vec<String>,
    /// Tokens, each with its user.
    #[serde(deserialize_with = "pairs")]
    pub tokens: Vec<(SecretString, SimpleUser)>,
    /// The same under the name that the specification uses; the two are taken together.
    #[serde(deserialize_with = "pairs")]
    pub users: Vec<(SecretString, SimpleUser)>,
}

impl SimpleConfig {
    /// Starts without tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header that carries a token.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(name.into());
        self
    }

    /// Adds a token of a user.
    #[must_use]
    pub fn token(mut self, token: impl Into<SecretString>, user: SimpleUser) -> Self {
        self.tokens.push((token.into(), user));
        self
    }
}

/// A user as configured. Fields of other names are kept as metadata.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SimpleUser {
    /// Who it is.
    pub id: UserId,
    /// Name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Picture, an absolute URL.
    #[serde(alias = "avatar_url", default)]
    pub avatar_url: Option<String>,
    /// His one role.
    #[serde(default)]
    pub role: Option<RoleId>,
    /// His roles: a name or a list of names.
    #[serde(default, deserialize_with = "one_or_many")]
    pub roles: Vec<RoleId>,
    /// What else there is to know.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl SimpleUser {
    /// Describes a user of whom only the id is known.
    pub fn new(id: UserId) -> Self {
        Self {
            id,
            name: None,
            email: None,
            avatar_url: None,
            role: None,
            roles: Vec::new(),
            metadata: Map::new(),
            more: Map::new(),
        }
    }

    /// Gives the user a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Gives the user an e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Gives the user one more role.
    #[must_use]
    pub fn role(mut self, role: RoleId) -> Self {
        self.roles.push(role);
        self
    }

    pub(crate) fn into_user(self) -> Result<User, SimpleConfigError> {
        let id = self.id;
        if self
            .email
            .as_deref()
            .is_some_and(|email| !looks_like_email(email))
        {
            return Err(SimpleConfigError::UserEmail { user: id });
        }
        if self.role.is_some() && !self.roles.is_empty() {
            return Err(SimpleConfigError::RoleTwice { user: id });
        }
        let mut user = User::new(id);
        user.avatar_url = self.avatar_url;
        user.email = self.email;
        user.metadata = self.metadata;
        user.metadata.extend(self.more);
        user.name = self.name;
        user.roles = self.roles;
        user.roles.extend(self.role);
        Ok(user)
    }
}

fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a list of texts")]
    enum OneOrMany<T> {
        Many(Vec<T>),
        One(T),
    }

    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::Many(list) => list,
        OneOrMany::One(one) => vec![one],
    })
}

/// Keeps entries with equal keys, so that a token that comes twice is noticed.
fn pairs<'de, D>(deserializer: D) -> Result<Vec<(SecretString, SimpleUser)>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(SecretString, SimpleUser)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map from tokens to users")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(0).min(1_024));
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(Pairs)
}
