//! A kept event, judged as it lies there: nothing is copied, and nothing is made of it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    ActorType, AuditField,
    canonical::{LARGEST, canonical},
    outline::{Committed, Opened, Path, Personal, Step},
    record::{COMMITMENT, DIGEST, SALT_BYTES},
};

/// How the names of acts upon the record begin.
const RECORD: &str = "audit";

/// How it is written that a value was erased.
const ERASED: &str = "erased";

/// Values within values are followed so far.
const DEPTH: usize = 16;

/// An event that is as nearly every one is: each of its commitments stands for the one value that is kept for it,
/// nothing was erased, and it says nothing of other events as acts upon the record do. The hash itself is not looked at.
///
/// That there is no glance at an event says nothing: then [`restore`](crate::storage::AuditRecord::restore) and
/// [`broken_commitments`](crate::storage::AuditRecord::broken_commitments) tell.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuditGlance<'a> {
    /// Milliseconds from the arrival of the request to its answer.
    pub duration: Option<u64>,
    /// Which event it is.
    pub id: Uuid,
    /// The roles of who acted.
    pub roles: Vec<&'a str>,
    /// When it happened.
    pub timestamp: Timestamp,
    fields: [Option<&'a str>; AuditField::ALL.len()],
}

impl<'a> AuditGlance<'a> {
    /// Glances at what was hashed and at what the commitments in it stand for.
    pub fn of(canonical: &'a str, personal: Option<&'a str>) -> Option<Self> {
        let kept = personal.map_or_else(|| Some(Personal::default()), Personal::read)?;
        let mut scanner = Scanner {
            buffer: Vec::with_capacity(256),
            kept: &kept.values,
            next: 0,
            rest: canonical,
            seen: Seen::default(),
        };
        scanner.value(Place::Event, None, DEPTH)?;
        // None of the values is of two commitments.
        let are_all = scanner.rest.is_empty() && scanner.next == kept.values.len();
        let seen = scanner.seen;
        let glance = Self {
            duration: seen.duration,
            id: seen.id?,
            roles: seen.roles,
            timestamp: seen.timestamp?,
            fields: seen.fields,
        };
        let is_plain = !glance.field(AuditField::Action)?.starts_with(RECORD);
        (are_all && is_plain).then_some(glance)
    }

    /// Returns what the event has in a field, as it is written; see [`AuditField::value`]. Of roles, none is told.
    pub fn field(&self, field: AuditField) -> Option<&'a str> {
        let written = |field: AuditField| self.fields.get(field as usize).copied().flatten();
        match field {
            AuditField::Category => written(AuditField::Action)?.split('.').next(),
            AuditField::Stage => written(field).or(Some("result")),
            field => written(field),
        }
    }
}

/// What is remembered.
#[derive(Debug, Default)]
struct Seen<'a> {
    duration: Option<u64>,
    fields: [Option<&'a str>; AuditField::ALL.len()],
    id: Option<Uuid>,
    roles: Vec<&'a str>,
    timestamp: Option<Timestamp>,
}

impl<'a> Seen<'a> {
    /// Remembers a text. `None` for one that an event has in another spelling.
    fn text(&mut self, place: Place, text: &'a str) -> Option<()> {
        match place {
            Place::Elsewhere => return (text != ERASED).then_some(()),
            Place::Field(field) => {
                let is_as_read = match field {
                    AuditField::Action => !text.contains(':'),
                    AuditField::ActorType => ActorType::find(text)?.as_str() == text,
                    _ => true,
                };
                *self.fields.get_mut(field as usize).filter(|_| is_as_read)? = Some(text);
            }
            Place::Id => self.id = Some(Uuid::try_parse(text).ok()?),
            Place::Roles => self.roles.push(text),
            Place::Timestamp => self.timestamp = Some(text.parse().ok()?),
            Place::Actor
            | Place::Ai
            | Place::Context
            | Place::Duration
            | Place::Event
            | Place::Resource => return None,
        }
        Some(())
    }
}

/// What stands somewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Actor,
    Ai,
    Context,
    Duration,
    Elsewhere,
    Event,
    Field(AuditField),
    Id,
    Resource,
    Roles,
    Timestamp,
}

impl Place {
    /// Returns what stands under a key. `None` under another spelling of one.
    fn under(self, key: &str) -> Option<Self> {
        use AuditField as F;
        Some(match (self, key) {
            (Self::Event, "action") => Self::Field(F::Action),
            (Self::Event, "actor") => Self::Actor,
            (Self::Event, "ai") => Self::Ai,
            (Self::Event, "context") => Self::Context,
            (Self::Event, "createdAt") => return None,
            (Self::Event, "duration") => Self::Duration,
            (Self::Event, "id") => Self::Id,
            (Self::Event, "outcome") => Self::Field(F::Outcome),
            (Self::Event, "resource") => Self::Resource,
            (Self::Event, "stage") => Self::Field(F::Stage),
            (Self::Event, "timestamp") => Self::Timestamp,
            (Self::Actor, "email") => Self::Field(F::Email),
            (Self::Actor, "id") => Self::Field(F::ActorId),
            (Self::Actor, "ip") => Self::Field(F::Ip),
            (Self::Actor, "kind") => Self::Field(F::ActorKind),
            (Self::Actor, "organizationId") => Self::Field(F::Organization),
            (Self::Actor, "roles") => Self::Roles,
            (Self::Actor, "sessionId") => Self::Field(F::SessionId),
            (Self::Actor, "type") => Self::Field(F::ActorType),
            (Self::Ai, "agentId") => Self::Field(F::AgentId),
            (Self::Ai, "model") => Self::Field(F::Model),
            (Self::Ai, "runId") => Self::Field(F::RunId),
            (Self::Ai, "threadId") => Self::Field(F::ThreadId),
            (Self::Context, "requestId") => Self::Field(F::RequestId),
            (Self::Context, "traceId") => Self::Field(F::TraceId),
            (Self::Resource, "id") => Self::Field(F::ResourceId),
            (Self::Resource, "type") => Self::Field(F::ResourceType),
            _ => Self::Elsewhere,
        })
    }

    /// Tells whether it has places of its own.
    const fn is_object(self) -> bool {
        matches!(
            self,
            Self::Actor | Self::Ai | Self::Context | Self::Elsewhere | Self::Event | Self::Resource
        )
    }
}

/// Goes through canonical JSON, which has no blanks. Of JSON that is none, it may or may not stop.
struct Scanner<'a, 'k> {
    buffer: Vec<u8>,
    kept: &'k [Opened<'a>],
    /// How many commitments there were: they stand in the order of what is kept.
    next: usize,
    rest: &'a str,
    seen: Seen<'a>,
}

impl<'a> Scanner<'a, '_> {
    fn first(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Goes on behind a character, if that is the next one.
    fn skip(&mut self, char: char) -> bool {
        let rest = self.rest.strip_prefix(char);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes so many bytes.
    fn take(&mut self, count: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Takes a text, as it is written, and tells whether that is as it reads.
    fn text(&mut self) -> Option<(&'a str, bool)> {
        if !self.skip('"') {
            return None;
        }
        let (mut end, mut is_plain) = (0, true);
        loop {
            let behind = self.rest.as_bytes().get(end..)?;
            end += behind.iter().position(|it| matches!(it, b'"' | b'\\'))?;
            if self.rest.as_bytes().get(end) == Some(&b'"') {
                break;
            }
            (end, is_plain) = (end + 2, false);
        }
        let text = self.take(end)?;
        self.take(1).map(|_| (text, is_plain))
    }

    fn value(&mut self, place: Place, path: Option<&Path<'_, 'a>>, depth: usize) -> Option<()> {
        match self.first()? {
            b'"' => match self.text()? {
                (text, true) => self.seen.text(place, text),
                (_, false) => (place == Place::Elsewhere).then_some(()),
            },
            b'[' => self.array(place, path, depth.checked_sub(1)?),
            b'{' => self.object(place, path, depth.checked_sub(1)?),
            _ => self.word(place),
        }
    }

    /// Takes a number, a truth or nothing.
    fn word(&mut self, place: Place) -> Option<()> {
        let ends = |it: &u8| matches!(it, b',' | b']' | b'}');
        let end = self.rest.as_bytes().iter().position(ends);
        let word = self.take(end?)?;
        match place {
            Place::Duration => self.seen.duration = Some(word.parse().ok()?),
            Place::Elsewhere => {}
            _ => return None,
        }
        (!word.is_empty()).then_some(())
    }

    fn array(&mut self, place: Place, path: Option<&Path<'_, 'a>>, depth: usize) -> Option<()> {
        if !matches!(place, Place::Elsewhere | Place::Roles) || !self.skip('[') {
            return None;
        }
        for at in 0.. {
            if at == 0 && self.skip(']') {
                return Some(());
            }
            let path = Path {
                parent: path,
                step: Step::At(at),
            };
            self.value(place, Some(&path), depth)?;
            if self.skip(']') {
                return Some(());
            }
            if !self.skip(',') {
                break;
            }
        }
        None
    }

    fn object(&mut self, place: Place, path: Option<&Path<'_, 'a>>, depth: usize) -> Option<()> {
        if !self.skip('{') {
            return None;
        }
        if self.skip('}') {
            return place.is_object().then_some(());
        }
        let mut before = None;
        loop {
            let (key, is_plain) = self.text()?;
            // Each is there once.
            if !is_plain || !self.skip(':') || before.is_some_and(|before| before >= key) {
                return None;
            }
            if key == COMMITMENT {
                let is_first = before.is_none();
                return self.commitment(place, path.filter(|_| is_first)?);
            }
            if !place.is_object() {
                return None;
            }
            before = Some(key);
            let path = Path {
                parent: path,
                step: Step::Key(key),
            };
            self.value(place.under(key)?, Some(&path), depth)?;
            if self.skip('}') {
                return Some(());
            }
            if !self.skip(',') {
                return None;
            }
        }
    }

    /// Takes the digest of a commitment with nothing beside it, and the value that it stands for.
    fn commitment(&mut self, place: Place, path: &Path<'_, '_>) -> Option<()> {
        let (digest, _) = self.text()?;
        let opened = self.kept.get(self.next)?;
        self.next += 1;
        let is_well = self.skip('}')
            && path.is(opened.pointer)
            && is_opened(digest, opened, &mut self.buffer);
        match &opened.value {
            _ if !is_well => None,
            _ if place == Place::Elsewhere => Some(()),
            Committed::Text(text) => self.seen.text(place, text),
            Committed::Number(_) | Committed::Other(_) => None,
        }
    }
}

/// Tells whether a digest is that of a value. The buffer is written over.
fn is_opened(digest: &str, opened: &Opened<'_>, buffer: &mut Vec<u8>) -> bool {
    let mut salt = [0; 2 * SALT_BYTES];
    let Ok(length) = URL_SAFE_NO_PAD.decode_slice(opened.salt, &mut salt) else {
        return false;
    };
    buffer.clear();
    buffer.push(3);
    buffer.extend_from_slice(salt.get(..length).unwrap_or_default());
    buffer.extend_from_slice(opened.pointer.as_bytes());
    buffer.push(0);
    match &opened.value {
        Committed::Text(text) => {
            buffer.push(b'"');
            buffer.extend_from_slice(text.as_bytes());
            buffer.push(b'"');
        }
        Committed::Number(number) if *number <= LARGEST => {
            buffer.extend_from_slice(number.to_string().as_bytes());
        }
        Committed::Number(number) => match canonical(&Value::from(*number)) {
            Ok(text) => buffer.extend_from_slice(text.as_bytes()),
            Err(_) => return false,
        },
        Committed::Other(value) => match canonical(value) {
            Ok(text) => buffer.extend_from_slice(text.as_bytes()),
            Err(_) => return false,
        },
    }
    let mut text = [0; DIGEST];
    let written = URL_SAFE_NO_PAD.encode_slice(Sha256::digest(buffer), &mut text);
    written == Ok(DIGEST) && text == digest.as_bytes()
}
