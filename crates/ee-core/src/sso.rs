//! Single sign-on: the browser goes to an identity provider and comes back with a code.

use async_trait::async_trait;
use http::HeaderValue;
use jiff::Timestamp;
use serde::Serialize;

use crate::{Error, RequestHead, User};

/// How the sign-in button looks (`SSOLoginConfig`, phase 2).
#[derive(Clone, Debug, Eq, PartialEq, schemars::JsonSchema, Serialize)]
#[non_exhaustive]
pub struct SsoLogin {
    /// Stable lower-case name of the provider.
    pub provider: String,
    /// Text of the button.
    pub text: String,
    /// Address of an icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// A sentence for the sign-in page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl SsoLogin {
    /// Describes a button.
    pub fn new(provider: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            text: text.into(),
            icon: None,
            description: None,
        }
    }
}

/// What a sign-in is started with. Everything here is made by the server, nothing by the client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SsoStart {
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// Random, bound to the browser, single use.
    pub state: String,
    /// PKCE verifier (RFC 7636); the provider sends its S256 challenge.
    pub pkce_verifier: String,
    /// Random value that comes back in the ID token.
    pub nonce: String,
}

impl SsoStart {
    /// Describes the start of a sign-in.
    pub const fn new(
        redirect_uri: String,
        state: String,
        pkce_verifier: String,
        nonce: String,
    ) -> Self {
        Self {
            redirect_uri,
            state,
            pkce_verifier,
            nonce,
        }
    }
}

/// Tokens that the identity provider gave. They never reach the browser.
#[derive(Clone)]
#[non_exhaustive]
pub struct SsoTokens {
    /// Access token.
    pub access_token: String,
    /// Refresh token.
    pub refresh_token: Option<String>,
    /// ID token.
    pub id_token: Option<String>,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for SsoTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SsoTokens")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A finished sign-in (`SSOCallbackResult`, phase 2).
#[derive(Debug)]
#[non_exhaustive]
pub struct SsoCallback {
    /// Who signed in.
    pub user: User,
    /// What the identity provider gave.
    pub tokens: Option<SsoTokens>,
    /// Cookies of the provider's own session; empty when the server shall make one.
    pub cookies: Vec<HeaderValue>,
}

impl SsoCallback {
    /// Describes a finished sign-in.
    pub const fn new(user: User) -> Self {
        Self {
            user,
            tokens: None,
            cookies: Vec::new(),
        }
    }
}

/// Signs people in at an identity provider (`ISSOProvider`, phase 2).
#[async_trait]
pub trait SsoProvider: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the address that the browser is sent to.
    async fn login_url(&self, start: &SsoStart) -> Result<String, Error>;

    /// Redeems the code with what the sign-in was started with.
    async fn handle_callback(&self, code: &str, start: &SsoStart) -> Result<SsoCallback, Error>;

    /// Returns the address that ends the session at the identity provider, if it has one.
    async fn logout_url(
        &self,
        _return_to: &str,
        _head: &RequestHead<'_>,
    ) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// Describes the sign-in button.
    fn login_button(&self) -> SsoLogin;
}
