//! What the configuration says about the record.

use std::{fmt, path::PathBuf};

use ee::{
    AuditOutcome,
    audit::{
        delivery::OnFull, integrity::VerifierKey, policy::Mode, redact::RedactionConfig,
        retention::RetentionConfig, sink::SinkSettings,
    },
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{Format, effective::REDACTED, without_secrets};

/// What is recorded, how surely, and who gets it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditConfig {
    /// Actions that the console shows, exact or with `*` at the end; all when empty.
    pub(crate) actions: Vec<String>,
    /// Key of the digests that stand in place of values, of 32 bytes at least. Made from the signing key when not set.
    pub(crate) digest_key: Option<SecretString>,
    /// Whether the console shows lines for people or JSON.
    pub(crate) format: Format,
    pub(crate) integrity: IntegrityConfig,
    /// Outcomes that the console shows; all when empty.
    pub(crate) outcomes: Vec<AuditOutcome>,
    /// How surely which events are kept; the first rule that fits counts.
    pub(crate) policy: Vec<PolicyRule>,
    pub(crate) redaction: RedactionConfig,
    pub(crate) retention: RetentionConfig,
    pub(crate) sinks: Vec<SinkSettings>,
    pub(crate) spool: SpoolSection,
}

/// What makes changes of the record visible.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IntegrityConfig {
    /// Where checkpoints are published: `file:PATH` or an https address.
    pub(crate) anchors: Vec<String>,
    /// Begins the name of every log in its checkpoints. Those before a change are not found under the new name.
    pub(crate) deployment: Option<String>,
    /// The keys that sign. Two while one takes over from the other.
    pub(crate) keys: Vec<KeySource>,
    /// Public keys that have signed before.
    pub(crate) known: Vec<String>,
}

/// Where a key is: `file:PATH` or `env:NAME`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum KeySource {
    Environment(String),
    File(PathBuf),
}

impl<'de> Deserialize<'de> for KeySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Environment(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            // It may be the key itself.
            _ => Err(D::Error::custom("is neither `file:PATH` nor `env:NAME`")),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// How surely events of some actions are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyRule {
    /// Actions, each with a `*` at one end if it stands for several, with `|` between them.
    #[serde(rename = "match")]
    pub(crate) actions: String,
    pub(crate) mode: Mode,
}

/// Where events wait for the store.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SpoolSection {
    /// A directory of its own; one in the data directory when not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
    /// How much of the disk stays free, in percent.
    pub(crate) keep_free_percent: u8,
    /// How much it may take, in MiB.
    pub(crate) max_mib: u64,
    /// What happens when it is full.
    pub(crate) on_full: OnFull,
}

/// What `config print` shows of the section.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    actions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest_key: Option<&'static str>,
    format: Format,
    outcomes: Vec<AuditOutcome>,
    integrity: ShownIntegrity,
    policy: Vec<ShownRule>,
    redaction: RedactionConfig,
    retention: RetentionConfig,
    sinks: Vec<ShownSink>,
    spool: SpoolSection,
}

#[derive(Debug, Serialize)]
struct ShownIntegrity {
    anchors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment: Option<String>,
    keys: Vec<String>,
    known: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ShownRule {
    #[serde(rename = "match")]
    actions: String,
    mode: Mode,
}

#[derive(Debug, Serialize)]
struct ShownSink {
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    name: String,
    to: &'static str,
}

impl From<&AuditConfig> for Shown {
    fn from(config: &AuditConfig) -> Self {
        let integrity = &config.integrity;
        let rules = config.policy.iter().map(|rule| ShownRule {
            actions: rule.actions.clone(),
            mode: rule.mode,
        });
        let sinks = config.sinks.iter().map(|sink| ShownSink {
            filter: sink.filter.clone(),
            name: sink.name.to_string(),
            to: sink.to.kind(),
        });
        Self {
            actions: config.actions.clone(),
            digest_key: config.digest_key.as_ref().map(|_| REDACTED),
            format: config.format,
            outcomes: config.outcomes.clone(),
            integrity: ShownIntegrity {
                anchors: integrity.anchors.iter().map(|it| anchor_name(it)).collect(),
                deployment: integrity.deployment.clone(),
                keys: integrity.keys.iter().map(ToString::to_string).collect(),
                known: integrity.known.iter().map(|it| public_key(it)).collect(),
            },
            policy: rules.collect(),
            redaction: config.redaction.clone(),
            retention: config.retention.clone(),
            sinks: sinks.collect(),
            spool: config.spool.clone(),
        }
    }
}

/// Returns what an anchor is called: its address without what may be a secret.
pub(crate) fn anchor_name(text: &str) -> String {
    match text.strip_prefix("file:") {
        Some(_) => text.to_owned(),
        None => without_secrets(text),
    }
}

/// Shows a public key. What is none may be the private one.
fn public_key(text: &str) -> String {
    let key = text.parse::<VerifierKey>();
    key.map_or_else(|_| REDACTED.to_owned(), |key| key.to_string())
}

impl Default for SpoolSection {
    fn default() -> Self {
        Self {
            dir: None,
            keep_free_percent: 10,
            max_mib: 1_024,
            on_full: OnFull::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_of_what_may_be_a_secret() {
        let mut config = AuditConfig {
            digest_key: Some("s3cret-of-the-digests".into()),
            ..AuditConfig::default()
        };
        config.integrity.anchors = vec![
            "https://ee:s3cret@log.example.com/in?token=s3cret".to_owned(),
            "file:/var/lib/anchors.txt".to_owned(),
        ];
        config.integrity.known = vec!["PRIVATE+KEY+ee+0a1b2c3d+s3cret".to_owned()];

        let shown = serde_json::to_string(&Shown::from(&config)).unwrap();

        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("https://log.example.com/in"), "{shown}");
        assert!(shown.contains("file:/var/lib/anchors.txt"), "{shown}");
    }
}
