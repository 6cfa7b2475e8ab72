use std::str::FromStr;

/// Longest name of a model in bytes.
const MAX_BYTES: usize = 200;

/// `provider/name`; the name may hold further slashes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ModelName {
    name: String,
    provider: String,
}

impl ModelName {
    /// Returns what stands before the first slash.
    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns what stands after the first slash: the name that the endpoint knows.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ours = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let theirs = |c: char| c.is_ascii_graphic();
        text.split_once('/')
            .filter(|(provider, name)| {
                text.len() <= MAX_BYTES
                    && !provider.is_empty()
                    && !name.is_empty()
                    && provider.chars().all(ours)
                    && name.chars().all(theirs)
                    // The client library takes what precedes `::` for a provider of its own.
                    && !name.contains("::")
            })
            .map(|(provider, name)| Self {
                name: name.to_owned(),
                provider: provider.to_owned(),
            })
            .ok_or_else(|| "must have the form `provider/name`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_follows_the_first_slash() {
        let name: ModelName = "open-router/vendor/model:free".parse().unwrap();

        assert_eq!(name.provider(), "open-router");
        assert_eq!(name.name(), "vendor/model:free");
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "x",
            "/",
            "/x",
            "x/",
            "a b/c",
            "a/b c",
            "a/b\n",
            "a/ä",
            "a/gemini::b",
        ] {
            assert!(text.parse::<ModelName>().is_err(), "{text:?}");
        }
        assert!(
            format!("a/{}", "x".repeat(199))
                .parse::<ModelName>()
                .is_err()
        );
    }
}
