use ee_core::storage::AuditEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::format::{Product, cef, native, ocsf};

/// How events are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventFormat {
    /// Common Event Format: a line of text.
    Cef,
    /// As we have it: JSON.
    #[default]
    Native,
    /// Open Cybersecurity Schema Framework: JSON.
    Ocsf,
}

impl EventFormat {
    /// Writes an event as one line, without its end.
    pub(super) fn line(self, entry: &AuditEntry, product: &Product) -> String {
        match self.value(entry, product) {
            Some(value) => value.to_string(),
            // A line break would begin another event.
            None => cef(entry, product).replace(['\n', '\r'], " "),
        }
    }

    /// Writes events as lines.
    pub(super) fn lines(self, batch: &[AuditEntry], product: &Product) -> Vec<u8> {
        let mut lines = Vec::new();
        for entry in batch {
            lines.extend_from_slice(self.line(entry, product).as_bytes());
            lines.push(b'\n');
        }
        lines
    }

    /// Returns an event as JSON; `None` where the format is none.
    pub(super) fn value(self, entry: &AuditEntry, product: &Product) -> Option<Value> {
        match self {
            Self::Cef => None,
            Self::Native => Some(native(entry)),
            Self::Ocsf => Some(ocsf(entry, product)),
        }
    }
}
