//! Events as other systems read them.

mod cef;
mod ocsf;

use ee_core::storage::AuditEntry;
use serde_json::Value;

pub use cef::cef;
pub use ocsf::ocsf;

/// What writes the events, as it calls itself to those who read them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Product {
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub name: String,
    /// Which version it is.
    pub version: String,
}

impl Default for Product {
    fn default() -> Self {
        Self {
            vendor: "mastra-ee".to_owned(),
            name: "audit".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Writes an event as we have it, with its place in the record.
pub fn native(entry: &AuditEntry) -> Value {
    let mut value = event(entry);
    if let Value::Object(map) = &mut value {
        map.insert("partition".to_owned(), entry.partition.as_str().into());
        map.insert(
            "receivedAt".to_owned(),
            entry.received_at.to_string().into(),
        );
        map.insert("seq".to_owned(), entry.seq.into());
    }
    value
}

/// What was read from a store can be written.
fn event(entry: &AuditEntry) -> Value {
    serde_json::to_value(&entry.record.event).unwrap_or_default()
}
