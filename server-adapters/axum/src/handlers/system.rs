use std::sync::OnceLock;

use axum::{Json, response::IntoResponse};
use bytes::Bytes;
use ee_server::openapi as document;
use http::header;
use serde_json::{Value, json};

use crate::{AuthContext, HttpError};

pub(super) async fn packages() -> Json<Value> {
    Json(json!({
        "packages": [],
        "isDev": false,
        "cmsEnabled": true,
        "liveKitConnectionRouteEnabled": false,
        "observabilityEnabled": false,
    }))
}

pub(super) async fn openapi() -> impl IntoResponse {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let bytes = DOCUMENT
        .get_or_init(|| Bytes::from(document().to_string()))
        .clone();
    ([(header::CONTENT_TYPE, "application/json")], bytes)
}

pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// Asks the stores that the server cannot do without.
pub(super) async fn ready(AuthContext(cx): AuthContext) -> Result<Json<Value>, HttpError> {
    if let Some(agents) = &cx.server().agents {
        agents.list().await?;
    }
    Ok(Json(json!({ "status": "ready" })))
}
