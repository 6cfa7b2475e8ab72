use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use ee::{Error, ErrorKind, SsoCallback, SsoLogin, SsoProvider, SsoStart, TokenHash, User};
use url::Url;

use crate::Who;

/// An identity provider at `https://idp.example`. It redeems a code once, for whom it was made with PKCE and nonce.
#[derive(Debug, Default)]
pub struct FakeIdp {
    codes: Mutex<HashMap<String, Grant>>,
}

#[derive(Debug)]
struct Grant {
    challenge: String,
    nonce: String,
    redirect_uri: String,
}

impl FakeIdp {
    /// Lets a person agree at the address that the browser was sent to; returns the code.
    pub fn agree(&self, login_url: &str) -> String {
        let url = Url::parse(login_url).unwrap();
        assert_eq!(url.origin().ascii_serialization(), "https://idp.example");
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        let grant = Grant {
            challenge: query["code_challenge"].clone(),
            nonce: query["nonce"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
        };
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let code = format!("code-{}-5a6978", codes.len());
        codes.insert(code.clone(), grant);
        code
    }

    /// Returns the state that the browser was sent with.
    pub fn state(login_url: &str) -> String {
        let url = Url::parse(login_url).unwrap();
        let state = url.query_pairs().find(|(key, _)| key == "state");
        state.unwrap().1.into_owned()
    }

    fn challenge(verifier: &str) -> String {
        let mut text = String::new();
        for byte in TokenHash::of(verifier).as_bytes() {
            write!(text, "{byte:02x}").unwrap();
        }
        text
    }
}

#[async_trait]
impl SsoProvider for FakeIdp {
    async fn login_url(&self, start: &SsoStart) -> Result<String, Error> {
        let url = Url::parse_with_params(
            "https://idp.example/authorize",
            [
                ("state", start.state.as_str()),
                ("nonce", &start.nonce),
                ("redirect_uri", &start.redirect_uri),
                ("code_challenge", &Self::challenge(&start.pkce_verifier)),
            ],
        );
        Ok(url.unwrap().into())
    }

    async fn handle_callback(&self, code: &str, start: &SsoStart) -> Result<SsoCallback, Error> {
        let refused = |text: &'static str| Error::new(ErrorKind::Unauthenticated, text);
        match code {
            "idp-down" => return Err(Error::new(ErrorKind::Unavailable, "connection refused")),
            "not-admitted" => {
                return Err(Error::new(ErrorKind::Forbidden, "not in the organization"));
            }
            _ => {}
        }
        let grant = self
            .codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(code)
            .ok_or_else(|| refused("the code is unknown"))?;
        if grant.challenge != Self::challenge(&start.pkce_verifier) {
            return Err(refused("the verifier does not fit"));
        }
        if grant.nonce != start.nonce || grant.redirect_uri != start.redirect_uri {
            return Err(refused("the nonce or the redirect URI does not fit"));
        }
        Ok(SsoCallback::new(User::new(Who::Member.id().parse()?)))
    }

    fn login_button(&self) -> SsoLogin {
        SsoLogin::new("idp", "Sign in with the IdP")
    }
}
