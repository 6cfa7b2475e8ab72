//! Asking a server.

use std::time::{Duration, Instant};

use reqwest::{
    Client, Method, RequestBuilder, Response,
    header::{HeaderMap, IF_MATCH, RETRY_AFTER, SET_COOKIE},
    redirect::Policy,
};
use serde_json::{Value, json};

use crate::OpenStream;

/// Longer than any answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// How somebody shows who he is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Credential {
    /// A session, as `name=value`.
    Cookie(String),
    /// A token or a key.
    Token(String),
}

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
    url: String,
}

impl Api {
    /// Asks over HTTP/1.1.
    pub fn new(url: String) -> Self {
        let http = Client::builder().redirect(Policy::none()).http1_only();
        let http = http.build().expect("a client needs nothing");
        Self { http, url }
    }

    /// Asks over HTTP/2.
    #[must_use]
    pub fn over_http2(&self) -> Self {
        let http = Client::builder().redirect(Policy::none());
        let http = http.http2_prior_knowledge().build();
        Self {
            http: http.expect("a client needs nothing"),
            url: self.url.clone(),
        }
    }

    /// Begins a request.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        let request = self.http.request(method, format!("{}{path}", self.url));
        // What a page of this server says of itself, without which cookies count for nothing.
        Ask(request.header("sec-fetch-site", "same-origin"))
    }

    /// Begins a `GET`.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    /// Begins a `POST`.
    pub fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    /// Begins a `PUT`.
    pub fn put(&self, path: &str) -> Ask {
        self.ask(Method::PUT, path)
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, path: &str) -> Ask {
        self.ask(Method::PATCH, path)
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, path: &str) -> Ask {
        self.ask(Method::DELETE, path)
    }

    /// Begins a sign-in.
    pub fn signing_in(&self, email: &str, password: &str) -> Ask {
        let body = json!({ "email": email, "password": password });
        self.post("/api/auth/credentials/sign-in").json(&body)
    }

    /// Signs in with a token of the configuration.
    pub async fn sign_in(&self, token: &str) -> Credential {
        let answer = self.signing_in("somebody@example.com", token).send().await;
        answer.cookie().expect("whoever signs in gets a session")
    }

    /// Asks the sample agent for an answer that takes longer than any test.
    pub async fn stream(&self, credential: &Credential) -> OpenStream {
        let body = json!({ "messages": "word ".repeat(100) });
        let ask = self.post("/api/agents/writer/stream").by(credential);
        let response = ask.json(&body).0.send().await.expect("the server answers");
        assert_eq!(response.status(), 200, "{credential:?}");
        OpenStream::new(response).await
    }
}

/// A request before it is sent.
#[derive(Debug)]
pub struct Ask(RequestBuilder);

impl Ask {
    /// Says who asks.
    #[must_use]
    pub fn by(self, credential: &Credential) -> Self {
        match credential {
            Credential::Cookie(cookie) => self.header("cookie", cookie),
            Credential::Token(token) => Self(self.0.bearer_auth(token)),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Changes nothing but this version.
    #[must_use]
    pub fn if_match(self, version: u64) -> Self {
        Self(self.0.header(IF_MATCH, format!("\"{version}\"")))
    }

    /// Adds parameters to the address.
    #[must_use]
    pub fn query(self, parameters: &[(&str, &str)]) -> Self {
        Self(self.0.query(parameters))
    }

    /// Adds a body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// Adds a form as the body.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        Self(self.0.form(fields))
    }

    /// Adds a body that says that it is JSON.
    #[must_use]
    pub fn raw(self, body: impl Into<String>) -> Self {
        let request = self.0.header("content-type", "application/json");
        Self(request.body(body.into()))
    }

    /// Sends it. Fails when the server does not answer to the end, because it is gone.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let begun = Instant::now();
        let response = self.0.timeout(ANSWER_TIME).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer {
            headers,
            status,
            text: response.text().await?,
            took: begun.elapsed(),
        })
    }

    /// Sends it, and leaves the answer to be read piece by piece.
    pub async fn open(self) -> Response {
        let response = self.0.send().await;
        response.unwrap_or_else(|err| panic!("the server does not answer: {err:?}"))
    }

    /// Sends it to a server that runs.
    pub async fn send(self) -> Answer {
        let answer = self.try_send().await;
        answer.unwrap_or_else(|err| panic!("the server does not answer: {err:?}"))
    }

    /// Sends it and returns what it says of something that must succeed.
    pub async fn done(self) -> Value {
        let answer = self.send().await;
        assert!(answer.is_success(), "{} {}", answer.status, answer.text);
        serde_json::from_str(&answer.text).unwrap_or_default()
    }
}

/// An answer, as a whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its status.
    pub status: u16,
    /// Its body.
    pub text: String,
    /// How long it took.
    pub took: Duration,
}

impl Answer {
    /// Tells whether something was done.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..300)
    }

    /// Tells whether it says when to come again.
    pub fn says_when(&self) -> bool {
        let header = self.headers.get(RETRY_AFTER);
        header.is_some_and(|value| value.to_str().is_ok_and(|text| text.parse::<u32>().is_ok()))
    }

    /// Returns the session that it sets.
    pub fn cookie(&self) -> Option<Credential> {
        let cookies = self.headers.get_all(SET_COOKIE).iter();
        let mut pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let session = pairs.find(|pair| pair.starts_with("ee_session=") && !pair.ends_with('='));
        session.map(|pair| Credential::Cookie(pair.to_owned()))
    }

    /// Returns its body as JSON, null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}
