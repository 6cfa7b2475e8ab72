//! What this machine has seen of the logs: a log that is cut off at its end, or replaced, is told by it.

use std::path::PathBuf;

use ee_core::{AuditHash, AuditHead, Error, ErrorKind, storage::AuditProofStore};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{IntegrityError, Tree, hex, is_prefix, private_file};

/// Longest name of a log that is the name of its file.
const LONGEST_NAME: usize = 60;

/// How far a log went when this machine saw it last.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pin {
    /// Hash of everything in it.
    #[serde(with = "hex")]
    pub chain: AuditHash,
    /// Which log.
    pub partition: String,
    /// Root of its tree.
    #[serde(with = "hex")]
    pub root: AuditHash,
    /// How many events it had.
    pub size: u64,
}

impl Pin {
    /// Remembers where a log ends.
    pub fn new(head: &AuditHead) -> Self {
        Self {
            chain: head.chain(),
            partition: head.partition().to_owned(),
            root: head.root(),
            size: head.size(),
        }
    }
}

/// How a log is compared with what was seen of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PinCheck {
    /// It is the same, or has grown, or was never seen.
    Ok,
    /// It is shorter, or another one. This was seen.
    Rollback(Pin),
}

/// A directory with a small file for each log, which only its owner may read.
#[derive(Clone, Debug)]
pub struct Pins {
    directory: PathBuf,
}

impl Pins {
    /// Keeps pins in this directory, which has to be there.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self { directory }
    }

    /// Returns what was seen of a log.
    ///
    /// Fails with [`IntegrityError::PinForm`] for a file that is no pin of it: somebody has been there.
    pub fn find(&self, partition: &str) -> Result<Option<Pin>, IntegrityError> {
        let path = self.path(partition);
        let Some(text) = private_file::read(&path)? else {
            return Ok(None);
        };
        let pin = serde_json::from_str::<Pin>(&text).ok();
        pin.filter(|pin| pin.partition == partition)
            .map(Some)
            .ok_or(IntegrityError::PinForm { path })
    }

    /// Compares a log with what was seen of it. Of one that has grown, the store has to show that what was seen is its
    /// beginning.
    ///
    /// Fails with what the store fails with, and where a pin cannot be read.
    pub async fn check(
        &self,
        head: &AuditHead,
        proofs: &dyn AuditProofStore,
    ) -> Result<PinCheck, Error> {
        let Some(pin) = self.find(head.partition())? else {
            return Ok(PinCheck::Ok);
        };
        let seen = Tree {
            root: pin.root,
            size: pin.size,
        };
        let is_well = if pin.size == head.size() {
            pin == Pin::new(head)
        } else {
            is_prefix(proofs, seen, head).await?
        };
        Ok(if is_well {
            PinCheck::Ok
        } else {
            PinCheck::Rollback(pin)
        })
    }

    /// Remembers where a log ends. Call it after [`check`](Self::check); when somebody else has seen more of it since,
    /// that stays.
    ///
    /// Fails when the disk does.
    pub async fn put(&self, head: &AuditHead) -> Result<(), Error> {
        let (pins, pin) = (self.clone(), Pin::new(head));
        // It waits for the disk.
        tokio::task::spawn_blocking(move || pins.write(&pin))
            .await
            .map_err(|err| {
                Error::new(ErrorKind::Unavailable, "a pin was not written").with_source(err)
            })??;
        Ok(())
    }

    /// Forgets what was seen of a log: somebody has looked at what has happened to it and goes on from there.
    pub fn forget(&self, partition: &str) -> Result<(), IntegrityError> {
        let path = self.path(partition);
        match std::fs::remove_file(&path) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                Err(private_file::at(&path)(err))
            }
            _ => private_file::sync_directory(&path).map_err(private_file::at(&path)),
        }
    }

    fn write(&self, pin: &Pin) -> Result<(), IntegrityError> {
        if self
            .find(&pin.partition)?
            .is_some_and(|seen| seen.size >= pin.size)
        {
            return Ok(());
        }
        let path = self.path(&pin.partition);
        let text = serde_json::to_string(pin);
        let text = text.map_err(|_| IntegrityError::PinForm { path: path.clone() })?;
        private_file::replace(&path, &(text + "\n"))
    }

    /// Names the file of a log. Names of logs that are not names of files everywhere are hashed.
    fn path(&self, partition: &str) -> PathBuf {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let is_name = (1..=LONGEST_NAME).contains(&partition.len());
        let name = if is_name && partition.bytes().all(is_plain) {
            format!("{partition}.pin")
        } else {
            let digest: [u8; 32] = Sha256::digest(partition).into();
            format!("{}.pin", AuditHash::new(digest))
        };
        self.directory.join(name)
    }
}
