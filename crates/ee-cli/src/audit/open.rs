//! What the configuration makes of the record, without starting anything.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use ee::{
    AuditTableFormat,
    audit::{
        integrity::{Anchor, FileAnchor, HttpAnchor, SigningKey, VerifierKey, VerifierKeys},
        policy::Policy,
        query::Cursors,
        redact::{DigestKey, Redactor},
        retention::RetentionConfig,
        sink::SinkSettings,
        spool::SpoolConfig,
    },
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{KeySource, Loaded, anchor_name, variable};

/// The log that this server writes to.
pub(crate) const PARTITION: &str = "default";
/// Begins the name of every log in its checkpoints, where nothing else is configured.
const DEPLOYMENT: &str = "mastra-ee";
const MIB: u64 = 1_024 * 1_024;

/// Returns what begins the name of every log in its checkpoints.
pub(crate) fn deployment(loaded: &Loaded) -> &str {
    let configured = loaded.config.audit.integrity.deployment.as_deref();
    configured.unwrap_or(DEPLOYMENT)
}

/// Returns where events wait for the store.
pub(crate) fn spool_dir(loaded: &Loaded) -> PathBuf {
    let configured = loaded.config.audit.spool.dir.clone();
    configured.unwrap_or_else(|| loaded.data.join("audit-spool"))
}

/// Returns where this machine remembers how far the logs went.
pub(crate) fn pins_dir(loaded: &Loaded) -> PathBuf {
    loaded.data.join("audit-pins")
}

/// Returns where the cursors and dead letters of sinks are.
pub(crate) fn sink_state_dir(loaded: &Loaded) -> PathBuf {
    loaded.data.join("audit-sinks")
}

/// Returns where archives are written.
pub(crate) fn archive_dir(loaded: &Loaded) -> PathBuf {
    let configured = loaded.config.audit.retention.archive.clone();
    configured.unwrap_or_else(|| loaded.data.join("audit-archive"))
}

/// Returns how the spool is kept.
pub(crate) fn spool_config(loaded: &Loaded) -> SpoolConfig {
    let section = &loaded.config.audit.spool;
    let mut config = SpoolConfig::new(spool_dir(loaded));
    config.keep_free_percent = section.keep_free_percent;
    config.max_bytes = section.max_mib.saturating_mul(MIB);
    config
}

/// Returns the keys that sign. Where none is configured, one is made at the first start.
///
/// Fails when there is none and none may be made.
pub(crate) fn signing_keys(loaded: &Loaded, may_create: bool) -> Result<Vec<SigningKey>> {
    let sources = &loaded.config.audit.integrity.keys;
    if !sources.is_empty() {
        let read = |source| {
            signing_key(source).with_context(|| format!("`audit.integrity.keys`: {source}"))
        };
        return sources.iter().map(read).collect();
    }
    let path = default_key(loaded);
    if !path.exists() {
        ensure!(
            may_create,
            "{} is not there: the server makes it at its first start",
            path.display()
        );
        let made = SigningKey::generate(deployment(loaded))?;
        if let Err(err) = made.save(&path)
            && !path.exists()
        {
            return Err(err.into());
        }
    }
    Ok(vec![SigningKey::load(&path)?])
}

/// Returns where the key is that is made when none is configured.
pub(crate) fn default_key(loaded: &Loaded) -> PathBuf {
    loaded.data.join("audit-signing.key")
}

fn signing_key(source: &KeySource) -> Result<SigningKey> {
    match source {
        KeySource::Environment(name) => {
            let Some(text) = variable(name)?.map(SecretString::from) else {
                bail!("the variable is not set");
            };
            Ok(SigningKey::parse(text.expose_secret())?)
        }
        KeySource::File(path) => Ok(SigningKey::load(path)?),
    }
}

/// Returns the public keys that have signed before.
pub(crate) fn known_keys(loaded: &Loaded) -> Result<Vec<VerifierKey>> {
    let known = &loaded.config.audit.integrity.known;
    let parse = |(text, number): (&String, usize)| {
        let key = text.parse::<VerifierKey>();
        // What is no public key may be the private one.
        key.with_context(|| format!("`audit.integrity.known`: number {number}"))
    };
    known.iter().zip(1..).map(parse).collect()
}

/// Returns the keys that signatures are judged by: those that sign now, and those that have signed before.
pub(crate) fn verifier_keys(loaded: &Loaded) -> Result<VerifierKeys> {
    let signing = signing_keys(loaded, false)?;
    let signing = signing.iter().map(|key| key.verifier().clone());
    Ok(signing.chain(known_keys(loaded)?).collect())
}

/// Returns the places outside the store where checkpoints are published.
pub(crate) fn anchors(loaded: &Loaded) -> Result<Vec<Arc<dyn Anchor>>> {
    let anchor = |text: &String| -> Result<Arc<dyn Anchor>> {
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Arc::new(FileAnchor::new(path)));
        }
        let url = text.parse()?;
        Ok(Arc::new(HttpAnchor::new(anchor_name(text), url)?))
    };
    let anchors = &loaded.config.audit.integrity.anchors;
    let anchors = anchors.iter().map(|text| {
        anchor(text).with_context(|| format!("`audit.integrity.anchors`: `{}`", anchor_name(text)))
    });
    anchors.collect()
}

/// Returns what takes secrets out of events. Its digests are made with the configured key, or with one made from the
/// signing key, so that servers that share the one share the other.
pub(crate) fn redactor(loaded: &Loaded, signing: &[SigningKey]) -> Result<Redactor> {
    let audit = &loaded.config.audit;
    let key = match &audit.digest_key {
        Some(key) => Some(DigestKey::new("1", key).context("`audit.digest_key`")?),
        None => derived(signing, "digests")?
            .map(|key| DigestKey::new("0", &key))
            .transpose()?,
    };
    Redactor::new(audit.redaction.clone(), key).context("`audit.redaction`")
}

/// Returns what seals the cursors of searches.
pub(crate) fn cursors(signing: &[SigningKey]) -> Result<Cursors> {
    let mut secrets = Vec::new();
    for key in signing {
        secrets.extend(derived(std::slice::from_ref(key), "cursors")?);
    }
    Ok(Cursors::new(&secrets)?)
}

/// Returns a secret for one purpose. Whoever knows it learns nothing of the key that it was made from.
fn derived(signing: &[SigningKey], purpose: &str) -> Result<Option<SecretString>> {
    let key = signing.first();
    let derive = |key: &SigningKey| Ok(key.derive(purpose)?);
    key.map(derive).transpose()
}

/// Returns how surely which events are kept.
pub(crate) fn policy(loaded: &Loaded) -> Result<Policy> {
    let rules = &loaded.config.audit.policy;
    rules.iter().try_fold(Policy::default(), |policy, rule| {
        let policy = policy.rule(&rule.actions, rule.mode);
        policy.with_context(|| format!("`audit.policy`: `{}`", rule.actions))
    })
}

/// Returns the places that events are taken to.
pub(crate) fn sinks(loaded: &Loaded) -> &[SinkSettings] {
    &loaded.config.audit.sinks
}

/// Writes copies as Apache Parquet, if that was compiled in.
pub(crate) const TABLE: Option<&dyn AuditTableFormat> = {
    #[cfg(feature = "parquet")]
    let table: Option<&dyn AuditTableFormat> = Some(&ee::parquet::Parquet);
    #[cfg(not(feature = "parquet"))]
    let table = None;
    table
};

/// Returns how long events stay.
pub(crate) const fn retention(loaded: &Loaded) -> &RetentionConfig {
    &loaded.config.audit.retention
}

/// Looks through everything that the configuration says of the record. Keys are read and none is made.
pub(crate) fn check(loaded: &Loaded) -> Result<()> {
    let is_configured = !loaded.config.audit.integrity.keys.is_empty();
    let signing = if is_configured {
        signing_keys(loaded, false)?
    } else {
        vec![SigningKey::generate(deployment(loaded)).context("`audit.integrity.deployment`")?]
    };
    known_keys(loaded)?;
    anchors(loaded)?;
    redactor(loaded, &signing)?;
    policy(loaded)?;
    SinkSettings::check_all(sinks(loaded)).context("`audit.sinks`")?;
    Ok(())
}
