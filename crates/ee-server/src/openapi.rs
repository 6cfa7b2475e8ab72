//! The OpenAPI 3.1 document, written from the table of routes.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{Access, Body, Op, Route};

/// Describes the API (OpenAPI 3.1.1; its schemas are JSON Schema 2020-12).
pub fn openapi() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = "/components/schemas".into();
        })
        .into_generator();
    let mut paths = Map::new();
    for op in Op::ALL {
        let route = op.route();
        let path = paths
            .entry(route.path.to_string())
            .or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(
                route.method.as_str().to_ascii_lowercase(),
                operation(*op, &route, &mut generator),
            );
        }
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Enterprise access for servers of AI agents",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": { "Error": error_response() },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-ee_session",
                    "description": "On a loopback address without TLS the name is `ee_session`.",
                },
            },
        },
    })
}

fn operation(op: Op, route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    let mut set = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    set("operationId", json!(op.name()));
    set("summary", json!(route.summary));
    set("parameters", Value::Array(parameters(route)));
    if let Body::Json(schema) = route.input {
        let schema = schema(generator);
        let required = !matches!(op, Op::CreateRun);
        set(
            "requestBody",
            json!({ "required": required, "content": { "application/json": { "schema": schema } } }),
        );
    }
    let mut responses = Map::new();
    responses.insert("200".to_owned(), success(route, generator));
    let mut errors = vec!["400", "500", "503"];
    match &route.access {
        Access::Open | Access::Public => set("security", json!([])),
        Access::Authenticated => {
            errors.push("401");
            set("security", json!([{ "bearer": [] }, { "session": [] }]))
        }
        Access::Permission { any_of, .. } => {
            errors.extend(["401", "403"]);
            let names: Vec<String> = any_of.iter().map(ToString::to_string).collect();
            set("x-required-permission", json!(names));
            set("security", json!([{ "bearer": [] }, { "session": [] }]))
        }
    };
    if let Some(action) = &route.audit {
        set("x-audit-action", json!(action));
    }
    for status in errors {
        responses.insert(
            status.to_owned(),
            json!({ "$ref": "#/components/responses/Error" }),
        );
    }
    set("responses", Value::Object(responses));
    Value::Object(operation)
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| parameter(name, "path", true));
    in_path
        .chain(
            route
                .query
                .iter()
                .map(|name| parameter(name, "query", false)),
        )
        .collect()
}

fn parameter(name: &str, place: &str, required: bool) -> Value {
    json!({ "name": name, "in": place, "required": required, "schema": { "type": "string" } })
}

fn success(route: &Route, generator: &mut SchemaGenerator) -> Value {
    match route.output {
        Body::None => json!({ "description": "Done" }),
        Body::Json(schema) => {
            json!({ "description": "Done", "content": { "application/json": { "schema": schema(generator) } } })
        }
        Body::Stream(content_type, what) => {
            let content = json!({ content_type: { "schema": { "type": "string" } } });
            json!({ "description": what, "content": content })
        }
        Body::Other(kind) => json!({ "description": "Done", "content": { kind: {} } }),
    }
}

fn error_response() -> Value {
    json!({
        "description": "Refused or failed",
        "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["error", "code", "requestId"],
            "properties": {
                "error": { "type": "string", "description": "What went wrong" },
                "message": { "type": "string", "description": "What exactly" },
                "code": { "type": "string", "description": "Stable, lower-case" },
                "requestId": { "type": "string", "description": "Names the request in the log and in the record" },
                "issues": { "type": "array", "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": { "field": { "type": "string" }, "message": { "type": "string" } },
                } },
            },
        } } },
    })
}
