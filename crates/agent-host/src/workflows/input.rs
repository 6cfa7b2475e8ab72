use ee_core::Error;
use serde_json::Value;

use crate::issues::Issues;

const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// Checks the part of a JSON Schema that is understood here: an object with typed properties, some
/// of them required.
pub(super) fn check_schema(issues: &mut Issues, schema: &Value) {
    let Value::Object(fields) = schema else {
        issues.add("inputSchema", "must be an object");
        return;
    };
    if fields.get("type").is_some_and(|kind| kind != "object") {
        issues.add("inputSchema.type", "must be `object`");
    }
    match fields.get("properties") {
        None => {}
        Some(Value::Object(properties)) => {
            for (name, property) in properties {
                if !types(property).all(|kind| TYPES.contains(&kind)) || !property.is_object() {
                    issues.add(
                        format!("inputSchema.properties.{name}"),
                        format!("must be an object with a type out of {}", TYPES.join(", ")),
                    );
                }
            }
        }
        Some(_) => issues.add("inputSchema.properties", "must be an object"),
    }
    match fields.get("required") {
        None => {}
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {}
        Some(_) => issues.add("inputSchema.required", "must be a list of names"),
    }
}

/// Checks an input: an object, what is required is present, the types of top-level properties fit.
/// Fails with all wrong fields.
pub(super) fn check_input(schema: Option<&Value>, input: &Value) -> Result<(), Error> {
    let Some(schema) = schema else {
        return Ok(());
    };
    let Value::Object(fields) = input else {
        return Err(Error::invalid_field("input", "must be an object"));
    };
    let mut issues = Issues::default();
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            issues.add(format!("input.{name}"), "is required");
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let Some(value) = fields.get(name) else {
            continue;
        };
        let wanted: Vec<_> = types(property).collect();
        if !wanted.is_empty() && !wanted.iter().any(|kind| has_type(value, kind)) {
            issues.add(
                format!("input.{name}"),
                format!("must be of type {}", wanted.join(" or ")),
            );
        }
    }
    issues.into_result()
}

/// Returns the type or types of a property; what is not text comes as an unknown type.
fn types(property: &Value) -> impl Iterator<Item = &str> {
    let kinds = match property.get("type") {
        None => &[],
        Some(Value::Array(kinds)) => kinds.as_slice(),
        Some(kind) => std::slice::from_ref(kind),
    };
    kinds.iter().map(|kind| kind.as_str().unwrap_or("?"))
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(result: Result<(), Error>) -> Vec<String> {
        match result {
            Ok(()) => Vec::new(),
            Err(err) => err.issues().iter().map(|i| i.field.clone()).collect(),
        }
    }

    #[test]
    fn required_properties_and_types_are_checked() {
        let schema = json!({
            "type": "object",
            "properties": {
                "count": { "type": "integer" },
                "note": { "type": ["string", "null"] },
                "topic": { "type": "string" },
            },
            "required": ["topic"],
        });
        for (input, fields) in [
            (
                json!({ "topic": "x", "count": 3, "note": null, "more": 1 }),
                vec![],
            ),
            (json!({ "topic": "x", "count": 3.0 }), vec![]),
            (json!({}), vec!["input.topic"]),
            (
                json!({ "topic": 1, "count": 1.5, "note": 2 }),
                vec!["input.count", "input.note", "input.topic"],
            ),
            (json!("x"), vec!["input"]),
            (json!(null), vec!["input"]),
        ] {
            assert_eq!(wrong(check_input(Some(&schema), &input)), fields, "{input}");
        }
        assert!(check_input(None, &json!(null)).is_ok());
    }

    #[test]
    fn a_schema_that_is_not_understood_is_refused() {
        for (schema, field) in [
            (json!(true), "inputSchema"),
            (json!({ "type": "string" }), "inputSchema.type"),
            (json!({ "properties": [] }), "inputSchema.properties"),
            (
                json!({ "properties": { "a": { "type": "text" } } }),
                "inputSchema.properties.a",
            ),
            (
                json!({ "properties": { "a": { "type": 1 } } }),
                "inputSchema.properties.a",
            ),
            (
                json!({ "properties": { "a": 1 } }),
                "inputSchema.properties.a",
            ),
            (json!({ "required": "a" }), "inputSchema.required"),
            (json!({ "required": [1] }), "inputSchema.required"),
        ] {
            let mut issues = Issues::default();
            check_schema(&mut issues, &schema);
            assert_eq!(wrong(issues.into_result()), [field], "{schema}");
        }
    }
}
