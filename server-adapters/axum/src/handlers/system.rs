use std::sync::OnceLock;

use axum::{Json, response::Response};
use bytes::Bytes;
use ee_core::Visible;
use ee_server::openapi as document;
use serde_json::{Value, json};

use super::json_bytes;
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

pub(super) async fn openapi() -> Response {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let json = DOCUMENT.get_or_init(|| Bytes::from(document().to_string()));
    json_bytes(json.clone())
}

pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// Asks the stores that the server cannot do without.
pub(super) async fn ready(AuthContext(cx): AuthContext) -> Result<Json<Value>, HttpError> {
    if let Some(agents) = &cx.server().agents {
        agents.list(&Visible::EVERYTHING).await?;
    }
    Ok(Json(json!({ "status": "ready" })))
}
