//! Takes out of events what nobody should read there.

mod config;
mod deep;
mod detect;
mod digest;
mod fields;
mod found;
mod names;
mod path;
mod size;
mod walk;

use std::{mem, net::IpAddr};

use ee_core::{AuditAction, AuditAi, AuditEvent, Error, RedactionMethod};
use serde_json::Value;

pub use config::{Addresses, ContentMode, RedactionConfig};
pub use digest::DigestKey;

use detect::Sort;
use found::Found;
use names::{Class, Names};
use path::{Path, Pattern};
use walk::Walk;

/// What stands in place of an action that held a secret.
const REDACTED_ACTION: &str = "redacted";

/// Takes secrets out of events before anything is done with them, and says where (`redactions`).
///
/// 1. Secrets of our own types never come here: nothing turns them into JSON.
/// 2. Members of `metadata`, `changes` and of what was said to a model lose their value when their name says that it is
///    secret, at any depth: `password`, `x-api-key`, `refreshToken`. Truth values stay, and so do counts of tokens.
/// 3. Every text is searched for secrets, names of members and ids of things too. Only the secret is replaced, such as
///    by `[redacted:jwt]`. What is found, and what is taken for random, stands with the search (`detect`).
/// 4. Values at configured places become keyed digests, so that equal ones can be told.
///
/// An event is never discarded and never larger than 64 KiB afterwards: the largest values give way. What was redacted
/// once stays the same when it is redacted again. It takes time in proportion to the size of the event.
#[derive(Debug)]
pub struct Redactor {
    config: RedactionConfig,
    digests: Vec<Pattern>,
    key: Option<DigestKey>,
    names: Names,
}

impl Redactor {
    /// Takes the configuration, and the key of the digests where it wants any.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for a digest without a key, or of a place that
    /// holds none.
    pub fn new(config: RedactionConfig, key: Option<DigestKey>) -> Result<Self, Error> {
        if !config.digests.is_empty() && key.is_none() {
            return Err(Error::invalid_field("digests", "need a key"));
        }
        let digests = config.digests.iter().map(|text| digest_place(text));
        Ok(Self {
            digests: digests.collect::<Result<_, _>>()?,
            key,
            names: Names::new(&config.names),
            config,
        })
    }

    /// Takes out what nobody should read.
    #[must_use]
    pub fn redact(&self, mut event: AuditEvent) -> AuditEvent {
        let mut found = Found::default();
        for mut old in mem::take(&mut event.redactions) {
            detect::redact(&mut old.path, Sort::Text);
            found.add_pointer(old.path, old.method);
        }
        action(&mut event.action, &mut found);
        self.address(&mut event.actor.ip, &mut found);
        let mut weight = self.texts(&mut event, &mut found);
        weight += self.values(&mut event, &mut found);
        size::fit(&mut event, weight, &mut found);
        event.redactions = found.into_list();
        event
    }

    /// Returns what stands in place of a text, a number or a truth value at a place that is configured so. `None` for
    /// everything else, and without a key.
    pub fn digest(&self, value: &Value) -> Option<String> {
        self.key.as_ref()?.digest(value)
    }

    fn is_digested(&self, path: &Path<'_>) -> bool {
        !self.digests.is_empty() && self.digests.iter().any(|pattern| path.fits(pattern))
    }

    /// Goes through the texts that every event has, and returns about how large they are.
    fn texts(&self, event: &mut AuditEvent, found: &mut Found) -> usize {
        let mut weight = (event.changes.len() + event.targets.len()) * 64;
        fields::each_text(event, &mut |path, text, sort| {
            if self.is_digested(path)
                && let Some(key) = &self.key
            {
                if !key.is_digest(text) {
                    *text = key.digest_text(text);
                    found.add(path, RedactionMethod::Hmac);
                }
            } else if detect::redact(text, sort) {
                found.add(path, RedactionMethod::Removed);
            }
            weight += size::weight_of(text);
        });
        weight
    }

    /// Goes through what events have of their own, and returns about how large it is.
    fn values(&self, event: &mut AuditEvent, found: &mut Found) -> usize {
        let mut walk = Walk::new(self, found);
        let metadata = Path::top("metadata");
        walk.members(&mut event.metadata, &metadata, Class::Open, 0);
        size::fit_metadata(&mut event.metadata, walk.weight(), walk.found());
        let changes = Path::top("changes");
        for (index, change) in event.changes.iter_mut().enumerate() {
            let path = changes.at(index);
            let class = self.names.class_of_pointer(&change.path);
            for (name, value) in [("before", &mut change.before), ("after", &mut change.after)] {
                if let Some(value) = value {
                    walk.value(value, &path.name(name), class, 0);
                }
            }
        }
        if let Some(ai) = &mut event.ai {
            self.content(ai, &mut walk);
        }
        walk.weight()
    }

    /// What was said to a model, and what it said.
    fn content(&self, ai: &mut AuditAi, walk: &mut Walk<'_>) {
        let agent = ai.agent_id.as_deref().unwrap_or_default();
        let mode = self.config.agents.get(agent).copied();
        let mode = mode.unwrap_or(self.config.content);
        let AuditAi {
            input,
            input_bytes,
            output,
            output_bytes,
            ..
        } = ai;
        let top = Path::top("ai");
        for (name, content, bytes) in [
            ("input", input, input_bytes),
            ("output", output, output_bytes),
        ] {
            let Some(mut value) = content.take() else {
                continue;
            };
            let path = top.name(name);
            if mode == ContentMode::Off {
                let size = deep::bury(value);
                bytes.get_or_insert(u64::try_from(size).unwrap_or(u64::MAX));
                walk.found().add(&path, RedactionMethod::Removed);
                continue;
            }
            walk.content(&mut value, &path, mode);
            *content = Some(value);
        }
    }

    fn address(&self, ip: &mut Option<IpAddr>, found: &mut Found) {
        let Some(whole) = *ip else { return };
        let kept = self.config.addresses.keep(whole);
        if kept != whole {
            *ip = Some(kept);
            found.add(&Path::top("actor").name("ip"), RedactionMethod::Truncated);
        }
    }
}

/// Actions are names, so one that holds a secret is wrong altogether.
fn action(action: &mut AuditAction, found: &mut Found) {
    let is_ours = action.as_str() == action.card().name;
    if !is_ours
        && detect::holds_secret(action.as_str())
        && let Ok(redacted) = AuditAction::new(REDACTED_ACTION)
    {
        *action = redacted;
        found.add(&Path::top("action"), RedactionMethod::Removed);
    }
}

fn digest_place(text: &str) -> Result<Pattern, Error> {
    let pattern = Pattern::parse(text);
    pattern
        .filter(fields::can_be_digested)
        .ok_or_else(|| Error::invalid_field("digests", format!("`{text}` is no place of a value")))
}
