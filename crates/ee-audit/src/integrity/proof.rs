//! Proofs as text files that somebody can check who has nothing else but the keys.

mod consistency;
mod inclusion;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ee_core::AuditHash;

pub use consistency::{ConsistencyProof, verify_consistency};
pub(super) use consistency::{Tree, is_prefix};
pub use inclusion::{InclusionProof, ProvenEvent, verify_proof};

use super::IntegrityError;

/// Longest proof that is read: an event of 64 KiB takes a tenth of it.
const LIMIT: usize = 1 << 20;
/// A tree with more levels has more leaves than there are numbers.
const DEEPEST: usize = 128;

/// What proofs have in common: a first line, named values, hashes, an empty line, a checkpoint.
struct ProofText<'a> {
    lines: Vec<&'a str>,
    note: &'a str,
}

impl<'a> ProofText<'a> {
    fn read(text: &'a str, header: &str) -> Result<Self, IntegrityError> {
        let malformed = || IntegrityError::ProofForm;
        if text.len() > LIMIT {
            return Err(malformed());
        }
        let (head, note) = text.split_once("\n\n").ok_or_else(malformed)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(header) {
            return Err(malformed());
        }
        let lines: Vec<&str> = lines.collect();
        if lines.len() > DEEPEST {
            return Err(malformed());
        }
        Ok(Self { lines, note })
    }

    /// Takes the next line, which has this name.
    fn take(&mut self, name: &str) -> Result<&'a str, IntegrityError> {
        let line = self.lines.first().and_then(|line| line.strip_prefix(name));
        let value = line.and_then(|line| line.strip_prefix(' '));
        let value = value.ok_or(IntegrityError::ProofForm)?;
        self.lines.remove(0);
        Ok(value)
    }

    fn take_base64(&mut self, name: &str) -> Result<String, IntegrityError> {
        let bytes = STANDARD.decode(self.take(name)?);
        let bytes = bytes.map_err(|_| IntegrityError::ProofForm)?;
        String::from_utf8(bytes).map_err(|_| IntegrityError::ProofForm)
    }

    /// Reads the other lines as hashes.
    fn path(&self) -> Result<Vec<AuditHash>, IntegrityError> {
        let read = |line: &&str| {
            STANDARD
                .decode(line)
                .ok()
                .and_then(|it| AuditHash::from_slice(&it))
        };
        let path: Option<Vec<AuditHash>> = self.lines.iter().map(read).collect();
        path.ok_or(IntegrityError::ProofForm)
    }
}

/// Reads a number in the one form that it has.
fn number(text: &str) -> Result<u64, IntegrityError> {
    let number = text.parse::<u64>().ok();
    number
        .filter(|number| number.to_string() == text)
        .ok_or(IntegrityError::ProofForm)
}

/// Writes hashes, one a line.
fn path_text(path: &[AuditHash]) -> String {
    let line = |hash: &AuditHash| STANDARD.encode(hash.as_bytes()) + "\n";
    path.iter().map(line).collect()
}
