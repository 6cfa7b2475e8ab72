use std::sync::OnceLock;

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use ee_server::{
    health::{self, Readiness},
    metrics, openapi as document,
};
use http::header;
use serde_json::{Value, json};

use super::{Answer, json_bytes};
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

pub(super) async fn ready(AuthContext(cx): AuthContext) -> Answer<Readiness> {
    Ok(Json(health::ready(&cx).await?))
}

pub(super) async fn figures(AuthContext(cx): AuthContext) -> Result<Response, HttpError> {
    let text = metrics::metrics(&cx).await?;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response())
}
