//! What is kept of one number of a log, wherever it comes from.

use ee_core::{
    AuditEvent, AuditGlance, AuditHash, RedactionMethod,
    storage::{AuditEntry, AuditKept, AuditRecord, AuditStoredLink},
};
use uuid::Uuid;

use super::{
    claims::Claim,
    labels::Label,
    report::{Subject, VerdictKind},
};

/// Most places that a verdict names.
const MOST_PLACES: usize = 8;

/// What is kept of one number.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogRow {
    /// The number.
    pub seq: u64,
    /// What its log has of it.
    pub link: Link,
    /// The event.
    pub payload: Payload,
}

impl LogRow {
    /// Puts together what is kept under one number.
    pub fn new(seq: u64, link: Link, payload: Payload) -> Self {
        Self { seq, link, payload }
    }
}

/// What a log has of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// Nothing.
    Absent,
    /// All of it.
    Kept(AuditStoredLink),
    /// The hash of the event: more is not in a copy.
    Leaf(AuditHash),
}

/// What is kept of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// Nothing.
    Absent,
    /// It is there.
    Kept {
        /// What was hashed.
        canonical: String,
        /// Whether what a store searches in is made of it.
        is_filed: bool,
        /// What the commitments stand for.
        personal: Option<String>,
        /// What is searched, where there is such a thing.
        projected: Option<Box<AuditEvent>>,
    },
    /// It is there, and whatever keeps it has found nothing to be looked at more closely.
    Plain {
        /// Which event it is.
        id: Uuid,
        /// The hash of it.
        leaf: AuditHash,
    },
    /// Something is there which is no event.
    Unreadable,
}

impl From<AuditEntry> for Payload {
    fn from(entry: AuditEntry) -> Self {
        Self::Kept {
            canonical: entry.record.canonical,
            is_filed: true,
            personal: entry.record.personal,
            projected: Some(Box::new(entry.record.event)),
        }
    }
}

impl From<AuditKept> for Payload {
    fn from(kept: AuditKept) -> Self {
        match kept {
            AuditKept::Plain { id, leaf, .. } => Self::Plain { id, leaf },
            AuditKept::Text {
                canonical,
                event,
                is_filed,
                personal,
                ..
            } => Self::Kept {
                canonical,
                is_filed,
                personal,
                projected: event,
            },
        }
    }
}

impl Payload {
    /// Returns the hash of the event.
    pub(super) fn leaf(&self) -> Option<AuditHash> {
        match self {
            Self::Kept { canonical, .. } => Some(AuditHash::of_leaf(canonical.as_bytes())),
            Self::Plain { leaf, .. } => Some(*leaf),
            Self::Absent | Self::Unreadable => None,
        }
    }

    /// Looks into an event whose hash is the right one: at what is kept beside what was hashed.
    pub(super) fn inspect(self, id: Option<Uuid>) -> Inspected {
        let (canonical, is_filed, personal, projected) = match self {
            Self::Absent | Self::Unreadable => return Inspected::default(),
            Self::Kept {
                canonical,
                is_filed,
                personal,
                projected,
            } => (canonical, is_filed, personal, projected),
            Self::Plain { id: own, .. } => {
                let differs = id.is_some_and(|id| id != own).then(|| differs("id"));
                return Inspected::label(differs);
            }
        };
        if !is_filed {
            return Inspected::label(Some(differs("what is searched is another event")));
        }
        if projected.is_none()
            && let Some(glance) = AuditGlance::of(&canonical, personal.as_deref())
            && id.is_none_or(|id| id == glance.id)
        {
            return Inspected::default();
        }
        let Ok(record) = AuditRecord::restore(canonical.clone(), personal) else {
            // Later versions may write what this one cannot read: that the hash is right is all that can be said.
            let is_readable = AuditRecord::restore(canonical, None).is_ok();
            let told = "what its commitments stand for cannot be read";
            return Inspected::label(is_readable.then(|| differs(told)));
        };
        if record.personal.is_some() {
            let Ok(broken) = record.broken_commitments() else {
                return Inspected::label(Some(differs("its commitments cannot be read")));
            };
            if !broken.is_empty() {
                return Inspected::label(Some(differs(places(&broken))));
            }
        }
        if id.is_some_and(|id| id != record.event.id) {
            return Inspected::label(Some(differs("id")));
        }
        if projected.is_some_and(|it| !is_same(&it, &record.event)) {
            return Inspected::label(Some(differs("what is searched is another event")));
        }
        Inspected {
            claims: Claim::of(&record.event).map(|(log, claims)| (log.map(str::to_owned), claims)),
            label: erased(&record.event).next().map(|_| Label::erased()),
        }
    }
}

/// What was seen in an event.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    /// What it says of other events, with the log that it names.
    pub(super) claims: Option<(Option<String>, Vec<Claim>)>,
    /// `None`: all is well.
    pub(super) label: Option<Label>,
}

impl Inspected {
    fn label(label: Option<Label>) -> Self {
        Self {
            claims: None,
            label,
        }
    }
}

fn differs(detail: impl Into<std::borrow::Cow<'static, str>>) -> Label {
    Label::new(VerdictKind::ColumnDiffers, Subject::Event, detail)
}

fn places(pointers: &[String]) -> String {
    let mut text = pointers.iter().take(MOST_PLACES).map(String::as_str);
    let mut text = text.by_ref().collect::<Vec<_>>().join(", ");
    if pointers.len() > MOST_PLACES {
        text.push_str(", ...");
    }
    text
}

/// Returns where something was erased.
fn erased(event: &AuditEvent) -> impl Iterator<Item = &str> {
    let redactions = event.redactions.iter();
    let erased = redactions.filter(|it| it.method == RedactionMethod::Erased);
    erased.map(|it| it.path.as_str())
}

/// Compares what is searched with what was hashed. How it says that something was erased is not looked at: that follows
/// from what was hashed.
fn is_same(projected: &AuditEvent, restored: &AuditEvent) -> bool {
    let gone: Vec<&str> = erased(restored).collect();
    if gone.is_empty() {
        return projected == restored;
    }
    let rest = |event: &AuditEvent| {
        let mut event = event.clone();
        event.redactions.retain(|it| !gone.contains(&&*it.path));
        event
    };
    rest(projected) == rest(restored)
}
