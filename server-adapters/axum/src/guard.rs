//! Stands before a handler: lets the request through or refuses it, and records how it ended.

use std::{
    collections::HashMap,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request},
    handler::Handler,
    response::{IntoResponse as _, Response},
    routing::Route as Inner,
};
use ee_core::{KeyId, Permission, PermissionPattern, add_cookies};
use ee_server::{
    Access, Arrival, AuditNote, Cx, Outcome, Route, Scope, Surface, Trail, admit, record,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts, uri::PathAndQuery,
};
use tower::{Layer, Service, layer::layer_fn, service_fn};
use tracing::{error, warn};

use crate::{
    FailedRequest, HttpError,
    client::{self, Peer},
    corridor::Shared,
    error::Drawn,
    headers,
};

/// Enforces declared access, before a handler function or as a layer.
#[derive(Debug)]
pub(crate) struct Guard {
    policy: Policy,
    shared: Arc<Shared>,
}

/// Where the declaration of a request's route is found.
#[derive(Debug)]
pub(crate) enum Policy {
    /// There is one.
    Route(Arc<Route>),
    /// There is none: the path or the method is unknown.
    Unknown,
    /// By method and template of the matched route.
    Table(HashMap<(Method, String), Arc<Route>>),
}

/// Something guarded, for a router. The router boxes its future, which therefore has no box of its own.
pub(crate) trait Guarded:
    Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Guarded for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

impl Guard {
    pub(crate) fn new(shared: Arc<Shared>, policy: Policy) -> Arc<Self> {
        Arc::new(Self { policy, shared })
    }

    /// Puts the guard before a handler function of ours.
    pub(crate) fn before<H: Handler<T, ()> + Sync, T>(self: Arc<Self>, handler: H) -> impl Guarded {
        service_fn(move |mut request: Request| {
            // Ours ask the context whose request it is, and with one thing less in it the map need not grow.
            let peer = request.extensions_mut().remove();
            let handler = handler.clone();
            let answer = |request| handler.call(request, ());
            Arc::clone(&self).run(answer, request, peer).map(Ok)
        })
    }

    /// Puts the guard before all that a router has.
    pub(crate) fn layer(self: Arc<Self>) -> impl Layer<Inner, Service = impl Guarded> + Clone {
        layer_fn(move |inner: Inner| {
            let guard = Arc::clone(&self);
            service_fn(move |request: Request| {
                let peer = request.extensions().get().copied();
                let mut inner = inner.clone();
                let answer = async move |request| {
                    let Ok(response) = inner.call(request).await;
                    response
                };
                Arc::clone(&guard).run(answer, request, peer).map(Ok)
            })
        })
    }

    /// Judges a request of a peer, has it answered, and records how it ended.
    fn run<F>(
        self: Arc<Self>,
        handler: impl FnOnce(Request) -> F,
        request: Request,
        peer: Option<Peer>,
    ) -> impl Future<Output = Response>
    where
        F: Future<Output = Response>,
    {
        // Out here, since an `async fn` would keep the whole request beside its parts.
        let (mut parts, body) = request.into_parts();
        let client_ip = client::address(peer, &parts.headers, &self.shared.proxies);
        async move {
            let route = self.route(&parts);
            let params = Params::of(&route, &mut parts).await;
            let arrival = Arrival {
                client_ip,
                headers: &parts.headers,
                method: &parts.method,
                request_id: self.shared.next_id(),
                scope_param: params.scope.as_deref(),
            };
            let admitted = admit(&self.shared.server, &route, &arrival).await;
            let asked = Asked::of(&route, &parts);
            let mut trail = None;
            let (cx, mut response) = match admitted {
                Ok(cx) if !route.serves(&parts.method) => {
                    (cx, StatusCode::METHOD_NOT_ALLOWED.into_response())
                }
                Ok(cx) => match begin(&cx, &route, &params).await {
                    Ok(begun) => {
                        trail = begun;
                        parts.extensions.insert(cx.clone());
                        let request = Request::from_parts(parts, body);
                        let answer = catch_unwind(AssertUnwindSafe(|| handler(request)));
                        let ride = trail.as_ref().and_then(Trail::ride);
                        let answer = match (answer, ride) {
                            (Ok(answer), None) => AssertUnwindSafe(answer).catch_unwind().await,
                            (Ok(answer), Some(ride)) => {
                                // The box of the scope holds it, so that this future stays small.
                                let answer = ride.scope(answer);
                                AssertUnwindSafe(answer).catch_unwind().await
                            }
                            (Err(panic), _) => Err(panic),
                        };
                        (cx, answer.unwrap_or_else(|_| panicked()))
                    }
                    Err(error) => (cx, HttpError::from(error).into_response()),
                },
                Err(refusal) => (refusal.cx, HttpError::from(refusal.error).into_response()),
            };
            let is_more = cx.has_stale_session() || cx.needs_renewal();
            if route.audit.is_some() || is_more || !is_plain(&response) {
                // In a box: most requests end without any of this, and their future stays small.
                let asked = asked.as_deref();
                let ended = (trail, &params);
                Box::pin(self.conclude(&cx, &route, ended, asked, &mut response)).await;
            }
            let is_https = self.shared.server.origins.is_https();
            let headers = response.headers_mut();
            headers::finish(headers, route.surface, is_https, cx.request_id());
            response
        }
    }

    /// Draws a failure, records the request, has the browser forget a session that is over, and gives one that needs it
    /// another id.
    async fn conclude(
        &self,
        cx: &Cx,
        route: &Route,
        (trail, params): (Option<Trail>, &Params),
        asked: Option<&Asked>,
        response: &mut Response,
    ) {
        let drawn = response.extensions_mut().remove::<Drawn>();
        let thrown = take_error(response);
        let note = response.extensions_mut().remove::<AuditNote>();
        if let Some(error) = &thrown {
            self.draw(cx, asked, error, response).await;
        }
        let failure = thrown.or(drawn.map(|Drawn(error)| error));
        if let Some(error) = &failure {
            log(cx, route, error);
        }
        let status = failure
            .as_ref()
            .map_or(response.status(), |error| error.status);
        let outcome = Outcome {
            status: status.as_u16(),
            reason: failure.as_ref().map(HttpError::text),
            note,
            resource_param: params.resource.as_deref(),
        };
        let recorded = match trail {
            Some(trail) if route.is_stream() && status.is_success() => {
                until_its_end(trail, response);
                Ok(())
            }
            Some(trail) => trail.end(outcome).await,
            None => record(cx, route, outcome).await,
        };
        // What was refused or has failed stays so. Nobody is told of a success that the record does not know.
        if let (Err(error), None) = (recorded, &failure) {
            self.draw(cx, asked, &error.into(), response).await;
        }
        if cx.has_stale_session() && may_clear(response.headers()) {
            let sessions = cx.licensed().and_then(|licensed| licensed.sessions());
            let clear = sessions
                .map(ee_core::SessionProvider::clear_headers)
                .unwrap_or_default();
            add_cookies(response.headers_mut(), clear);
        }
        // Only now: whatever takes its time does so under the id that it came with.
        if cx.needs_renewal() && may_renew(cx, response.headers()) {
            let cookies = cx.renew_session(route).await;
            add_cookies(response.headers_mut(), cookies);
        }
    }

    /// Answers with an error in place of what there was, but for its cookies.
    async fn draw(
        &self,
        cx: &Cx,
        asked: Option<&Asked>,
        error: &HttpError,
        response: &mut Response,
    ) {
        let before = std::mem::take(response.headers_mut());
        *response = match asked {
            Some(asked) => self.shared.render(&asked.failed(cx, error)).await,
            None => error.to_json(cx.request_id()),
        };
        let kept = before.get_all(header::SET_COOKIE).iter().cloned();
        add_cookies(response.headers_mut(), kept);
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

/// Begins what the record gets. In a box: most requests are not recorded, and their future stays small.
async fn begin(
    cx: &Cx,
    route: &Arc<Route>,
    params: &Params,
) -> Result<Option<Trail>, ee_core::Error> {
    if route.audit.is_none() {
        return Ok(None);
    }
    Box::pin(Trail::begin(cx, route, params.resource.as_deref())).await
}

/// Has a stream recorded when it ends, or when nobody wants the rest of it. Nobody is told of an end that the record does
/// not know: the answer breaks off.
fn until_its_end(trail: Trail, response: &mut Response) {
    let body = std::mem::take(response.body_mut()).into_data_stream();
    let end = stream::once(trail.end_stream());
    let end = end.filter_map(async |ended| Some(Err(axum::Error::new(ended.err()?))));
    *response.body_mut() = Body::from_stream(body.chain(end));
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

/// What a page about a failure needs of the request, which the handler takes with it.
#[derive(Debug)]
struct Asked {
    headers: HeaderMap,
    method: Method,
    uri: Uri,
}

impl Asked {
    /// Programs get no page.
    fn of(route: &Route, parts: &Parts) -> Option<Box<Self>> {
        (route.surface == Surface::Page).then(|| {
            Box::new(Self {
                headers: parts.headers.clone(),
                method: parts.method.clone(),
                uri: parts.uri.clone(),
            })
        })
    }

    fn failed<'a>(&'a self, cx: &'a Cx, error: &'a HttpError) -> FailedRequest<'a> {
        FailedRequest {
            cx,
            error,
            headers: &self.headers,
            method: &self.method,
            target: self.uri.path_and_query().map_or("/", PathAndQuery::as_str),
        }
    }
}

/// Tells whether an answer is a success that its handler has said nothing else about.
fn is_plain(response: &Response) -> bool {
    let status = response.status();
    !status.is_client_error() && !status.is_server_error() && response.extensions().is_empty()
}

/// Tells whether the answer may make the browser forget its session.
fn may_clear(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::SET_COOKIE) && !is_shared(headers)
}

/// Tells whether the answer may hand the browser another id for its session. Whoever has signed in or out with it has done
/// so; other cookies are no matter here.
fn may_renew(cx: &Cx, headers: &HeaderMap) -> bool {
    let name = |cookie: &HeaderValue| {
        cookie
            .as_bytes()
            .split(|byte| *byte == b'=')
            .next()
            .map(<[u8]>::to_vec)
    };
    let sessions = cx.licensed().and_then(|licensed| licensed.sessions());
    let cleared = sessions.map(ee_core::SessionProvider::clear_headers);
    let ours: Vec<_> = cleared.unwrap_or_default().iter().map(name).collect();
    let is_ours = |cookie: &HeaderValue| ours.contains(&name(cookie));
    !is_shared(headers) && !headers.get_all(header::SET_COOKIE).iter().any(is_ours)
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
        // Whoever has copied a key may paste the whole of it, and the record keeps no secret.
        let is_id = |id: &String| {
            let is_key = route.resource.is_some_and(|(kind, _)| kind == "key");
            !is_key || KeyId::new(id.as_str()).is_ok()
        };
        Self {
            resource: resource.filter(is_id),
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
