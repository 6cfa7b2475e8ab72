//! An event as it is kept: what is hashed, and what can be erased without the hash.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    AuditEvent, AuditHash, AuditRedaction, RedactionMethod,
    canonical::canonical,
    outline::{Outline, Personal},
};
use crate::{Error, ErrorKind, fill_random, storage::AuditRecord};

/// The one key of what stands in the canonical form in place of a value.
pub(super) const COMMITMENT: &str = "$commit";
pub(super) const SALT: &str = "salt";
pub(super) const VALUE: &str = "value";
pub(super) const SALT_BYTES: usize = 16;
/// Characters of a digest in a commitment.
pub(super) const DIGEST: usize = 43;

/// Where persons and what was said can be told from: these values are erasable. A `*` is each member or entry.
const PERSONAL: [&[&str]; 15] = [
    &["actor", "email"],
    &["actor", "ip"],
    &["actor", "name"],
    &["actor", "userAgent"],
    &["ai", "input"],
    &["ai", "output"],
    &["changes", "*", "after"],
    &["changes", "*", "before"],
    &["impersonatedBy", "email"],
    &["metadata", "*"],
    &["onBehalfOf", "email"],
    &["reason"],
    &["resource", "name"],
    &["targets", "*", "name"],
    &["error", "message"],
];

impl AuditRecord {
    /// Gets an event ready. What can be erased is replaced by commitments: salted digests, from which nobody can tell
    /// the value once the salt is gone.
    ///
    /// Fails with [`ErrorKind::Unavailable`] when the system gives no randomness.
    pub fn new(event: AuditEvent) -> Result<Self, Error> {
        let mut json = to_json(&event)?;
        let mut taken = Vec::new();
        for path in PERSONAL {
            take(&mut json, path, &mut String::new(), &mut taken);
        }
        let mut salts = vec![0; taken.len() * SALT_BYTES];
        fill_random(&mut salts)?;
        let mut personal = Map::new();
        for ((pointer, value), salt) in taken.into_iter().zip(salts.chunks(SALT_BYTES)) {
            let commitment = commitment(salt, &pointer, &value)?;
            if let Some(place) = json.pointer_mut(&pointer) {
                *place = Value::Object(Map::from_iter([(COMMITMENT.to_owned(), commitment)]));
            }
            let salt = Value::from(URL_SAFE_NO_PAD.encode(salt));
            let kept = [(SALT.to_owned(), salt), (VALUE.to_owned(), value)];
            personal.insert(pointer, Value::Object(Map::from_iter(kept)));
        }
        Ok(Self {
            canonical: canonical(&json)?,
            event,
            personal: (!personal.is_empty()).then(|| Value::Object(personal).to_string()),
        })
    }

    /// Reads what a store has kept. What was erased is left out and named among the redactions.
    ///
    /// Fails with [`ErrorKind::Internal`] for what is no event.
    pub fn restore(canonical: String, personal: Option<String>) -> Result<Self, Error> {
        match read_whole(&canonical, personal.as_deref()) {
            Some(event) => Ok(Self {
                canonical,
                event,
                personal,
            }),
            None => Self::restore_in_parts(canonical, personal),
        }
    }

    /// Restores also what is not whole, or not as it is written, or no event.
    fn restore_in_parts(canonical: String, personal: Option<String>) -> Result<Self, Error> {
        let mut json: Value = read(&canonical)?;
        let kept: Map<String, Value> = match &personal {
            Some(text) => read(text)?,
            None => Map::new(),
        };
        let mut erased = Vec::new();
        fill(&mut json, &kept, &mut String::new(), &mut erased);
        let mut event: AuditEvent = serde_json::from_value(json).map_err(|err| unreadable(&err))?;
        let erased = erased
            .into_iter()
            .map(|path| AuditRedaction::new(path, RedactionMethod::Erased));
        event.redactions.extend(erased);
        Ok(Self {
            canonical,
            event,
            personal,
        })
    }

    /// Returns the hash of what is kept.
    pub fn leaf(&self) -> AuditHash {
        AuditHash::of_leaf(self.canonical.as_bytes())
    }

    /// Returns where a value is kept that is not the one of its commitment, or that has none. Empty: all is well.
    pub fn broken_commitments(&self) -> Result<Vec<String>, Error> {
        let json: Value = read(&self.canonical)?;
        let Some(personal) = &self.personal else {
            return Ok(Vec::new());
        };
        let kept: Map<String, Value> = read(personal)?;
        let mut broken = Vec::new();
        for (pointer, kept) in kept {
            let salt = kept.get(SALT).and_then(Value::as_str);
            let salt = salt.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            let told = json.pointer(&pointer).and_then(|it| it.get(COMMITMENT));
            let is_well = match (salt, kept.get(VALUE), told) {
                (Some(salt), Some(value), Some(told)) => {
                    commitment(&salt, &pointer, value)? == *told
                }
                _ => false,
            };
            if !is_well {
                broken.push(pointer);
            }
        }
        Ok(broken)
    }
}

/// Reads an event of which everything is kept. `None` for one that has to be looked at more closely.
fn read_whole(canonical: &str, personal: Option<&str>) -> Option<AuditEvent> {
    let kept = personal.map_or_else(|| Some(Personal::default()), Personal::read)?;
    let whole = Outline::read(canonical, &kept)?.fill(canonical)?;
    serde_json::from_str(&whole).ok()
}

fn to_json(event: &AuditEvent) -> Result<Value, Error> {
    serde_json::to_value(event).map_err(|err| {
        Error::new(ErrorKind::Internal, "an event cannot be written as JSON").with_source(err)
    })
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|err| unreadable(&err))
}

fn unreadable(err: &serde_json::Error) -> Error {
    // Without what stands there: it may be of a person.
    let place = format!("line {}, column {}", err.line(), err.column());
    let message = format!("an event of the record cannot be read ({place})");
    Error::new(ErrorKind::Internal, message)
}

/// A digest from which nothing can be told without the salt: SHA-256 over the salt, the place and the canonical value.
fn commitment(salt: &[u8], pointer: &str, value: &Value) -> Result<Value, Error> {
    let mut hasher = Sha256::new();
    hasher.update([3]);
    hasher.update(salt);
    hasher.update(pointer);
    hasher.update([0]);
    hasher.update(canonical(value)?);
    Ok(Value::from(URL_SAFE_NO_PAD.encode(hasher.finalize())))
}

/// Collects pointers and values at a path.
fn take(json: &mut Value, path: &[&str], pointer: &mut String, taken: &mut Vec<(String, Value)>) {
    let Some((first, rest)) = path.split_first() else {
        taken.push((pointer.clone(), json.take()));
        return;
    };
    let length = pointer.len();
    match json {
        Value::Object(map) if *first == "*" => {
            for (key, value) in map {
                push(pointer, key);
                take(value, rest, pointer, taken);
                pointer.truncate(length);
            }
        }
        Value::Object(map) => {
            if let Some(value) = map.get_mut(*first) {
                push(pointer, first);
                take(value, rest, pointer, taken);
                pointer.truncate(length);
            }
        }
        Value::Array(values) if *first == "*" => {
            for (at, value) in values.iter_mut().enumerate() {
                push(pointer, &at.to_string());
                take(value, rest, pointer, taken);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Adds a step to a JSON pointer (RFC 6901 §3).
fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    if step.contains(['~', '/']) {
        pointer.push_str(&escaped(step));
    } else {
        pointer.push_str(step);
    }
}

pub(super) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// Puts values in the place of their commitments, and removes those that nothing is kept for.
fn fill(
    json: &mut Value,
    kept: &Map<String, Value>,
    pointer: &mut String,
    erased: &mut Vec<String>,
) {
    let length = pointer.len();
    match json {
        Value::Object(map) => map.retain(|key, value| {
            push(pointer, key);
            let stays = if value.get(COMMITMENT).is_none() {
                fill(value, kept, pointer, erased);
                true
            } else if let Some(found) = kept.get(pointer).and_then(|it| it.get(VALUE)) {
                // Not looked into: whoever has written it may have written a commitment there.
                *value = found.clone();
                true
            } else {
                erased.push(pointer.clone());
                false
            };
            pointer.truncate(length);
            stays
        }),
        Value::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                push(pointer, &at.to_string());
                fill(value, kept, pointer, erased);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ActorType, AuditAction, AuditActor, AuditChange, AuditGlance, AuditOutcome, AuditResource,
    };

    fn event() -> AuditEvent {
        let mut actor = AuditActor::new(ActorType::User, "u1");
        actor.email = Some("ada@example.com".to_owned());
        actor.ip = Some("192.0.2.7".parse().unwrap());
        let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        let mut event =
            AuditEvent::new(at, actor, AuditAction::AGENT_UPDATE, AuditOutcome::Success);
        let mut resource = AuditResource::new("agent", "a1");
        resource.name = Some("Ada's own".to_owned());
        event.resource = Some(resource);
        event.metadata.insert("a/b~c".to_owned(), json!("of Ada"));
        event
            .metadata
            .insert("evil".to_owned(), json!({"$commit": "x", "value": 1}));
        event
            .changes
            .push(AuditChange::new("/name", Some(json!("Ada 1")), None));
        event
    }

    #[test]
    fn what_is_kept_is_the_event_again_and_the_hash_tells_nothing_of_a_person() {
        let record = AuditRecord::new(event()).unwrap();

        for word in ["Ada", "ada@", "192.0.2.7", "evil\":{\"$commit\":\"x"] {
            assert!(!record.canonical.contains(word), "{word}");
        }
        let restored =
            AuditRecord::restore(record.canonical.clone(), record.personal.clone()).unwrap();
        assert_eq!(restored, record);
        assert!(restored.broken_commitments().unwrap().is_empty());
        assert_ne!(AuditRecord::new(event()).unwrap().leaf(), record.leaf());
    }

    /// Both ways through an event.
    fn restored(canonical: &str, personal: Option<&str>) -> Option<AuditEvent> {
        let (canonical, personal) = (canonical.to_owned(), personal.map(str::to_owned));
        let parts = AuditRecord::restore_in_parts(canonical.clone(), personal.clone());
        let whole = AuditRecord::restore(canonical, personal);
        assert_eq!(whole.as_ref().ok(), parts.as_ref().ok());
        parts.ok().map(|record| record.event)
    }

    #[test]
    fn both_ways_lead_to_the_same_event() {
        let mut events = vec![event(), event(), event()];
        let metadata = json!({
            "-1": -1, "1": 1.5, "big": u64::MAX, "deep": {"$commit": [1, {"a": "\u{1}\"\\"}]},
            "null": null, "ö": "ö", "\"": "\"", "float": 0.1, "tiny": 5e-324, "true": true
        });
        events[0].metadata = metadata.as_object().unwrap().clone();
        for number in 0..20 {
            let path = format!("/{number}");
            let change = AuditChange::new(path, Some(json!(number)), Some(json!([number])));
            events[1].changes.push(change);
        }
        events[2].reason = Some("\"$commit\":\"x\"} {\"$commit\":\"".to_owned());
        events[2].redactions = vec![AuditRedaction::new("/a", RedactionMethod::Hmac)];
        for event in events {
            let record = AuditRecord::new(event.clone()).unwrap();
            let personal = record.personal.as_deref();
            assert_eq!(restored(&record.canonical, personal), Some(event));
            restored(&record.canonical, None);
            for at in 0..record.canonical.len() {
                let changed = record.canonical.get(..at).unwrap_or_default();
                restored(changed, personal);
            }
        }
    }

    #[test]
    fn a_glance_sees_what_a_close_look_sees() {
        let mut events = vec![event(), event()];
        events[1].metadata.insert("float".to_owned(), json!(0.25));
        for event in events {
            let record = AuditRecord::new(event).unwrap();
            let personal = record.personal.clone().unwrap();
            let id = record.event.id;
            let is_whole = |personal: Option<&str>| {
                AuditGlance::of(&record.canonical, personal).is_some_and(|it| it.id == id)
            };
            assert!(is_whole(Some(&personal)));
            assert!(!is_whole(None));
            for at in 0..personal.len() {
                for bit in [1, 2, 16] {
                    let mut bytes = personal.clone().into_bytes();
                    bytes[at] ^= bit;
                    let Ok(changed) = String::from_utf8(bytes) else {
                        continue;
                    };
                    if !is_whole(Some(&changed)) {
                        continue;
                    }
                    let close =
                        AuditRecord::restore_in_parts(record.canonical.clone(), Some(changed))
                            .unwrap();
                    assert_eq!(close.event, record.event, "{at}");
                    assert!(close.broken_commitments().unwrap().is_empty(), "{at}");
                }
            }
        }
    }

    #[test]
    fn what_speaks_of_others_or_was_erased_is_looked_at_closely() {
        let mut erased = event();
        erased.redactions = vec![AuditRedaction::new("/a", RedactionMethod::Erased)];
        let acts = [AuditAction::AUDIT_PRUNE, AuditAction::AUDIT_ERASE];
        let acts = acts.map(|action| AuditEvent { action, ..event() });
        for event in acts.into_iter().chain([erased]) {
            let record = AuditRecord::new(event).unwrap();
            let personal = record.personal.as_deref();
            assert!(AuditGlance::of(&record.canonical, personal).is_none());
        }
    }

    #[test]
    fn what_was_erased_is_named_and_the_hash_stays() {
        let record = AuditRecord::new(event()).unwrap();

        let erased = AuditRecord::restore(record.canonical.clone(), None).unwrap();

        assert_eq!(erased.leaf(), record.leaf());
        assert_eq!(erased.event.actor.email, None);
        assert_eq!(erased.event.resource.as_ref().unwrap().id, "a1");
        let paths: Vec<&str> = erased.event.redactions.iter().map(|it| &*it.path).collect();
        assert_eq!(
            paths,
            [
                "/actor/email",
                "/actor/ip",
                "/changes/0/before",
                "/metadata/a~1b~0c",
                "/metadata/evil",
                "/resource/name"
            ]
        );
    }

    #[test]
    fn a_value_that_is_not_the_one_of_its_commitment_is_found() {
        let record = AuditRecord::new(event()).unwrap();
        let personal = record.personal.as_deref().unwrap();
        for (from, to, broken) in [
            ("ada@example.com", "bob@example.com", "/actor/email"),
            ("/actor/email", "/actor/id", "/actor/id"),
        ] {
            let changed = personal.replace(from, to);
            let restored = AuditRecord::restore(record.canonical.clone(), Some(changed)).unwrap();
            assert_eq!(restored.broken_commitments().unwrap(), [broken]);
            assert_eq!(restored.event.actor.id, "u1");
        }
    }
}
