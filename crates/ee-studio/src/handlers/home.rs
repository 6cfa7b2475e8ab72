use axum::{
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
};
use ee_adapter_axum::{FormBody, HttpError, PathParams};
use ee_core::add_cookies;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::{
    assets::find_asset,
    components::Theme,
    paths,
    return_target::return_target,
    visit::{Visit, see_other, theme_cookie},
};

const ONE_YEAR: std::time::Duration = std::time::Duration::from_hours(365 * 24);

pub(crate) async fn root() -> Response {
    see_other(paths::BASE)
}

pub(crate) async fn home(visit: Visit) -> Response {
    if !visit.is_inside() {
        return see_other(&if visit.cx.has_stale_session() {
            paths::login_again("")
        } else {
            paths::login("")
        });
    }
    // Who may open nothing learns from the first page why.
    let nav = visit.nav();
    see_other(if nav.workflows && !nav.agents {
        paths::WORKFLOWS
    } else {
        paths::AGENTS
    })
}

pub(crate) async fn asset(
    headers: HeaderMap,
    PathParams(file): PathParams<String>,
) -> Result<Response, HttpError> {
    let Some(asset) = find_asset(&file) else {
        let status = StatusCode::NOT_FOUND;
        return Err(HttpError::new(status, "not_found", "Not found"));
    };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|list| {
            list.split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|tag| tag == "*" || tag == asset.etag)
        });
    let caching = [
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::ETAG, asset.etag),
        (header::VARY, "accept-encoding"),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let body = Body::from(Bytes::from_static(asset.bytes));
    Ok((caching, [(header::CONTENT_TYPE, asset.content_type)], body).into_response())
}

/// What the switch of the colours sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ThemeFields {
    redirect: String,
    theme: String,
}

pub(crate) async fn theme(visit: Visit, FormBody(fields): FormBody<ThemeFields>) -> Response {
    let theme = Theme::from_value(&fields.theme);
    let target = return_target(&visit.cx, &fields.redirect);
    let mut response = see_other(if target.is_empty() {
        paths::BASE
    } else {
        &target
    });
    let cookie = theme_cookie(&visit.cx).set(theme.as_str(), ONE_YEAR);
    add_cookies(response.headers_mut(), cookie);
    response
}
