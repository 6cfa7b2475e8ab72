//! Stands in for `crate::format` until that is there.

use ee_core::storage::AuditEntry;
use serde_json::Value;

/// What writes the events.
#[derive(Clone, Debug)]
pub struct Product {
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub name: String,
    /// Which version it is.
    pub version: String,
}

pub(crate) fn native(entry: &AuditEntry) -> Value {
    let mut value = serde_json::to_value(&entry.record.event).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.insert("partition".to_owned(), entry.partition.clone().into());
        map.insert(
            "receivedAt".to_owned(),
            entry.received_at.to_string().into(),
        );
        map.insert("seq".to_owned(), entry.seq.into());
    }
    value
}

pub(crate) fn ocsf(entry: &AuditEntry, product: &Product) -> Value {
    serde_json::json!({ "metadata": { "uid": entry.record.event.id, "product": product.name } })
}

pub(crate) fn cef(entry: &AuditEntry, product: &Product) -> String {
    let id = entry.record.event.id;
    format!(
        "CEF:0|{}|{}|{}|||3|externalId={id}",
        product.vendor, product.name, product.version
    )
}
