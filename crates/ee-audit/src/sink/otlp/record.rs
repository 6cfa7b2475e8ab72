//! An event as a log record, in the JSON of protobuf: 64 bits are texts, bytes of ids are hex.

use ee_core::{AuditEvent, storage::AuditEntry};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::format::native;

/// Writes an event as a `LogRecord`.
pub(super) fn log_record(entry: &AuditEntry) -> Value {
    let event = &entry.record.event;
    let (number, text) = severity(event);
    let mut record = json!({
        "attributes": event_attributes(entry),
        "body": any(&native(entry)),
        "eventName": event.action.as_str(),
        "observedTimeUnixNano": nanos(entry.received_at),
        "severityNumber": number,
        "severityText": text,
        "timeUnixNano": nanos(event.timestamp),
    });
    if let (Some(context), Value::Object(record)) = (&event.context, &mut record) {
        put_id(record, "traceId", context.trace_id.as_deref(), 32);
        put_id(record, "spanId", context.span_id.as_deref(), 16);
    }
    record
}

/// Writes attributes, those that there are.
pub(super) fn attributes<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    let there = pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    there
        .map(|(key, value)| json!({ "key": key, "value": any(&value) }))
        .collect()
}

/// What collectors search by, after the semantic conventions where there are any.
fn event_attributes(entry: &AuditEntry) -> Value {
    let event = &entry.record.event;
    let (actor, resource) = (&event.actor, event.resource.as_ref());
    let (context, ai) = (event.context.as_ref(), event.ai.as_ref());
    attributes([
        ("audit.code", Some(json!(event.code()))),
        ("audit.outcome", Some(json!(event.outcome.as_str()))),
        ("audit.partition", Some(json!(entry.partition))),
        ("audit.resource.id", resource.map(|it| json!(it.id))),
        ("audit.resource.type", resource.map(|it| json!(it.kind))),
        ("audit.seq", Some(json!(entry.seq))),
        ("client.address", actor.ip.map(|ip| json!(ip.to_string()))),
        (
            "gen_ai.agent.id",
            ai.and_then(|it| it.agent_id.as_ref()).map(|it| json!(it)),
        ),
        (
            "gen_ai.request.model",
            ai.and_then(|it| it.model.as_ref()).map(|it| json!(it)),
        ),
        ("http.request.method", context.map(|it| json!(it.method))),
        (
            "http.response.status_code",
            context
                .filter(|it| it.status > 0)
                .map(|it| json!(it.status)),
        ),
        ("http.route", context.map(|it| json!(it.route))),
        ("log.record.uid", Some(json!(event.id))),
        ("user.email", actor.email.as_ref().map(|it| json!(it))),
        ("user.id", Some(json!(actor.id))),
        (
            "user_agent.original",
            actor.user_agent.as_ref().map(|it| json!(it)),
        ),
    ])
}

/// Writes JSON as an `AnyValue`.
fn any(value: &Value) -> Value {
    match value {
        Value::Array(values) => {
            let values: Vec<Value> = values.iter().map(any).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::Bool(it) => json!({ "boolValue": it }),
        Value::Null => json!({}),
        Value::Number(it) => match it.as_i64() {
            Some(whole) => json!({ "intValue": whole.to_string() }),
            None => json!({ "doubleValue": it }),
        },
        Value::Object(map) => {
            let pairs = map.iter();
            let pairs = pairs.map(|(key, value)| json!({ "key": key, "value": any(value) }));
            json!({ "kvlistValue": { "values": pairs.collect::<Vec<_>>() } })
        }
        Value::String(it) => json!({ "stringValue": it }),
    }
}

fn severity(event: &AuditEvent) -> (u8, &'static str) {
    match event.severity() {
        0..=4 => (9, "INFO"),
        5..=7 => (13, "WARN"),
        _ => (17, "ERROR"),
    }
}

fn nanos(at: Timestamp) -> String {
    at.as_nanosecond().max(0).to_string()
}

/// Puts an id of a trace there if it is one; a collector refuses the whole batch for another text.
fn put_id(record: &mut Map<String, Value>, name: &str, id: Option<&str>, digits: usize) {
    let is_id = |id: &&str| {
        let is_hex = id.len() == digits && id.bytes().all(|it| it.is_ascii_hexdigit());
        is_hex && id.bytes().any(|it| it != b'0')
    };
    if let Some(id) = id.filter(is_id) {
        record.insert(name.to_owned(), json!(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_json_of_protobuf() {
        let value = json!({ "a": [1, -2.5, true, null, "x"], "b": u64::MAX });

        assert_eq!(
            any(&value),
            json!({ "kvlistValue": { "values": [
                { "key": "a", "value": { "arrayValue": { "values": [
                    { "intValue": "1" },
                    { "doubleValue": -2.5 },
                    { "boolValue": true },
                    {},
                    { "stringValue": "x" },
                ] } } },
                { "key": "b", "value": { "doubleValue": u64::MAX } },
            ] } })
        );
    }

    #[test]
    fn an_id_that_is_none_is_left_out() {
        let mut record = Map::new();
        let good = "4bf92f3577b34da6a3ce929d0e0e4736";
        for id in [
            None,
            Some(""),
            Some("xyz"),
            Some(&good[..31]),
            Some(&"0".repeat(32)),
        ] {
            put_id(&mut record, "traceId", id, 32);
        }
        assert!(record.is_empty());

        put_id(&mut record, "traceId", Some(good), 32);
        assert_eq!(record["traceId"], good);
    }
}
