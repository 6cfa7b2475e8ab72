//! Signed statements of how far a log goes and what is in it.

use ee_core::{AuditHash, AuditHead};
use jiff::{SignedDuration, Timestamp};
use tlog_tiles::Checkpoint as TreeHead;

use super::{
    IntegrityError, SigningKey, VerifierKeys,
    note::{self, sign_note, verify_note},
    tree,
};

/// A checkpoint is signed when so many events have come since the last.
pub const CHECKPOINT_EVENTS: u64 = 1_000;
/// A checkpoint is signed so long after the last when anything has come.
const DIRTY: SignedDuration = SignedDuration::from_secs(60);
/// A checkpoint is signed so long after the last when nothing has come: it proves that nothing did.
const SILENT: SignedDuration = SignedDuration::from_hours(1);
/// Begins the line that holds the time.
const TIME: &str = "time ";

/// Names a log. Checkpoints call it `<deployment>/audit/<partition>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogName<'a> {
    /// Which of all servers, or groups of servers, that have logs.
    pub deployment: &'a str,
    /// Which of its logs.
    pub partition: &'a str,
}

impl LogName<'_> {
    /// Returns the name that a log has in its checkpoints.
    ///
    /// Fails with [`IntegrityError::Origin`] for a name that does not fit into a line.
    pub fn origin(&self) -> Result<String, IntegrityError> {
        let is_line = |name: &str| !name.is_empty() && !name.chars().any(char::is_control);
        if is_line(self.deployment) && is_line(self.partition) {
            Ok(format!("{}/audit/{}", self.deployment, self.partition))
        } else {
            Err(IntegrityError::Origin)
        }
    }
}

/// How far a log went at a time, and the root of its tree (<https://c2sp.org/tlog-checkpoint>).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Which log: `<deployment>/audit/<partition>`.
    pub origin: String,
    /// Root of the tree (RFC 6962 §2.1).
    pub root: AuditHash,
    /// How many events it has.
    pub size: u64,
    /// When it was signed, to the second. Whoever signs says so; nobody else can tell.
    pub time: Timestamp,
}

impl Checkpoint {
    /// States where a log ends.
    ///
    /// Fails with [`IntegrityError::Origin`] for a name that does not fit into a line.
    pub fn new(deployment: &str, head: &AuditHead, now: Timestamp) -> Result<Self, IntegrityError> {
        let log = LogName {
            deployment,
            partition: head.partition(),
        };
        Ok(Self {
            origin: log.origin()?,
            root: head.root(),
            size: head.size(),
            time: Timestamp::from_second(now.as_second()).unwrap_or(now),
        })
    }

    /// Signs it with each of the keys.
    pub fn sign(&self, keys: &[SigningKey]) -> Result<String, IntegrityError> {
        let time = format!("{TIME}{}\n", self.time);
        let head = TreeHead::new(&self.origin, self.size, tree::to_tlog(&self.root), &time);
        let text = head.map_err(|_| IntegrityError::Origin)?.to_bytes();
        let text = String::from_utf8(text).map_err(|_| IntegrityError::Origin)?;
        sign_note(&text, keys)
    }

    /// Reads a note of this log.
    ///
    /// Fails with [`IntegrityError::OtherLog`] for one of another log, and like [`verify_note`].
    pub fn verify(note: &str, origin: &str, keys: &VerifierKeys) -> Result<Self, IntegrityError> {
        let checkpoint = Self::verify_any(note, keys)?;
        if checkpoint.origin == origin {
            Ok(checkpoint)
        } else {
            let origin = checkpoint.origin;
            Err(IntegrityError::OtherLog { origin })
        }
    }

    /// Reads a note of whatever log.
    pub(super) fn verify_any(note: &str, keys: &VerifierKeys) -> Result<Self, IntegrityError> {
        Self::from_text(&verify_note(note, keys)?)
    }

    /// Reads what a note says without asking who says so.
    pub(super) fn unverified(note: &str) -> Result<Self, IntegrityError> {
        Self::from_text(&note::unverified(note)?)
    }

    fn from_text(text: &str) -> Result<Self, IntegrityError> {
        let malformed = || IntegrityError::NoteForm;
        let head = TreeHead::from_bytes(text.as_bytes()).map_err(|_| malformed())?;
        let mut times = head
            .extension()
            .lines()
            .filter_map(|line| line.strip_prefix(TIME));
        let (Some(time), None) = (times.next(), times.next()) else {
            return Err(malformed());
        };
        Ok(Self {
            origin: head.origin().to_owned(),
            root: tree::from_tlog(*head.hash()),
            size: head.size(),
            time: time.parse().map_err(|_| malformed())?,
        })
    }
}

/// Tells whether a checkpoint is to be signed, after the last one.
///
/// A log that has become shorter gets none: what is wrong there must not be signed.
pub fn is_checkpoint_due(last: Option<&Checkpoint>, head: &AuditHead, now: Timestamp) -> bool {
    let Some(last) = last else {
        return head.size() > 0;
    };
    let Some(new) = head.size().checked_sub(last.size) else {
        return false;
    };
    let age = now.duration_since(last.time);
    // A clock that was set back must not keep the log without a checkpoint until it is where it was.
    let is_older = |than: SignedDuration| age >= than || age.is_negative();
    new >= CHECKPOINT_EVENTS || (new > 0 && is_older(DIRTY)) || is_older(SILENT)
}
