use std::fmt;

use ee_core::Error;
use serde::{Deserialize, Serialize};

/// Most bytes of a name.
const MAX_BYTES: usize = 64;

/// What a sink is called: lower-case letters, digits, `-` and `_`, beginning with a letter.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct SinkName(String);

impl SinkName {
    /// Takes a name. Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid).
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let plain = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let fits = text.len() <= MAX_BYTES
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(plain);
        if fits {
            Ok(Self(text))
        } else {
            Err(Error::invalid_field(
                "name",
                "is not a name of a sink: 1 to 64 lower-case letters, digits, `-` and `_`, a letter first",
            ))
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SinkName> for String {
    fn from(name: SinkName) -> Self {
        name.0
    }
}

impl TryFrom<String> for SinkName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_path() {
        for text in ["siem", "siem-2", "a_b"] {
            assert!(SinkName::new(text).is_ok(), "{text}");
        }
        let long = "a".repeat(65);
        for text in [
            "", ".", "..", "a/b", "a.b", "A", "-a", "1a", "ä", "a b", "a\0", &long,
        ] {
            assert!(SinkName::new(text).is_err(), "{text:?}");
        }
    }
}
