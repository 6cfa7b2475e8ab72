//! Stands before a handler: lets the request through or refuses it, and records how it ended.

use std::{
    collections::HashMap,
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request},
    handler::Handler,
    response::{IntoResponse as _, Response},
};
use ee_core::{Permission, PermissionPattern, add_cookies};
use ee_server::{Access, Arrival, AuditNote, Cx, Outcome, Route, Scope, Surface, admit, record};
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts, uri::PathAndQuery};
use tower::{Layer, Service};
use tracing::{error, warn};

use crate::{FailedRequest, HttpError, corridor::Shared, error::Drawn, gate::Arrived, headers};

/// Enforces declared access, as a layer or before a handler function.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    policy: Policy,
    shared: Arc<Shared>,
}

/// Where the declaration of a request's route is found.
#[derive(Clone, Debug)]
pub(crate) enum Policy {
    /// There is one.
    Route(Arc<Route>),
    /// There is none: the path or the method is unknown.
    Unknown,
    /// By method and template of the matched route.
    Table(Arc<HashMap<(Method, String), Arc<Route>>>),
}

impl Guard {
    pub(crate) const fn new(shared: Arc<Shared>, policy: Policy) -> Self {
        Self { policy, shared }
    }

    /// Puts the guard before a handler function.
    pub(crate) const fn handler<H>(self, handler: H) -> GuardedHandler<H> {
        GuardedHandler {
            guard: self,
            handler,
        }
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            guard: self.clone(),
            inner,
        }
    }
}

/// A handler behind a [`Guard`].
#[derive(Clone, Debug)]
pub(crate) struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;
    type Response = Response;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let handler = move |request| async move {
            let Ok(response) = inner.call(request).await;
            response
        };
        Box::pin(self.guard.clone().run(handler, request).map(Ok))
    }
}

/// A function behind a [`Guard`]: the same as a guarded service, with one box less on the way.
#[derive(Clone, Debug)]
pub(crate) struct GuardedHandler<H> {
    guard: Guard,
    handler: H,
}

impl<H: Handler<T, S>, T: 'static, S: Send + 'static> Handler<(Guard, T), S> for GuardedHandler<H> {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, state: S) -> Self::Future {
        let Self { guard, handler } = self;
        Box::pin(guard.run(move |request| handler.call(request, state), request))
    }
}

impl Guard {
    async fn run<F>(self, handler: impl FnOnce(Request) -> F, request: Request) -> Response
    where
        F: Future<Output = Response>,
    {
        let (mut parts, body) = request.into_parts();
        let route = self.route(&parts);
        let Some(arrived) = parts.extensions.get::<Arrived>().copied() else {
            // A router that is not wrapped has no canonical paths: nothing behind it is safe to serve.
            error!(http.route = %route.path, "a guarded route is served outside of `Corridor::wrap`");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let params = Params::of(&route, &mut parts).await;
        let arrival = Arrival {
            client_ip: arrived.client_ip,
            headers: &parts.headers,
            method: &parts.method,
            request_id: arrived.request_id,
            scope_param: params.scope.as_deref(),
        };
        let admitted = admit(&self.shared.server, &route, &arrival).await;
        let asked = Asked::of(&route, &parts);
        let (cx, mut response) = match admitted {
            Ok(cx) if !route.serves(&parts.method) => {
                (cx, StatusCode::METHOD_NOT_ALLOWED.into_response())
            }
            Ok(cx) => {
                parts.extensions.insert(cx.clone());
                // Called inside, so that a panic before the first await is caught as well.
                let answer = async { handler(Request::from_parts(parts, body)).await };
                let answer = AssertUnwindSafe(answer).catch_unwind().await;
                (cx, answer.unwrap_or_else(|_| panicked()))
            }
            Err(refusal) => (refusal.cx, HttpError::from(refusal.error).into_response()),
        };
        self.finish(&cx, &route, &params, &asked, &mut response)
            .await;
        response
    }

    async fn finish(
        &self,
        cx: &Cx,
        route: &Route,
        params: &Params,
        asked: &Asked,
        response: &mut Response,
    ) {
        let drawn = response.extensions_mut().remove::<Drawn>();
        let thrown = take_error(response);
        let note = response.extensions_mut().remove::<AuditNote>();
        if let Some(error) = &thrown {
            let cookies = std::mem::take(response.headers_mut());
            let failed = FailedRequest {
                cx,
                error,
                headers: &asked.headers,
                method: &asked.method,
                target: asked.uri.path_and_query().map_or("/", PathAndQuery::as_str),
            };
            *response = self.shared.render(route.surface, &failed).await;
            let kept = cookies.get_all(header::SET_COOKIE).iter().cloned();
            add_cookies(response.headers_mut(), kept);
        }
        let failure = thrown.or(drawn.map(|Drawn(error)| error));
        if let Some(error) = &failure {
            log(cx, route, error);
        }
        let status = failure
            .as_ref()
            .map_or(response.status(), |error| error.status);
        if route.audit.is_some() || matches!(status.as_u16(), 401 | 403) {
            let outcome = Outcome {
                status: status.as_u16(),
                reason: failure.as_ref().map(HttpError::text),
                note,
                resource_param: params.resource.as_deref(),
            };
            // In a box: most requests are not recorded, and their future stays small.
            Box::pin(record(cx, route, outcome)).await;
        }
        if cx.has_stale_session() && may_clear(response.headers()) {
            let sessions = cx.licensed().and_then(|licensed| licensed.sessions());
            let clear = sessions
                .map(ee_core::SessionProvider::clear_headers)
                .unwrap_or_default();
            add_cookies(response.headers_mut(), clear);
        }
        headers::secure(
            response.headers_mut(),
            route.surface,
            self.shared.server.origins.is_https(),
        );
    }

    /// A route that nobody declared needs the permission `*`.
    fn route(&self, parts: &Parts) -> Arc<Route> {
        match &self.policy {
            Policy::Route(route) => Arc::clone(route),
            Policy::Unknown => {
                let method = parts.method.clone();
                Arc::new(if self.shared.is_page(parts.uri.path()) {
                    Route::page(method, "*", Access::Authenticated)
                } else {
                    Route::new(method, "*", Access::Authenticated)
                })
            }
            Policy::Table(table) => {
                let path = parts
                    .extensions
                    .get::<MatchedPath>()
                    .map_or("", MatchedPath::as_str);
                let method = if parts.method == Method::HEAD {
                    Method::GET
                } else {
                    parts.method.clone()
                };
                let found = table.get(&(method.clone(), path.to_owned()));
                found.map_or_else(|| Arc::new(undeclared(method, path)), Arc::clone)
            }
        }
    }
}

fn undeclared(method: Method, path: &str) -> Route {
    // No grant but `*` covers a permission without an action on a name that nobody can register.
    let everything: Option<Permission> = PermissionPattern::EVERYTHING.as_str().parse().ok();
    Route::new(
        method,
        path.to_owned(),
        Access::any_permission(everything.into_iter().collect::<Vec<_>>()),
    )
}

/// What a page about a failure needs of the request, which the handler takes with it. Empty for programs.
#[derive(Debug, Default)]
struct Asked {
    headers: HeaderMap,
    method: Method,
    uri: Uri,
}

impl Asked {
    fn of(route: &Route, parts: &Parts) -> Self {
        match route.surface {
            Surface::Api => Self::default(),
            Surface::Page => Self {
                headers: parts.headers.clone(),
                method: parts.method.clone(),
                uri: parts.uri.clone(),
            },
        }
    }
}

/// Tells whether the answer may make the browser forget its session.
fn may_clear(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::SET_COOKIE) && !is_shared(headers)
}

/// Tells whether caches hand the answer to everybody: then nothing in it may be meant for one browser.
fn is_shared(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CACHE_CONTROL);
    value
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.split(',').any(|part| part.trim() == "public"))
}

/// The path parameters that the declaration names, decoded.
#[derive(Debug, Default)]
struct Params {
    resource: Option<String>,
    scope: Option<String>,
}

impl Params {
    async fn of(route: &Route, parts: &mut Parts) -> Self {
        let scope = match &route.access {
            Access::Permission {
                scope: Scope::Param(name),
                ..
            } => Some(*name),
            _ => None,
        };
        // The record needs the thing's id when the use is recorded; a refusal names it by its scope.
        let resource = route
            .resource
            .map(|(_, name)| name)
            .filter(|_| route.audit.is_some() || scope.is_some());
        if scope.is_none() && resource.is_none() {
            return Self::default();
        }
        let Ok(raw) = RawPathParams::from_request_parts(parts, &()).await else {
            return Self::default();
        };
        let value = |wanted: &str| {
            raw.iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| value.to_owned())
        };
        let found = scope.and_then(value);
        let resource = if resource == scope {
            found.clone()
        } else {
            resource.and_then(value)
        };
        Self {
            resource,
            scope: found,
        }
    }
}

/// Takes the error out of a response; a bare 405 of the router becomes one.
fn take_error(response: &mut Response) -> Option<HttpError> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let bare = (status == StatusCode::METHOD_NOT_ALLOWED)
        .then(|| HttpError::new(status, "method_not_allowed", "Method not allowed"));
    response.extensions_mut().remove::<HttpError>().or(bare)
}

fn panicked() -> Response {
    let mut error = HttpError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Internal server error",
    );
    error.cause = Some("a handler panicked".to_owned());
    error.into_response()
}

fn log(cx: &Cx, route: &Route, err: &HttpError) {
    let cause = err.cause.as_deref().unwrap_or("unknown");
    if err.status == StatusCode::INTERNAL_SERVER_ERROR {
        error!(request.id = %cx.request_id(), http.route = %route.path, "the request failed: {cause}");
    } else if err.status.is_server_error() {
        warn!(request.id = %cx.request_id(), http.route = %route.path, "the request could not be served: {cause}");
    }
}
