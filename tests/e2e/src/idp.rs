use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::Html,
    routing::get,
};
use ee::{
    Error, ErrorKind, RequestHead, SsoCallback, SsoLogin, SsoProvider, SsoStart, async_trait,
    random_token,
};
use reqwest::Url;
use tokio::net::TcpListener;

use crate::{Fault, People};

/// An identity provider on another site, with a page where Grace agrees or does not.
#[derive(Debug)]
pub struct Idp {
    /// What lets it fail.
    pub fault: Fault,
    button: &'static str,
    codes: Mutex<HashMap<String, Grant>>,
    /// Its origin.
    pub url: String,
}

/// What a code was made for.
#[derive(Debug, Eq, PartialEq)]
struct Grant {
    nonce: String,
    redirect_uri: String,
}

impl Idp {
    /// Starts it. The button that leads to it says `button`.
    pub(crate) async fn start(button: &'static str) -> Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        // By this name the browser takes it for another site than a server on 127.0.0.1.
        let url = format!("http://localhost:{}", listener.local_addr()?.port());
        let idp = Arc::new(Self {
            fault: Fault::default(),
            button,
            codes: Mutex::default(),
            url,
        });
        let router = Router::new()
            .route("/authorize", get(authorize))
            // The browser stays on the page that it comes from.
            .route("/logout", get(async || StatusCode::NO_CONTENT))
            .with_state(Arc::clone(&idp));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(idp)
    }

    fn page(&self, query: &HashMap<String, String>) -> Result<String> {
        let asked = |name: &str| query.get(name).cloned().context("a parameter is missing");
        let (redirect_uri, state) = (asked("redirect_uri")?, asked("state")?);
        let code = random_token()?;
        let back = |answer: (&str, &str)| {
            let url = Url::parse_with_params(&redirect_uri, [answer, ("state", &state)]);
            url.map(|url| url.as_str().replace('&', "&amp;"))
        };
        let (agreed, refused) = (back(("code", &code))?, back(("error", "access_denied"))?);
        let nonce = asked("nonce")?;
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.insert(
            code,
            Grant {
                nonce,
                redirect_uri,
            },
        );
        Ok(format!(
            "<!doctype html><title>Acme</title><h1>Acme</h1>
             <a id=agree href='{agreed}'>Continue as Grace Hopper</a>
             <a id=refuse href='{refused}'>Cancel</a>"
        ))
    }
}

async fn authorize(
    State(idp): State<Arc<Idp>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Html<String>, StatusCode> {
    let page = idp.page(&query);
    page.map(Html).map_err(|_| StatusCode::BAD_REQUEST)
}

#[async_trait]
impl SsoProvider for Idp {
    async fn login_url(&self, start: &SsoStart) -> Result<String, Error> {
        self.fault.check()?;
        let query = [
            ("state", start.state.as_str()),
            ("nonce", &start.nonce),
            ("redirect_uri", &start.redirect_uri),
        ];
        let url = Url::parse_with_params(&format!("{}/authorize", self.url), query);
        url.map(String::from)
            .map_err(|err| Error::new(ErrorKind::Internal, err.to_string()))
    }

    async fn handle_callback(&self, code: &str, start: &SsoStart) -> Result<SsoCallback, Error> {
        self.fault.check()?;
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = Grant {
            nonce: start.nonce.clone(),
            redirect_uri: start.redirect_uri.clone(),
        };
        if codes.remove(code) == Some(wanted) {
            return Ok(SsoCallback::new(People::grace()?));
        }
        Err(Error::new(ErrorKind::Unauthenticated, "the code is wrong"))
    }

    async fn logout_url(
        &self,
        _return_to: &str,
        _head: &RequestHead<'_>,
    ) -> Result<Option<String>, Error> {
        Ok(Some(format!("{}/logout", self.url)))
    }

    fn login_button(&self) -> SsoLogin {
        let mut login = SsoLogin::new("acme", self.button);
        login.description = Some("For everyone at Acme.".to_owned());
        login
    }
}
