use std::time::Duration;

use ee_core::Error;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::{name::ModelName, openai::Target};
use crate::issues::Issues;

const OPENAI_BASE_URL: &str = "https://api.openai.com/v1/";
const OPENAI_DEFAULT_MODEL: &str = "openai/gpt-5-mini";

/// Which models agents may use and where they are.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelsConfig {
    /// Longest time of a whole answer in milliseconds.
    pub answer_timeout_ms: u64,
    /// Longest time of silence in milliseconds, before the answer and within it.
    pub idle_timeout_ms: u64,
    /// Models that are offered, as `provider/name`, the default first. Any model of the endpoint
    /// when empty.
    pub models: Vec<String>,
    /// Key of the endpoint. None is sent when absent.
    pub openai_api_key: Option<SecretString>,
    /// Address of an OpenAI-compatible endpoint up to and with `/v1`; OpenAI's own when only the key
    /// is set.
    pub openai_base_url: Option<String>,
    /// Refuses the built-in development model. Set by the program, not by a file.
    #[serde(skip)]
    pub production: bool,
    /// Pause before each word of the built-in model in milliseconds.
    pub word_delay_ms: u64,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            answer_timeout_ms: 600_000,
            idle_timeout_ms: 120_000,
            models: Vec::new(),
            openai_api_key: None,
            openai_base_url: None,
            production: false,
            word_delay_ms: 25,
        }
    }
}

/// A configuration without contradictions.
#[derive(Debug)]
pub(crate) struct CheckedConfig {
    /// The default when no models are listed.
    pub(crate) default_model: Option<String>,
    pub(crate) endpoint: Option<Target>,
    pub(crate) models: Vec<String>,
    pub(crate) only_provider: Option<&'static str>,
    /// Absent when the built-in model is refused.
    pub(crate) word_delay: Option<Duration>,
}

impl ModelsConfig {
    /// Checks every setting; empty texts count as absent, as they come from an environment.
    pub(crate) fn check(self) -> Result<CheckedConfig, Error> {
        let mut issues = Issues::default();
        let key = self
            .openai_api_key
            .filter(|key| !key.expose_secret().trim().is_empty());
        let address = self
            .openai_base_url
            .filter(|address| !address.trim().is_empty());
        if key.as_ref().is_some_and(|key| !is_header_text(key)) {
            issues.add(
                "openai_api_key",
                "holds characters that a header cannot carry",
            );
        }
        for (field, millis) in [
            ("answer_timeout_ms", self.answer_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
        ] {
            if millis == 0 {
                issues.add(field, "must not be 0");
            }
        }
        for (index, model) in self.models.iter().enumerate() {
            match model.parse::<ModelName>() {
                Err(problem) => issues.add(format!("models.{index}"), problem),
                Ok(name) if name.provider() == "echo" => {
                    issues.add(
                        format!("models.{index}"),
                        "`echo` is built in, leave it out",
                    );
                }
                Ok(_) => {}
            }
        }

        let is_openai = address.is_none();
        let base_url = match (address, &key) {
            (Some(address), _) => parse_base_url(&address)
                .map_err(|problem| issues.add("openai_base_url", problem))
                .ok(),
            (None, Some(_)) => Url::parse(OPENAI_BASE_URL).ok(),
            (None, None) => None,
        };
        if is_openai && key.is_none() && !self.models.is_empty() {
            issues.add("models", "needs `openai_base_url` or `openai_api_key`");
        }
        issues.into_result()?;

        let default_model =
            (is_openai && base_url.is_some()).then(|| OPENAI_DEFAULT_MODEL.to_owned());
        Ok(CheckedConfig {
            only_provider: default_model.is_some().then_some("openai"),
            default_model,
            endpoint: base_url.map(|base_url| Target {
                answer_timeout: Duration::from_millis(self.answer_timeout_ms),
                base_url,
                idle_timeout: Duration::from_millis(self.idle_timeout_ms),
                key,
            }),
            models: self.models,
            word_delay: (!self.production).then(|| Duration::from_millis(self.word_delay_ms)),
        })
    }
}

fn is_header_text(key: &SecretString) -> bool {
    http::HeaderValue::from_str(key.expose_secret().trim()).is_ok()
}

fn parse_base_url(address: &str) -> Result<Url, &'static str> {
    let Ok(mut url) = Url::parse(address.trim()) else {
        return Err("is not a URL");
    };
    if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
        return Err("must begin with `http://` or `https://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a name or password, set `openai_api_key`");
    }
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: serde_json::Value) -> Result<CheckedConfig, Error> {
        serde_json::from_value::<ModelsConfig>(config)
            .unwrap()
            .check()
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        let config = serde_json::json!({ "openai_key": "x" });

        assert!(serde_json::from_value::<ModelsConfig>(config).is_err());
    }

    #[test]
    fn the_base_url_ends_with_a_slash_and_keeps_its_query() {
        for (given, kept) in [
            ("http://h/v1", "http://h/v1/"),
            ("https://h/v1/", "https://h/v1/"),
            ("https://h/x?api-version=1#f", "https://h/x/?api-version=1"),
        ] {
            assert_eq!(parse_base_url(given).unwrap().as_str(), kept);
        }
        for given in ["h/v1", "ftp://h/", "https://u:p@h/", "data:x"] {
            assert!(parse_base_url(given).is_err(), "{given}");
        }
    }

    #[test]
    fn empty_texts_count_as_absent() {
        let checked = check(serde_json::json!({
            "openai_api_key": "", "openai_base_url": " "
        }));

        assert!(checked.unwrap().endpoint.is_none());
    }

    #[test]
    fn all_wrong_settings_are_named_and_the_key_is_not_printed() {
        let err = check(serde_json::json!({
            "idle_timeout_ms": 0,
            "models": ["x", "echo/dev", "a/b"],
            "openai_api_key": "secret\nkey",
            "openai_base_url": "nowhere",
        }))
        .unwrap_err();

        let fields: Vec<_> = err.issues().iter().map(|i| i.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "openai_api_key",
                "idle_timeout_ms",
                "models.0",
                "models.1",
                "openai_base_url"
            ]
        );
        assert!(!format!("{err:?}").contains("secret"));
    }

    #[test]
    fn models_without_an_endpoint_are_refused() {
        let err = check(serde_json::json!({ "models": ["a/b"] })).unwrap_err();

        assert_eq!(err.issues()[0].field, "models");
    }
}
