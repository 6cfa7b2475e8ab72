//! What a verification has found.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::Serialize;

/// What is to be said of a range of a log.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VerdictKind {
    /// A checkpoint is not what a known key has signed.
    BadSignature,
    /// What is searched, or what a commitment stands for, is not what was hashed.
    ColumnDiffers,
    /// The log is not the one that was signed.
    ConsistencyFailed,
    /// The same event again.
    Duplicate,
    /// What is kept is not what was hashed.
    HashMismatch,
    /// It was not there when its neighbours were written.
    Inserted,
    /// There is nothing where something was.
    MissingSeq,
    /// No checkpoint covers it.
    NotYetCovered,
    /// All is as it was written.
    Ok,
    /// The values behind its commitments were erased, and the log says so.
    PayloadErased,
    /// The event was removed after its time, and the log says so.
    PayloadPruned,
    /// The log was longer, or another one.
    Rollback,
    /// It stands where another one belongs.
    Swapped,
    /// A checkpoint is signed by nobody who is known.
    UnknownKey,
}

impl VerdictKind {
    /// Returns the words for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadSignature => "bad signature",
            Self::ColumnDiffers => "column differs from canonical",
            Self::ConsistencyFailed => "consistency failed",
            Self::Duplicate => "duplicate",
            Self::HashMismatch => "hash mismatch",
            Self::Inserted => "inserted",
            Self::MissingSeq => "missing seq",
            Self::NotYetCovered => "not yet covered",
            Self::Ok => "ok",
            Self::PayloadErased => "payload erased",
            Self::PayloadPruned => "payload pruned by policy",
            Self::Rollback => "rollback",
            Self::Swapped => "swapped",
            Self::UnknownKey => "unknown key",
        }
    }

    /// Tells whether somebody has changed something.
    pub const fn is_tampering(self) -> bool {
        match self {
            Self::BadSignature
            | Self::ColumnDiffers
            | Self::ConsistencyFailed
            | Self::Duplicate
            | Self::HashMismatch
            | Self::Inserted
            | Self::MissingSeq
            | Self::Rollback
            | Self::Swapped => true,
            Self::NotYetCovered
            | Self::Ok
            | Self::PayloadErased
            | Self::PayloadPruned
            | Self::UnknownKey => false,
        }
    }
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// A checkpoint that was published elsewhere.
    Anchor,
    /// A signed checkpoint of the store.
    Checkpoint,
    /// The event.
    Event,
    /// Where the store says that the log ends.
    Head,
    /// The hashes that an event has got in its log.
    Link,
    /// A subtree that is kept for proofs.
    Node,
    /// What this machine saw last.
    Pin,
}

impl Subject {
    /// Returns the word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Checkpoint => "checkpoint",
            Self::Event => "event",
            Self::Head => "head",
            Self::Link => "link",
            Self::Node => "node",
            Self::Pin => "pin",
        }
    }
}

/// What was found, from a number to a number.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// What is to be said.
    pub kind: VerdictKind,
    /// Of what.
    pub subject: Subject,
    /// First number.
    pub from: u64,
    /// Last number.
    pub to: u64,
    /// More words, which hold nothing of an event.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub detail: Cow<'static, str>,
}

impl Verdict {
    pub(super) fn new(
        kind: VerdictKind,
        subject: Subject,
        range: (u64, u64),
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (from, to) = range;
        Self {
            kind,
            subject,
            from,
            to,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = if self.from == self.to {
            self.from.to_string()
        } else {
            format!("{}-{}", self.from, self.to)
        };
        let (kind, subject) = (self.kind.as_str(), self.subject.as_str());
        write!(f, "{range:<21} {kind} ({subject})")?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something could not be judged.
    Incomplete,
    /// All is as it was written and signed.
    Ok,
    /// Something was changed.
    Tampered,
}

impl Outcome {
    /// Returns the code that a program ends with.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Tampered => 1,
            Self::Incomplete => 2,
        }
    }
}

/// What a verification of a log has found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Which log.
    pub partition: String,
    /// First number that was looked at.
    pub from: u64,
    /// Last number that was looked at, one less than `from` when there was none.
    pub to: u64,
    /// Up to which number checkpoints of known keys cover it.
    pub covered: u64,
    /// How many numbers, checkpoints and so on got which verdict.
    pub counts: BTreeMap<VerdictKind, u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found, by number.
    pub verdicts: Vec<Verdict>,
    /// How many further ranges are not listed.
    pub unlisted: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Incomplete => "incomplete",
            Outcome::Ok => "ok",
            Outcome::Tampered => "TAMPERED",
        };
        let Self {
            partition,
            from,
            to,
            covered,
            ..
        } = self;
        if to < from {
            writeln!(f, "{partition}: no events: {outcome}")?;
        } else {
            writeln!(
                f,
                "{partition}: events {from}-{to}, covered up to {covered}: {outcome}"
            )?;
        }
        for verdict in &self.verdicts {
            writeln!(f, "  {verdict}")?;
        }
        if self.unlisted > 0 {
            writeln!(f, "  and {} more ranges", self.unlisted)?;
        }
        Ok(())
    }
}

/// Most ranges of either sort, fine and not, in a report.
const MOST_LISTED: usize = 1_000;

/// Verdicts on their way into a report.
#[derive(Debug, Default)]
pub(super) struct List {
    counts: BTreeMap<VerdictKind, u64>,
    fine: Vec<Verdict>,
    unlisted: u64,
    wrong: Vec<Verdict>,
}

impl List {
    pub(super) fn add(&mut self, verdict: Verdict) {
        let is_range = matches!(verdict.subject, Subject::Event | Subject::Link)
            || verdict.kind == VerdictKind::NotYetCovered;
        let count = if is_range {
            verdict.to.saturating_sub(verdict.from) + 1
        } else {
            1
        };
        self.count(verdict.kind, count);
        let place = if verdict.kind.is_tampering() {
            &mut self.wrong
        } else {
            &mut self.fine
        };
        if place.len() < MOST_LISTED {
            place.push(verdict);
        } else {
            self.unlisted += 1;
        }
    }

    pub(super) fn count(&mut self, kind: VerdictKind, count: u64) {
        if count > 0 {
            *self.counts.entry(kind).or_default() += count;
        }
    }

    pub(super) fn into_report(
        self,
        partition: String,
        range: (u64, u64),
        covered: u64,
        is_complete: bool,
    ) -> Report {
        let outcome = if self.counts.keys().any(|kind| kind.is_tampering()) {
            Outcome::Tampered
        } else if !is_complete || self.counts.contains_key(&VerdictKind::UnknownKey) {
            Outcome::Incomplete
        } else {
            Outcome::Ok
        };
        let mut verdicts = self.wrong;
        verdicts.extend(self.fine);
        verdicts.sort_by_key(|verdict| (verdict.from, verdict.to));
        let (from, to) = range;
        Report {
            partition,
            from,
            to,
            covered,
            counts: self.counts,
            outcome,
            verdicts,
            unlisted: self.unlisted,
        }
    }
}
