//! A browser without a script: keeps cookies, sends forms, follows nothing by itself.

use std::{collections::BTreeMap, sync::Arc};

use axum::body::Body;
use ee_adapter_axum::{Corridor, Gate};
use ee_core::with_ee_shared;
use ee_server::{AuthMode, Origins, Server};
use ee_studio::{StudioPages, StudioSettings, paths, router};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower::ServiceExt as _;

use crate::doubles::{Agents, People, Record, Shared, Workflows};

pub(crate) const ORIGIN: &str = "http://127.0.0.1:4111";

/// A running Studio and what stands behind it.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub(crate) agents: Shared<Agents>,
    gate: Gate,
    pub(crate) people: Shared<People>,
    pub(crate) record: Shared<Record>,
    pub(crate) workflows: Shared<Workflows>,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(People::default())
    }

    pub(crate) fn with(people: People) -> Self {
        Self::build(people, false)
    }

    pub(crate) fn open() -> Self {
        Self::build(People::default(), true)
    }

    fn build(people: People, is_open: bool) -> Self {
        let people = Arc::new(people);
        let (agents, workflows) = (Arc::new(Agents::default()), Arc::new(Workflows::default()));
        let record = Arc::new(Record::default());
        let auth = if is_open {
            AuthMode::Off
        } else {
            AuthMode::On(Arc::new(with_ee_shared(people.clone()).build()))
        };
        let clock = Arc::new(people.clock.clone());
        let server = Server::new(auth, record.clone(), clock, Origins::new(ORIGIN))
            .host(agents.clone(), workflows.clone())
            .flows(people.clone())
            .login_page(paths::LOGIN.parse().unwrap());
        let pages = Arc::new(StudioPages);
        let corridor = Corridor::build(Arc::new(server), Some(pages), Vec::new()).unwrap();
        let mut settings = StudioSettings::default();
        settings.accepts_token = people.accounts.is_none();
        settings.offers_remember = people.accounts.is_some();
        let gate = corridor.wrap(router(&corridor, settings));
        Self {
            agents,
            gate,
            people,
            record,
            workflows,
        }
    }

    /// Opens a browser in which nobody is signed in.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            cookies: BTreeMap::new(),
            gate: self.gate.clone(),
            headers: HeaderMap::new(),
        }
    }

    /// Opens a browser and signs in.
    pub(crate) async fn as_user(&self, id: &str) -> Browser {
        let mut browser = self.browser();
        let password = format!("{id}-password");
        let fields = [("email", "a@example.org"), ("password", password.as_str())];
        let answer = browser.post(paths::LOGIN, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
    gate: Gate,
    /// Sent with every request.
    pub(crate) headers: HeaderMap,
}

impl Browser {
    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.send(Request::get(target), String::new()).await
    }

    /// Sends a form from a page of ours.
    pub(crate) async fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(target).header("sec-fetch-site", "same-origin");
        self.send(request, form(fields)).await
    }

    /// Sends a form from a page of somebody else.
    pub(crate) async fn post_from_elsewhere(&mut self, target: &str) -> Answer {
        let request = Request::post(target)
            .header("sec-fetch-site", "cross-site")
            .header("origin", "https://evil.example");
        self.send(request, form(&[("theme", "dark")])).await
    }

    pub(crate) async fn send(&mut self, request: http::request::Builder, body: String) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = request
            .header(header::HOST, "127.0.0.1:4111")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        if !cookies.is_empty() {
            let value = cookies.join("; ").parse().unwrap();
            request.headers_mut().insert(header::COOKIE, value);
        }
        request.headers_mut().extend(self.headers.clone());
        let response = self.gate.clone().oneshot(request).await.unwrap();
        for value in response.headers().get_all(header::SET_COOKIE) {
            let (pair, _) = value.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Opens an address and follows redirects on our own origin. Returns the answer and how many there were.
    pub(crate) async fn visit(&mut self, target: &str) -> (Answer, usize) {
        let mut target = target.to_owned();
        for count in 0..10 {
            let answer = self.get(&target).await;
            match answer.location() {
                Some(location) if answer.status.is_redirection() => {
                    assert!(location.starts_with('/'), "{location}");
                    location.split('#').next().unwrap().clone_into(&mut target);
                }
                _ => return (answer, count),
            }
        }
        panic!("`{target}` leads round in circles");
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// Asserts the status and that every text is on the page.
    #[track_caller]
    pub(crate) fn shows(&self, status: u16, texts: &[&str]) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        for text in texts {
            assert!(self.body.contains(text), "no {text:?} in {}", self.body);
        }
    }

    /// Asserts a redirect after a form.
    #[track_caller]
    pub(crate) fn leads_to(&self, location: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        assert_eq!(self.location(), Some(location));
    }
}
