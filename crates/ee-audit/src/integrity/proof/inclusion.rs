//! That an event is in a log.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ee_core::{AuditHash, Error, storage::AuditProofStore};
use tlog_tiles::Hash;

use super::{ProofText, number, path_text};
use crate::integrity::{
    Checkpoint, IntegrityError, LogName, VerifierKeys,
    tree::{self, StoredTree},
};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Proves that an event is in a log (<https://c2sp.org/tlog-proof>). The event itself is its extra data.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InclusionProof {
    /// The event as it was hashed: without what can be erased.
    pub canonical: String,
    /// Its number in the tree, one less than its `seq`.
    pub index: u64,
    /// A signed checkpoint over it.
    pub note: String,
    /// Hashes from the leaf's sibling to below the root.
    pub path: Vec<AuditHash>,
}

/// An event that a proof has shown to be in a log.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProvenEvent {
    /// The event as it was hashed.
    pub canonical: String,
    /// Who says that it is there, of which log and since when at the latest.
    pub checkpoint: Checkpoint,
    /// Its number.
    pub seq: u64,
}

impl InclusionProof {
    /// Proves that the event with this number is under the oldest checkpoint that covers it and that one of the keys has
    /// signed. `None` when no checkpoint covers it yet.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) when the event or the log is not what was signed,
    /// and with what the store fails with.
    pub async fn build(
        store: &dyn AuditProofStore,
        log: LogName<'_>,
        seq: u64,
        canonical: String,
        keys: &VerifierKeys,
    ) -> Result<Option<Self>, Error> {
        let (origin, partition) = (log.origin()?, log.partition);
        let Some(index) = seq.checked_sub(1) else {
            return Err(IntegrityError::ProofWrong.into());
        };
        let mut notes = store.checkpoints(partition, seq, 1).await?;
        let Some((_, note)) = notes.pop() else {
            return Ok(None);
        };
        let checkpoint = Checkpoint::verify(&note, &origin, keys)?;
        let tree = StoredTree { partition, store };
        let path = tree.prove_leaf(checkpoint.size, index).await?;
        let proof = Self {
            canonical,
            index,
            note,
            path,
        };
        proof.check(&checkpoint)?;
        Ok(Some(proof))
    }

    /// Reads a proof. It says nothing before it is [verified](Self::verify).
    pub fn parse(text: &str) -> Result<Self, IntegrityError> {
        let mut text = ProofText::read(text, HEADER)?;
        Ok(Self {
            canonical: text.take_base64("extra")?,
            index: number(text.take("index")?)?,
            note: text.note.to_owned(),
            path: text.path()?,
        })
    }

    /// Checks it against nothing but keys. Whoever asks has to look at the origin of the checkpoint: it is the name of
    /// the log.
    pub fn verify(self, keys: &VerifierKeys) -> Result<ProvenEvent, IntegrityError> {
        let checkpoint = Checkpoint::verify_any(&self.note, keys)?;
        self.check(&checkpoint)?;
        Ok(ProvenEvent {
            canonical: self.canonical,
            checkpoint,
            seq: self.index + 1,
        })
    }

    fn check(&self, checkpoint: &Checkpoint) -> Result<(), IntegrityError> {
        let leaf = AuditHash::of_leaf(self.canonical.as_bytes());
        let path: Vec<Hash> = self.path.iter().map(tree::to_tlog).collect();
        let (size, root) = (checkpoint.size, tree::to_tlog(&checkpoint.root));
        if self.index >= size {
            return Err(IntegrityError::ProofWrong);
        }
        tlog_tiles::check_record(&path, size, root, self.index, tree::to_tlog(&leaf))
            .map_err(|_| IntegrityError::ProofWrong)
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = STANDARD.encode(&self.canonical);
        let path = path_text(&self.path);
        write!(
            f,
            "{HEADER}\nextra {extra}\nindex {}\n{path}\n{}",
            self.index, self.note
        )
    }
}

/// Checks a proof file alone. See [`InclusionProof::verify`].
pub fn verify_proof(text: &str, keys: &VerifierKeys) -> Result<ProvenEvent, IntegrityError> {
    InclusionProof::parse(text)?.verify(keys)
}
