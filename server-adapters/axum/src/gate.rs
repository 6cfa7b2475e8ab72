//! The outermost service: what every request passes before it finds its route.

use std::{
    convert::Infallible,
    io::Write as _,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use axum::{Router, extract::Request, response::Response};
use ee_server::{RequestId, Surface};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, uri::PathAndQuery};
use tower::Service;

use crate::{HttpError, client, corridor::Shared, headers, path};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_URI_BYTES: usize = 8_192;
const MAX_HEADER_BYTES: usize = 32_768;
const MAX_COOKIES: usize = 100;

/// What the gate has found out of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) request_id: RequestId,
}

/// A router behind the gate: request id, limits, known host, canonical path, judged address.
#[derive(Clone, Debug)]
pub struct Gate {
    count: Arc<AtomicU64>,
    router: Router,
    shared: Arc<Shared>,
}

impl Gate {
    pub(crate) fn new(shared: Arc<Shared>, router: Router) -> Self {
        Self {
            count: Arc::new(AtomicU64::new(0)),
            router,
            shared,
        }
    }

    fn check(&self, request: &mut Request) -> Result<(), HttpError> {
        check_sizes(request.uri(), request.headers())?;
        if !self.shared.server.origins.knows_host(host(request)?) {
            let error = HttpError::new(
                StatusCode::MISDIRECTED_REQUEST,
                "unknown_host",
                "Unknown host",
            );
            return Err(error);
        }
        let not_canonical =
            || HttpError::new(StatusCode::BAD_REQUEST, "malformed_path", "Malformed path");
        let form = path::canonical(request.uri().path()).ok_or_else(not_canonical)?;
        if *form != *request.uri().path() {
            let text = match request.uri().query() {
                Some(query) => format!("{form}?{query}"),
                None => form.into_owned(),
            };
            let target = PathAndQuery::try_from(text).map_err(|_| not_canonical())?;
            *request.uri_mut() = Uri::from(target);
        }
        Ok(())
    }
}

impl Service<Request> for Gate {
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;
    type Response = Response;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let request_id = RequestId::new(self.shared.process, number);
        if let Err(error) = self.check(&mut request) {
            let mut response = error.to_json(request_id);
            headers::secure(
                response.headers_mut(),
                Surface::Api,
                self.shared.server.origins.is_https(),
            );
            return Box::pin(async move { Ok(named(response, request_id)) });
        }
        let client_ip = client::address(
            request.extensions(),
            request.headers(),
            &self.shared.proxies,
        );
        request.extensions_mut().insert(Arrived {
            client_ip,
            request_id,
        });
        let answer = self.router.call(request);
        Box::pin(async move {
            let Ok(response) = answer.await;
            Ok(named(response, request_id))
        })
    }
}

fn named(mut response: Response, request_id: RequestId) -> Response {
    if let Some(value) = id_header(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Writes the id without a text in between, since every answer has one.
fn id_header(request_id: RequestId) -> Option<HeaderValue> {
    let mut text = [0; RequestId::MAX_CHARS];
    let mut rest = text.as_mut_slice();
    write!(rest, "{request_id}").ok()?;
    let length = RequestId::MAX_CHARS - rest.len();
    HeaderValue::from_bytes(text.get(..length)?).ok()
}

fn check_sizes(uri: &Uri, headers: &HeaderMap) -> Result<(), HttpError> {
    let uri_bytes = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if uri_bytes > MAX_URI_BYTES {
        return Err(HttpError::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            "Request target too long",
        ));
    }
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies: usize = cookies
        .map(|value| value.as_bytes().split(|byte| *byte == b';').count())
        .sum();
    if bytes > MAX_HEADER_BYTES || cookies > MAX_COOKIES {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(HttpError::new(
            status,
            "headers_too_large",
            "Request headers too large",
        ));
    }
    Ok(())
}

/// Returns the host that the request is for. Two that differ, or two headers, are a malformed request (RFC 9112 §3.2).
fn host(request: &Request) -> Result<Option<&str>, HttpError> {
    let malformed = || HttpError::new(StatusCode::BAD_REQUEST, "malformed_host", "Malformed host");
    let mut values = request.headers().get_all(header::HOST).iter();
    let header = values
        .next()
        .map(|value| value.to_str().map_err(|_| malformed()))
        .transpose()?;
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    match (header, target) {
        _ if values.next().is_some() => Err(malformed()),
        (Some(header), Some(target)) if !header.eq_ignore_ascii_case(target) => Err(malformed()),
        (header, target) => Ok(header.or(target)),
    }
}
