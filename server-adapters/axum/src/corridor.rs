//! Puts routers behind the corridor.

use std::{
    collections::HashMap,
    fmt,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::{
    Router, extract::Request, middleware::map_response, response::Response, routing::MethodRouter,
};
use ee_core::{Error, ErrorKind, fill_random};
use ee_server::{Cx, Op, RequestId, Route, Server};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use ipnet::IpNet;
use tower::Service as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    Gate, HttpError,
    guard::{Guard, Policy},
    handlers, headers,
};

/// A request of a person that was refused or failed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FailedRequest<'a> {
    /// Who asked.
    pub cx: &'a Cx,
    /// Why it failed.
    pub error: &'a HttpError,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its method.
    pub method: &'a Method,
    /// Its path and query.
    pub target: &'a str,
}

/// Draws refusals and failures for people.
#[async_trait]
pub trait ErrorPages: fmt::Debug + Send + Sync + 'static {
    /// Returns the path that the pages stand under; what is unknown there is answered with a page.
    fn prefix(&self) -> &'static str;

    /// Draws the error.
    async fn render(&self, failed: &FailedRequest<'_>) -> Response;
}

/// Hands out what stands between the network and handlers.
///
/// A route is mounted together with its declaration: [`Corridor::mount`] for handlers of yours,
/// [`Corridor::protect`] for a whole router, [`Corridor::api`] for ours. [`Corridor::wrap`] takes nothing else.
#[derive(Clone, Debug)]
pub struct Corridor {
    shared: Arc<Shared>,
}

/// Routes that stand behind their declarations. Only a [`Corridor`] makes them and only they can be served.
#[derive(Clone, Debug)]
pub struct Protected(Router);

impl Protected {
    /// Puts the routes of both together. As in axum, a path and method that both have panic here, at the start.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self(self.0.merge(other.0))
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    /// Of requests so far.
    count: AtomicU64,
    pub(crate) pages: Option<Arc<dyn ErrorPages>>,
    /// A random number of this process.
    process: u64,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) server: Arc<Server>,
}

impl Corridor {
    /// Starts with a server and nothing else. Fails with [`ErrorKind::Unavailable`] when the system gives no randomness.
    pub fn new(server: Arc<Server>) -> Result<Self, Error> {
        Self::build(server, None, Vec::new())
    }

    /// Starts with pages for people and the networks of trusted proxies.
    pub fn build(
        server: Arc<Server>,
        pages: Option<Arc<dyn ErrorPages>>,
        proxies: Vec<IpNet>,
    ) -> Result<Self, Error> {
        let mut bytes = [0; 8];
        fill_random(&mut bytes)?;
        let shared = Shared {
            count: AtomicU64::new(0),
            pages,
            process: u64::from_ne_bytes(bytes),
            proxies,
            server,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Mounts handlers, each behind its declaration and under its path.
    pub fn mount<S: Clone + Send + Sync + 'static>(
        &self,
        routes: impl IntoIterator<Item = (Route, MethodRouter<S>)>,
        state: S,
    ) -> Protected {
        let router = routes
            .into_iter()
            .fold(Router::new(), |router, (route, handler)| {
                let path = route.path.clone();
                router.route(&path, handler.layer(self.guard(route).layer()))
            });
        Protected(router.with_state(state))
    }

    /// Puts a whole router behind declarations. What they do not name needs the permission `*`.
    ///
    /// Fails with [`ErrorKind::Invalid`] when a method and template come twice.
    pub fn protect(
        &self,
        router: Router,
        routes: impl IntoIterator<Item = Route>,
    ) -> Result<Protected, Error> {
        let mut table = HashMap::new();
        for route in routes {
            let key = (route.method.clone(), route.path.to_string());
            if let Some(before) = table.insert(key, Arc::new(route)) {
                let message = format!(
                    "the route `{} {}` is declared twice",
                    before.method, before.path
                );
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        }
        let guard = Guard::new(Arc::clone(&self.shared), Policy::Table(table));
        Ok(Protected(router.layer(guard.layer())))
    }

    /// Returns the routes of the API, each behind its declaration.
    pub fn api(&self) -> Protected {
        self.operations(Op::ALL)
    }

    /// Returns the routes under `/api/auth` alone, for a server that brings its own things to protect.
    pub fn auth_api(&self) -> Protected {
        let is_auth = |op: &Op| op.route().path.starts_with("/api/auth/");
        let ops: Vec<Op> = Op::ALL.iter().copied().filter(is_auth).collect();
        self.operations(&ops)
    }

    fn operations(&self, ops: &[Op]) -> Protected {
        let router = ops.iter().fold(Router::new(), |router, op| {
            let route = op.route();
            let (path, method) = (route.path.clone(), route.method.clone());
            router.route(&path, handlers::handler(*op, &method, self.guard(route)))
        });
        Protected(router)
    }

    fn guard(&self, route: Route) -> Arc<Guard> {
        Guard::new(Arc::clone(&self.shared), Policy::Route(Arc::new(route)))
    }

    /// Closes the routes: whatever they do not know is 401 for strangers and 404 or 405 for others, and every
    /// request gets an id, a canonical path and a judged address.
    ///
    /// A router that nobody has put behind declarations does not fit:
    ///
    /// ```compile_fail
    /// # fn serve(corridor: &ee_adapter_axum::Corridor, open: axum::Router) {
    /// corridor.wrap(open);
    /// # }
    /// ```
    pub fn wrap(&self, Protected(router): Protected) -> Gate {
        let unknown = Guard::new(Arc::clone(&self.shared), Policy::Unknown);
        let router = router.fallback_service(Arc::clone(&unknown).before(not_found));
        let router = router.method_not_allowed_fallback(async move |request: Request| {
            let Ok(response) = unknown.before(method_not_allowed).call(request).await;
            response
        });
        let router = match self.cors() {
            Some(cors) => {
                let shared = Arc::clone(&self.shared);
                let named = map_response(move |mut response: Response| {
                    if !headers::is_identified(response.headers()) {
                        headers::identify(response.headers_mut(), shared.next_id());
                    }
                    ready(response)
                });
                router.layer(cors).layer(named)
            }
            None => router,
        };
        Gate::new(Arc::clone(&self.shared), router)
    }

    /// Cross-origin pages are let in by name only. What this answers itself, a preflight, passes no guard.
    fn cors(&self) -> Option<CorsLayer> {
        let names = &self.shared.server.origins.cross_origin;
        let origins: Vec<HeaderValue> = names
            .iter()
            .filter_map(|name| HeaderValue::try_from(name).ok())
            .collect();
        if origins.is_empty() {
            return None;
        }
        let methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        let headers = [
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("x-mastra-client-type"),
            HeaderName::from_static("x-mastra-dev-playground"),
        ];
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_credentials(true)
            .allow_methods(methods)
            .allow_headers(headers)
            .max_age(std::time::Duration::from_hours(1));
        Some(cors)
    }
}

async fn method_not_allowed() -> HttpError {
    HttpError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed",
    )
}

async fn not_found() -> HttpError {
    HttpError::new(StatusCode::NOT_FOUND, "not_found", "Not found")
}

impl Shared {
    /// Names the next request.
    pub(crate) fn next_id(&self) -> RequestId {
        RequestId::new(self.process, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells whether a path stands under the pages.
    pub(crate) fn is_page(&self, path: &str) -> bool {
        let prefix = self.pages.as_ref().map(|pages| pages.prefix());
        let rest = prefix.and_then(|prefix| path.strip_prefix(prefix));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Draws a failure for a person.
    pub(crate) async fn render(&self, failed: &FailedRequest<'_>) -> Response {
        match &self.pages {
            Some(pages) => pages.render(failed).await,
            None => failed.error.to_json(failed.cx.request_id()),
        }
    }
}
