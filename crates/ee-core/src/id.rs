//! Identifiers as types, so that a user's id is never taken for an agent's.

use crate::{Error, ErrorKind};

/// Longest identifier in bytes.
pub const MAX_ID_BYTES: usize = 255;

fn check_text(what: &str, text: &str) -> Result<(), Error> {
    let problem = if text.is_empty() {
        "must not be empty"
    } else if text.len() > MAX_ID_BYTES {
        "must not be longer than 255 bytes"
    } else if text.chars().any(char::is_control) {
        "must not hold control characters"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Invalid, format!("{what} {problem}")))
}

/// Path ids are one path segment in its canonical form, whatever encodes or decodes it.
fn check_path_segment(what: &str, text: &str) -> Result<(), Error> {
    check_text(what, text)?;
    if text == "." || text == ".." || text.contains(['/', '\\', '%', ';', '?', '#']) {
        let message = format!("{what} must not be a dot segment or hold any of `/ \\ % ; ? #`");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(())
}

/// Words stand between underscores, so they hold none.
fn check_word(what: &str, text: &str) -> Result<(), Error> {
    check_text(what, text)?;
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Ok(());
    }
    let message = format!("{what} must hold letters, digits and hyphens only");
    Err(Error::new(ErrorKind::Invalid, message))
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, schemars::JsonSchema, serde::Deserialize, serde::Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses an identifier. Fails with [`ErrorKind::Invalid`] and the rule that was broken.
            pub fn new(text: impl Into<String>) -> Result<Self, Error> {
                let text = text.into();
                $check($what, &text)?;
                Ok(Self(text.into_boxed_str()))
            }

            /// Creates an identifier that sorts after the ones created before it (UUID version 7, RFC 9562 §5.7).
            pub fn ordered() -> Self {
                Self(uuid::Uuid::now_v7().to_string().into_boxed_str())
            }

            /// Creates a random identifier (UUID version 4).
            pub fn random() -> Self {
                Self(uuid::Uuid::new_v4().to_string().into_boxed_str())
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into_string()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

string_id!(
    /// Identifies a user within the provider that knows him.
    UserId, "a user id", check_text
);
string_id!(
    /// Identifies a stored agent.
    AgentId, "an agent id", check_path_segment
);
string_id!(
    /// Identifies a conversation.
    ThreadId, "a thread id", check_path_segment
);
string_id!(
    /// Identifies one message of a conversation.
    MessageId, "a message id", check_path_segment
);
string_id!(
    /// Identifies a workflow.
    WorkflowId, "a workflow id", check_path_segment
);
string_id!(
    /// Identifies one run of a workflow or of an agent.
    RunId, "a run id", check_path_segment
);

string_id!(
    /// Identifies a group of users.
    GroupId, "a group id", check_path_segment
);
string_id!(
    /// Identifies an API key; it stands in the key in front of the secret.
    KeyId, "a key id", check_word
);
string_id!(
    /// Identifies a one-time token for people who administer it. No secret.
    TokenId, "a token id", check_path_segment
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_ids_are_one_canonical_segment() {
        for text in [
            "", ".", "..", "a/b", "a\\b", "a%2fb", "a;b", "a?b", "a#b", "a\0b", "a\nb",
        ] {
            assert!(AgentId::new(text).is_err(), "{text:?}");
        }
        assert!(AgentId::new("x".repeat(256)).is_err());
        for text in ["agent", "a:b:c", "ünïcode", "a b", "...", "@x"] {
            assert_eq!(AgentId::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn user_ids_of_other_systems_are_kept_as_they_are() {
        assert_eq!(UserId::new("auth0|x/y").unwrap().as_str(), "auth0|x/y");
        assert!(serde_json::from_str::<UserId>("\"\"").is_err());
    }
}
