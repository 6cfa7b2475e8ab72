use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{Answer, Open, TestServer, Who};

/// Where requests come from when nothing else is said: a stranger of the documentation networks (RFC 5737).
const PEER: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(
    std::net::Ipv4Addr::new(203, 0, 113, 9),
    50_000,
));

/// A request that is put together and sent.
#[derive(Clone, Debug)]
#[must_use = "call `send`"]
pub struct Ask<'a> {
    body: Vec<u8>,
    headers: HeaderMap,
    method: Method,
    peer: SocketAddr,
    server: &'a TestServer,
    target: String,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(server: &'a TestServer, method: Method, target: String) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::try_from(server.host()).unwrap());
        Self {
            body: Vec::new(),
            headers,
            method,
            peer: PEER,
            server,
            target,
        }
    }

    /// Shows somebody's token as `Authorization: Bearer`; nothing for nobody.
    pub fn by(self, who: Who) -> Self {
        match who.token() {
            Some(token) => self.header("authorization", format!("Bearer {token}")),
            None => self,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        self.headers.append(name, value);
        self
    }

    /// Replaces a header.
    pub fn replace(mut self, name: &str, value: &str) -> Self {
        self.headers.remove(name);
        self.header(name, value)
    }

    /// Leaves a header out.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Shows cookies as a page of ours would, where that matters.
    pub fn cookie(self, pairs: impl AsRef<[u8]>) -> Self {
        self.header("cookie", pairs)
            .replace("sec-fetch-site", "same-origin")
    }

    /// Names the version that is to be changed.
    pub fn if_match(self, version: u64) -> Self {
        self.header("if-match", format!("\"{version}\""))
    }

    /// Shows a key, or any other bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Adds a body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Adds a body.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.replace("content-type", content_type)
    }

    /// Comes from another address.
    pub fn peer(mut self, ip: &str) -> Self {
        self.peer = SocketAddr::new(ip.parse().unwrap(), 50_000);
        self
    }

    /// Changes the request target.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// Changes the method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sends the request.
    pub async fn send(self) -> Answer {
        let target = self.target.clone();
        self.try_send()
            .await
            .unwrap_or_else(|| panic!("`{target}` is no request target"))
    }

    /// Sends the request unless its target is refused by the HTTP parser, in front of everything of ours.
    pub async fn try_send(self) -> Option<Answer> {
        let (parts, body) = self.respond().await?.into_parts();
        Some(Answer {
            body: body.collect().await.unwrap().to_bytes(),
            headers: parts.headers,
            status: parts.status,
        })
    }

    /// Sends the request, whose answer is a stream, and reads nothing of it yet.
    pub async fn open(self) -> Open {
        let response = self.respond().await.unwrap();
        assert_eq!(response.status(), 200);
        Open::new(response.into_body())
    }

    async fn respond(self) -> Option<Response<Body>> {
        let uri: Uri = self.target.parse().ok()?;
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Some(self.server.gate().oneshot(request).await.unwrap())
    }
}
