//! What is signed of a copy.

use std::io::{self, Read};

use ee_core::{Error, ErrorKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ExportFormat;

/// Says what is in a copy, so that nothing of it can be changed or left out unseen once this is signed.
// The fields stand in the order of their names: that is the canonical form of RFC 8785.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Manifest {
    /// How many bytes it has.
    pub bytes: u64,
    /// How many events are in it.
    pub count: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which events were asked for, in the grammar of searches.
    pub filter: String,
    /// What it looks like.
    pub format: ExportFormat,
    /// The logs that events are of, by name.
    pub partitions: Vec<ManifestPartition>,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Version of what this is.
    pub version: u32,
}

/// Says what a copy has of one log.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestPartition {
    /// A signed checkpoint of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// How many events are in the copy.
    pub count: u64,
    /// Lowest number of one.
    pub first: u64,
    /// Highest number of one.
    pub last: u64,
    /// Name of the log.
    pub name: String,
}

impl Manifest {
    /// Version of what is written.
    pub const VERSION: u32 = 1;

    /// Adds a signed checkpoint of a log; of one that has nothing in the copy it is left out.
    #[must_use]
    pub fn with_checkpoint(mut self, partition: &str, note: impl Into<String>) -> Self {
        let mut partitions = self.partitions.iter_mut();
        if let Some(partition) = partitions.find(|it| it.name == partition) {
            partition.checkpoint = Some(note.into());
        }
        self
    }

    /// Writes it as one line in canonical form (RFC 8785), with the end of the line. This is what is signed.
    pub fn to_text(&self) -> Result<String, Error> {
        let text = serde_json::to_string(self).map_err(|err| {
            Error::new(ErrorKind::Internal, "a manifest cannot be written").with_source(err)
        })?;
        Ok(text + "\n")
    }

    /// Reads what [`to_text`](Self::to_text) writes. Fails with [`ErrorKind::Invalid`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let invalid = || Error::new(ErrorKind::Invalid, "this is no manifest of an export");
        let manifest: Self =
            serde_json::from_str(text).map_err(|err| invalid().with_source(err))?;
        if manifest.version != Self::VERSION || manifest.to_text()? != text {
            return Err(invalid());
        }
        Ok(manifest)
    }

    /// Tells whether these are the bytes of the copy.
    pub fn is_of(&self, mut copy: impl Read) -> io::Result<bool> {
        let mut hasher = Sha256::new();
        let mut bytes = 0_u64;
        let mut buffer = vec![0; 64 * 1_024];
        loop {
            let length = match copy.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                Err(err) => return Err(err),
            };
            hasher.update(buffer.get(..length).unwrap_or_default());
            bytes += length as u64;
        }
        Ok(bytes == self.bytes && hex(hasher) == self.sha256)
    }
}

impl ManifestPartition {
    pub(super) fn new(name: &str, seq: u64) -> Self {
        Self {
            checkpoint: None,
            count: 1,
            first: seq,
            last: seq,
            name: name.to_owned(),
        }
    }

    pub(super) fn add(&mut self, seq: u64) {
        self.count += 1;
        self.first = self.first.min(seq);
        self.last = self.last.max(seq);
    }
}

/// Writes a digest in hex.
pub(super) fn hex(hasher: Sha256) -> String {
    let digest: [u8; 32] = hasher.finalize().into();
    ee_core::AuditHash::new(digest).to_string()
}
