//! The Open Cybersecurity Schema Framework, version 1.8.

mod classes;
mod objects;

use ee_core::{AuditEvent, AuditOutcome, AuditStage, storage::AuditEntry};
use serde_json::{Map, Value, json};

use super::Product;
use classes::{Class, OTHER, class_of};

/// The version of the schema.
const VERSION: &str = "1.8.0";

/// Writes an event as OCSF 1.8. What the schema has no place for stands in `unmapped`, as we have it.
///
/// Roles, keys and invitations are entities here, and users are accounts: classes of their own come with 1.9, as does a
/// place for agents.
pub fn ocsf(entry: &AuditEntry, product: &Product) -> Value {
    let mut written = Written {
        event: &entry.record.event,
        map: Map::new(),
        product,
        profiles: Vec::new(),
        rest: super::event(entry),
    };
    let (class, activity) = class_of(&written.event.action);
    written.put_classification(class, activity);
    written.put_outcome();
    written.put_actor(class);
    match class {
        Class::AccountChange => written.put_account(),
        Class::ApiActivity => written.put_api(),
        Class::ApplicationLifecycle => written.put_application(),
        Class::Authentication => written.put_authentication(),
        Class::EntityManagement => written.put_entity(),
        Class::EventLogActivity => written.put_log(),
        Class::GroupManagement => written.put_group(),
        Class::UserAccess => written.put_access(),
    }
    written.put_metadata(entry);
    written.finish()
}

/// An event, as far as it has been written.
struct Written<'a> {
    event: &'a AuditEvent,
    map: Map<String, Value>,
    product: &'a Product,
    profiles: Vec<&'static str>,
    /// What has not been written yet.
    rest: Value,
}

impl Written<'_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.map.insert(name.to_owned(), value.into());
    }

    fn put_classification(&mut self, class: Class, activity: u8) {
        let label = self.event.action.label().to_owned();
        let activity_name = class
            .activity(activity)
            .map_or_else(|| label.clone(), str::to_owned);
        self.put("activity_id", activity);
        self.put("type_name", format!("{}: {activity_name}", class.name()));
        self.put("activity_name", activity_name);
        self.put("category_name", class.category());
        self.put("category_uid", class.uid() / 1_000);
        self.put("class_name", class.name());
        self.put("class_uid", class.uid());
        self.put("message", label);
        self.put("time", self.event.timestamp.as_millisecond());
        self.put("type_uid", class.uid() * 100 + u32::from(activity));
        let (id, severity) = match self.event.severity() {
            0..=2 => (1, "Informational"),
            3..=4 => (2, "Low"),
            5..=6 => (3, "Medium"),
            7..=8 => (4, "High"),
            _ => (5, "Critical"),
        };
        self.put("severity", severity);
        self.put("severity_id", id);
        self.written(&["/code", "/id", "/timestamp"]);
    }

    fn put_outcome(&mut self) {
        let (id, status) = match (self.event.stage, self.event.outcome) {
            (AuditStage::Intent, _) => (OTHER, "Intent"),
            (AuditStage::Result, AuditOutcome::Success) => (1, "Success"),
            (AuditStage::Result, AuditOutcome::Denied | AuditOutcome::Failure) => (2, "Failure"),
        };
        self.put("status", status);
        self.put("status_id", id);
        if self.event.outcome == AuditOutcome::Denied {
            self.profiles.push("security_control");
            self.put("action", "Denied");
            self.put("action_id", 2);
            self.put("disposition", "Blocked");
            self.put("disposition_id", 2);
            self.put("status_code", "denied");
        }
        if self.event.stage == AuditStage::Result {
            self.written(&["/outcome"]);
        }
        if let Some(reason) = &self.event.reason {
            self.put("status_detail", reason.as_str());
            self.written(&["/reason"]);
        }
        if let Some(duration) = self.event.duration {
            self.put("duration", duration);
            self.written(&["/duration"]);
        }
    }

    fn put_metadata(&mut self, entry: &AuditEntry) {
        let event = self.event;
        let mut metadata = Map::new();
        let product = json!({
            "name": self.product.name, "vendor_name": self.product.vendor, "version": self.product.version,
        });
        let context = event.context.as_ref();
        for (name, value) in [
            (
                "correlation_uid",
                context.map(|it| it.request_id.as_str().into()),
            ),
            ("event_code", Some(event.code().into())),
            ("log_name", Some(entry.partition.as_str().into())),
            (
                "logged_time",
                Some(entry.received_at.as_millisecond().into()),
            ),
            ("product", Some(product)),
            (
                "profiles",
                (!self.profiles.is_empty()).then(|| self.profiles.clone().into()),
            ),
            ("sequence", Some(entry.seq.into())),
            (
                "tenant_uid",
                event.actor.organization_id.as_deref().map(Value::from),
            ),
            ("uid", Some(event.id.to_string().into())),
            ("version", Some(VERSION.into())),
        ] {
            if let Some(value) = value {
                metadata.insert(name.to_owned(), value);
            }
        }
        self.put("metadata", metadata);
        self.written(&["/context/requestId"]);
    }

    /// Notes that these have been written.
    fn written(&mut self, pointers: &[&str]) {
        for pointer in pointers {
            let Some((above, name)) = pointer.rsplit_once('/') else {
                continue;
            };
            if let Some(Value::Object(map)) = self.rest.pointer_mut(above) {
                map.remove(name);
                if map.is_empty() && !above.is_empty() {
                    self.written(&[above]);
                }
            }
        }
    }

    fn finish(mut self) -> Value {
        let rest = self.rest.take();
        self.put("unmapped", rest);
        Value::Object(self.map)
    }
}
