//! The outermost service: what every request passes before it finds its route.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, extract::Request, response::Response, routing::future::RouteFuture};
use ee_server::Surface;
use futures_util::future::Either;
use http::{HeaderMap, StatusCode, Uri, header, uri::PathAndQuery};
use tower::Service;

use crate::{HttpError, corridor::Shared, headers, path};

const MAX_URI_BYTES: usize = 8_192;
const MAX_HEADER_BYTES: usize = 32_768;
const MAX_COOKIES: usize = 100;

/// The router's answer, or a refusal that is there at once.
type Answer = Either<RouteFuture<Infallible>, Ready<Result<Response, Infallible>>>;

/// A router behind the gate: limits, known host, canonical path. The guards behind it do the rest.
#[derive(Clone, Debug)]
pub struct Gate {
    router: Router,
    shared: Arc<Shared>,
}

impl Gate {
    pub(crate) fn new(shared: Arc<Shared>, router: Router) -> Self {
        // Without this the router makes a service out of each handler anew for each request.
        let router = router.with_state(());
        Self { router, shared }
    }

    pub(crate) fn answer(&self, mut request: Request) -> Answer {
        match self.check(&mut request) {
            Ok(()) => Either::Left(self.router.clone().call(request)),
            Err(error) => Either::Right(ready(Ok(self.refuse(&error)))),
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

    fn refuse(&self, error: &HttpError) -> Response {
        let request_id = self.shared.next_id();
        let mut response = error.to_json(request_id);
        let is_https = self.shared.server.origins.is_https();
        headers::finish(response.headers_mut(), Surface::Api, is_https, request_id);
        response
    }
}

impl Service<Request> for Gate {
    type Error = Infallible;
    type Future = Answer;
    type Response = Response;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answer {
        self.answer(request)
    }
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
