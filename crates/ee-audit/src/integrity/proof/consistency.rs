//! That nothing was changed between two checkpoints.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ee_core::{AuditHash, AuditHead, Error, storage::AuditProofStore};
use tlog_tiles::Hash;

use super::{ProofText, path_text};
use crate::integrity::{
    Checkpoint, IntegrityError, LogName, VerifierKeys,
    tree::{self, StoredTree},
};

/// There is no file for this among the formats of C2SP; this one is made like theirs.
const HEADER: &str = "mastra-ee/audit-consistency@v1";

/// Proves that the log of a checkpoint is the beginning of the log of a later one (RFC 6962 §2.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ConsistencyProof {
    /// The later checkpoint, signed.
    pub newer: String,
    /// The earlier one, signed.
    pub older: String,
    /// What leads from one to the other.
    pub path: Vec<AuditHash>,
}

impl ConsistencyProof {
    /// Proves it for two signed checkpoints.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) when they are not of one log, or the log has been
    /// changed between them, and with what the store fails with.
    pub async fn build(
        store: &dyn AuditProofStore,
        log: LogName<'_>,
        older: String,
        newer: String,
        keys: &VerifierKeys,
    ) -> Result<Self, Error> {
        let (origin, partition) = (log.origin()?, log.partition);
        let from = Checkpoint::verify(&older, &origin, keys)?;
        let to = Checkpoint::verify(&newer, &origin, keys)?;
        let tree = StoredTree { partition, store };
        let path = tree.prove_tree(to.size, from.size).await?;
        check(&path, Tree::of(&from), Tree::of(&to))?;
        Ok(Self { newer, older, path })
    }

    /// Reads a proof. It says nothing before it is [verified](Self::verify).
    pub fn parse(text: &str) -> Result<Self, IntegrityError> {
        let mut text = ProofText::read(text, HEADER)?;
        Ok(Self {
            older: text.take_base64("old")?,
            newer: text.note.to_owned(),
            path: text.path()?,
        })
    }

    /// Checks it against nothing but keys and returns the earlier checkpoint and the later one.
    pub fn verify(&self, keys: &VerifierKeys) -> Result<(Checkpoint, Checkpoint), IntegrityError> {
        let older = Checkpoint::verify_any(&self.older, keys)?;
        let newer = Checkpoint::verify(&self.newer, &older.origin, keys)?;
        check(&self.path, Tree::of(&older), Tree::of(&newer))?;
        Ok((older, newer))
    }
}

impl fmt::Display for ConsistencyProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let old = STANDARD.encode(&self.older);
        let path = path_text(&self.path);
        write!(f, "{HEADER}\nold {old}\n{path}\n{}", self.newer)
    }
}

/// Checks a proof file alone. See [`ConsistencyProof::verify`].
pub fn verify_consistency(
    text: &str,
    keys: &VerifierKeys,
) -> Result<(Checkpoint, Checkpoint), IntegrityError> {
    ConsistencyProof::parse(text)?.verify(keys)
}

/// How far a log went, and its root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::integrity) struct Tree {
    pub(in crate::integrity) root: AuditHash,
    pub(in crate::integrity) size: u64,
}

impl Tree {
    pub(in crate::integrity) fn at(head: &AuditHead) -> Self {
        let (root, size) = (head.root(), head.size());
        Self { root, size }
    }

    pub(in crate::integrity) const fn of(checkpoint: &Checkpoint) -> Self {
        let (root, size) = (checkpoint.root, checkpoint.size);
        Self { root, size }
    }
}

/// Tells whether a log as it was is the beginning of the log as it is, from a few rows of the store.
///
/// Fails with what the store fails with.
pub(in crate::integrity) async fn is_prefix(
    store: &dyn AuditProofStore,
    older: Tree,
    head: &AuditHead,
) -> Result<bool, Error> {
    if older.size > head.size() {
        return Ok(false);
    }
    let partition = head.partition();
    let tree = StoredTree { partition, store };
    let path = tree.prove_tree(head.size(), older.size).await?;
    Ok(check(&path, older, Tree::at(head)).is_ok())
}

fn check(path: &[AuditHash], older: Tree, newer: Tree) -> Result<(), IntegrityError> {
    if older.size == 0 {
        // Every log begins empty, and there is one empty tree.
        let empty = AuditHead::genesis("").root();
        let is_well = path.is_empty() && older.root == empty;
        return is_well.then_some(()).ok_or(IntegrityError::ProofWrong);
    }
    if older.size > newer.size {
        return Err(IntegrityError::ProofWrong);
    }
    let path: Vec<Hash> = path.iter().map(tree::to_tlog).collect();
    tlog_tiles::check_tree(
        &path,
        newer.size,
        tree::to_tlog(&newer.root),
        older.size,
        tree::to_tlog(&older.root),
    )
    .map_err(|_| IntegrityError::ProofWrong)
}
