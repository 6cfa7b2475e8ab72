//! Signs checkpoints when they are due, and never over a log that is not the one that was signed before.

use std::{fmt, sync::Arc};

use ee_core::{
    AuditHead, Clock, Error,
    storage::{AuditProofStore, AuditStore},
};
use jiff::Timestamp;

use super::{
    Anchor, Checkpoint, Evidence, IntegrityError, LogName, Pin, PinCheck, Pins, SigningKey, Tree,
    VerifierKeys, is_checkpoint_due, is_prefix, sign_note,
};

/// What came out of a look at a log.
#[derive(Debug)]
pub enum Sealed {
    /// No checkpoint is due.
    NotDue,
    /// The log is shorter than it was, or another one. Nothing was signed: it is to be told as
    /// [`AUDIT_ROLLBACK`](ee_core::AuditAction::AUDIT_ROLLBACK).
    Rollback {
        /// How far it goes now.
        size: u64,
        /// How far it went.
        seen: u64,
    },
    /// A checkpoint was signed and is kept.
    Signed {
        /// The checkpoint.
        checkpoint: Checkpoint,
        /// The note.
        note: String,
        /// Names of the anchors which have it not, and why.
        unanchored: Vec<(String, Error)>,
    },
}

/// Signs checkpoints of the logs of a store.
pub struct Sealer {
    anchors: Vec<Arc<dyn Anchor>>,
    clock: Arc<dyn Clock>,
    deployment: String,
    /// Those that sign.
    keys: Vec<SigningKey>,
    /// Those that may have signed before.
    known: VerifierKeys,
    pins: Option<Pins>,
    proofs: Arc<dyn AuditProofStore>,
    store: Arc<dyn AuditStore>,
}

impl Sealer {
    /// Signs with each of these keys: with two of them while one takes over from the other. Checkpoints of earlier keys
    /// are gone on from when they are among the known ones.
    pub fn new(
        deployment: impl Into<String>,
        store: Arc<dyn AuditStore>,
        proofs: Arc<dyn AuditProofStore>,
        keys: Vec<SigningKey>,
        known: impl IntoIterator<Item = super::VerifierKey>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let own = keys.iter().map(|key| key.verifier().clone());
        Self {
            anchors: Vec::new(),
            known: own.chain(known).collect(),
            clock,
            deployment: deployment.into(),
            keys,
            pins: None,
            proofs,
            store,
        }
    }

    /// Remembers on this machine how far the logs went.
    #[must_use]
    pub fn pins(mut self, pins: Pins) -> Self {
        self.pins = Some(pins);
        self
    }

    /// Publishes checkpoints there, too.
    #[must_use]
    pub fn anchor(mut self, anchor: Arc<dyn Anchor>) -> Self {
        self.anchors.push(anchor);
        self
    }

    /// Returns the keys that its checkpoints are verified with.
    pub const fn verifiers(&self) -> &VerifierKeys {
        &self.known
    }

    /// Returns what its checkpoints, and what else it has signed, are verified with.
    pub fn evidence(&self) -> Evidence {
        Evidence::new(self.deployment.clone(), self.known.clone())
    }

    /// Signs a text that says something of the logs, such as the manifest of an archive, like [`sign_note`].
    pub fn sign(&self, text: &str) -> Result<String, IntegrityError> {
        sign_note(text, &self.keys)
    }

    /// Returns the newest checkpoint of a log with its note.
    ///
    /// Fails with what the store fails with, and for one that no known key has signed.
    pub async fn newest(&self, partition: &str) -> Result<Option<(Checkpoint, String)>, Error> {
        let log = LogName {
            deployment: &self.deployment,
            partition,
        };
        let origin = log.origin()?;
        let Some((_, note)) = self.proofs.last_checkpoint(partition).await? else {
            return Ok(None);
        };
        let checkpoint = Checkpoint::verify(&note, &origin, &self.known)?;
        Ok(Some((checkpoint, note)))
    }

    /// Signs a checkpoint of a log if one is due and the log goes on from what was signed, and seen, before.
    ///
    /// Fails with what the store fails with, and when the last checkpoint or the pin is not what it should be. Then
    /// nothing is signed.
    pub async fn seal(&self, partition: &str) -> Result<Sealed, Error> {
        self.seal_if(partition, is_checkpoint_due).await
    }

    /// Signs a checkpoint as [`seal`](Self::seal) does, though as soon as there is one event that no checkpoint covers:
    /// before nobody signs any for some time.
    pub async fn seal_rest(&self, partition: &str) -> Result<Sealed, Error> {
        let is_uncovered = |last: Option<&Checkpoint>, head: &AuditHead, _| {
            head.size() > last.map_or(0, |last| last.size)
        };
        self.seal_if(partition, is_uncovered).await
    }

    async fn seal_if(
        &self,
        partition: &str,
        is_due: impl FnOnce(Option<&Checkpoint>, &AuditHead, Timestamp) -> bool,
    ) -> Result<Sealed, Error> {
        // The checkpoint first: the log may grow between the two.
        let last = self.newest(partition).await?.map(|newest| newest.0);
        let head = self.store.head(partition).await?;
        if let Some(seen) = last.as_ref().filter(|last| last.size > head.size()) {
            return Ok(rollback(&head, seen.size));
        }
        let now = self.clock.now();
        if !is_due(last.as_ref(), &head, now) {
            return Ok(Sealed::NotDue);
        }
        if let Some(last) = &last
            && !is_prefix(&*self.proofs, Tree::of(last), &head).await?
        {
            return Ok(rollback(&head, last.size));
        }
        if let Some(seen) = self.check_pin(&head).await? {
            return Ok(rollback(&head, seen.size));
        }
        let checkpoint = Checkpoint::new(&self.deployment, &head, now)?;
        let note = checkpoint.sign(&self.keys)?;
        let size = checkpoint.size;
        self.proofs
            .put_checkpoint(partition, size, &note, now)
            .await?;
        if let Some(pins) = &self.pins {
            pins.put(&head).await?;
        }
        let mut unanchored = Vec::new();
        for anchor in &self.anchors {
            if let Err(err) = anchor.publish(&note).await {
                unanchored.push((anchor.name().to_owned(), err));
            }
        }
        Ok(Sealed::Signed {
            checkpoint,
            note,
            unanchored,
        })
    }

    async fn check_pin(&self, head: &AuditHead) -> Result<Option<Pin>, Error> {
        let Some(pins) = &self.pins else {
            return Ok(None);
        };
        Ok(match pins.check(head, &*self.proofs).await? {
            PinCheck::Ok => None,
            PinCheck::Rollback(pin) => Some(pin),
        })
    }
}

fn rollback(head: &AuditHead, seen: u64) -> Sealed {
    let size = head.size();
    Sealed::Rollback { size, seen }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("anchors", &self.anchors)
            .field("deployment", &self.deployment)
            .field("keys", &self.keys)
            .field("pins", &self.pins)
            .finish_non_exhaustive()
    }
}
