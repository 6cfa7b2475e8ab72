//! What a table holds, as something that can be compared.

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

use super::{Table, pages::Values};
use crate::Value;

/// What a table holds: how many rows, and a digest of all their values.
///
/// The digest is SHA-256 over the names of the columns and then the rows in the order of the key. Each value stands
/// there as its kind, its length and its bytes, so it is the same on every database that holds the same.
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    digest: [u8; 32],
    /// How many rows there are.
    pub rows: u64,
}

impl Contents {
    /// Returns the digest as 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.digest {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("digest", &self.digest())
            .field("rows", &self.rows)
            .finish()
    }
}

/// Takes rows in and makes [`Contents`] of them.
pub(super) struct Tally {
    hash: Sha256,
    rows: u64,
}

impl Tally {
    pub(super) fn of(table: &Table) -> Self {
        let mut tally = Self {
            hash: Sha256::new(),
            rows: 0,
        };
        for column in table.columns() {
            tally.add_bytes(b't', column.as_bytes());
        }
        tally
    }

    pub(super) fn add(&mut self, row: &Values) {
        self.hash.update(b"r");
        for value in row {
            match value {
                Value::Blob(bytes) => self.add_bytes(b'b', bytes),
                Value::Integer(number) => self.add_bytes(b'i', &number.to_be_bytes()),
                Value::Null => self.add_bytes(b'n', &[]),
                Value::Text(text) => self.add_bytes(b't', text.as_bytes()),
            }
        }
        self.rows += 1;
    }

    pub(super) fn finish(self) -> Contents {
        Contents {
            digest: self.hash.finalize().into(),
            rows: self.rows,
        }
    }

    fn add_bytes(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::TABLES;

    fn digest(rows: &[Values]) -> String {
        let mut tally = Tally::of(&TABLES[0]);
        for row in rows {
            tally.add(row);
        }
        tally.finish().digest()
    }

    #[test]
    fn what_looks_alike_has_another_digest() {
        let null = Value::Null;
        let alike = [
            vec![],
            vec![vec!["".into(), "ab".into()]],
            vec![vec!["a".into(), "b".into()]],
            vec![vec!["ab".into(), "".into()]],
            vec![vec!["a".into()], vec!["b".into()]],
            vec![vec![null.clone(), "ab".into()]],
            vec![vec![null, Value::Blob(b"ab".to_vec())]],
            vec![vec![Value::Integer(1)]],
            vec![vec!["1".into()]],
            vec![vec![Value::Blob(1_i64.to_be_bytes().to_vec())]],
        ];

        let digests: std::collections::BTreeSet<String> =
            alike.iter().map(|rows| digest(rows)).collect();

        assert_eq!(digests.len(), alike.len());
    }
}
