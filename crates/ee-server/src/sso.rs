//! Sign-in at an identity provider: to it and back, bound to the browser (RFC 9700).

use std::{sync::Arc, time::Duration};

use ee_core::{
    Error, ErrorKind, RequestHead, ReturnTo, ServerCookie, SsoProvider, SsoStart, TokenHash,
    random_token,
    storage::{SignInFlow, SignInFlowStore},
};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AuditNote, Cx, Destination, Reply, Server,
    auth::{not_configured, start_session},
};

const FLOW_LIFETIME: Duration = Duration::from_mins(10);

/// Query of `GET /auth/sso/login`.
#[derive(Debug, Default, Deserialize)]
pub struct StartQuery {
    /// Where the browser goes after sign-in: a path of ours or an absolute URL on our own origin.
    pub redirect_uri: Option<String>,
}

/// Query of `GET /auth/sso/callback`.
#[derive(Debug, Default, Deserialize)]
pub struct CallbackQuery {
    /// The code to redeem.
    pub code: Option<String>,
    /// The state that the sign-in was started with.
    pub state: Option<String>,
    /// What the identity provider says went wrong.
    pub error: Option<String>,
}

/// The address of the identity provider.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LoginUrl {
    /// Where the browser goes.
    pub url: String,
}

/// `GET /auth/sso/login`: starts a sign-in.
pub async fn start(cx: &Cx, query: &StartQuery) -> Result<Reply<LoginUrl>, Error> {
    let (sso, flows) = parts(cx)?;
    let origins = &cx.server().origins;
    let target = ReturnTo::or(
        query.redirect_uri.as_deref(),
        Some(&origins.public),
        &ReturnTo::root(),
    );
    let (state, browser_secret) = (random_token()?, random_token()?);
    let start = SsoStart::new(redirect_uri(cx), state, random_token()?, random_token()?);

    let state_hash = TokenHash::of(&start.state);
    let mut flow = SignInFlow::new(state_hash, TokenHash::of(&browser_secret), expiry(cx)?);
    flow.nonce.clone_from(&start.nonce);
    flow.pkce_verifier.clone_from(&start.pkce_verifier);
    flow.redirect_uri.clone_from(&start.redirect_uri);
    target.as_str().clone_into(&mut flow.return_to);
    flows.create(flow).await?;

    let url = sso.login_url(&start).await?;
    let cookie = flow_cookie(&state_hash, origins.is_https()).set(&browser_secret, FLOW_LIFETIME);
    Ok(Reply::new(LoginUrl { url }).cookies(cookie.into_iter().collect()))
}

/// `GET /auth/sso/callback`: finishes a sign-in. Whatever goes wrong ends on the sign-in page with a plain sentence.
///
/// Fails with [`ErrorKind::Invalid`] when neither a code nor an error came, and as [`start`] when nothing is configured.
pub async fn callback(
    cx: &Cx,
    head: &RequestHead<'_>,
    query: &CallbackQuery,
) -> Result<Reply<Destination>, Error> {
    let (sso, flows) = parts(cx)?;
    if query.code.is_none() && query.error.is_none() {
        let issue = ee_core::Issue {
            field: "code".to_owned(),
            message: "is required".to_owned(),
        };
        return Err(
            Error::new(ErrorKind::Invalid, "Invalid query parameters").with_issues(vec![issue])
        );
    }
    match finish(cx, head, query, sso, flows.as_ref()).await {
        Ok(reply) => Ok(reply),
        Err(err) => {
            let page = cx.server().login_page.with_query("error", message(&err));
            tracing::info!(error = %err, provider.name = sso.login_button().provider, "a sign-in did not finish");
            let note = AuditNote {
                failure: Some(err.to_string()),
                ..AuditNote::default()
            };
            Ok(Reply::new(Destination::Ours(page)).noted(note))
        }
    }
}

async fn finish(
    cx: &Cx,
    head: &RequestHead<'_>,
    query: &CallbackQuery,
    sso: &dyn SsoProvider,
    flows: &dyn SignInFlowStore,
) -> Result<Reply<Destination>, Error> {
    let refused = |text: &'static str| Error::new(ErrorKind::Unauthenticated, text);
    let state = query
        .state
        .as_deref()
        .ok_or_else(|| refused("the answer has no state"))?;
    let state_hash = TokenHash::of(state);
    let cookie = flow_cookie(&state_hash, cx.server().origins.is_https());
    let secret = head
        .cookie(cookie.name())?
        .ok_or_else(|| refused("another browser started the sign-in"))?;
    // The row goes before the code is redeemed: a second answer with the same state finds nothing.
    let flow = flows
        .take(&state_hash)
        .await?
        .ok_or_else(|| refused("the sign-in is unknown or was used"))?;
    if flow.browser_hash != TokenHash::of(secret) {
        return Err(refused("another browser started the sign-in"));
    }
    if cx.now() >= flow.expires_at {
        return Err(refused("the sign-in took too long"));
    }
    let Some(code) = &query.code else {
        return Err(refused("the identity provider refused the sign-in"));
    };
    let start = SsoStart::new(
        flow.redirect_uri,
        state.to_owned(),
        flow.pkce_verifier,
        flow.nonce,
    );
    let done = sso.handle_callback(code, &start).await?;
    let target: ReturnTo = flow.return_to.parse().unwrap_or_else(|_| ReturnTo::root());
    let signed_in = start_session(cx, head, &Arc::new(done.user), false).await?;
    let mut reply = signed_in.map(|_| Destination::Ours(target));
    reply.cookies.extend(cookie.clear());
    reply.cookies.extend(done.cookies);
    Ok(reply)
}

const NOT_ADMITTED: &str = "This account is not admitted here.";
const NO_ANSWER: &str = "The identity provider does not answer. Try again in a moment.";
const NOT_FINISHED: &str = "The sign-in did not finish. Try again.";

/// Finds what the sign-in page may say for a text that came in its query: one of few sentences of ours, so that
/// nothing a stranger sent is shown.
pub fn shown_error(text: &str) -> &'static str {
    [NOT_ADMITTED, NO_ANSWER]
        .into_iter()
        .find(|known| *known == text)
        .unwrap_or(NOT_FINISHED)
}

fn message(err: &Error) -> &'static str {
    match err.kind() {
        ErrorKind::Forbidden => NOT_ADMITTED,
        ErrorKind::Unavailable => NO_ANSWER,
        _ => NOT_FINISHED,
    }
}

fn parts(cx: &Cx) -> Result<(&dyn SsoProvider, &Arc<dyn SignInFlowStore>), Error> {
    let sso = cx.licensed().and_then(|licensed| licensed.sso());
    match (sso, &cx.server().flows) {
        (Some(sso), Some(flows)) => Ok((sso, flows)),
        _ => Err(not_configured("SSO not configured")),
    }
}

fn redirect_uri(cx: &Cx) -> String {
    format!(
        "{}{}/auth/sso/callback",
        cx.server().origins.public,
        Server::API_PREFIX
    )
}

fn expiry(cx: &Cx) -> Result<jiff::Timestamp, Error> {
    let lifetime = SignedDuration::try_from(FLOW_LIFETIME).unwrap_or(SignedDuration::ZERO);
    cx.now().checked_add(lifetime).map_err(|err| {
        Error::new(ErrorKind::Internal, "the clock is out of range").with_source(err)
    })
}

fn flow_cookie(state_hash: &TokenHash, secure: bool) -> ServerCookie {
    let [a, b, c, d, ..] = *state_hash.as_bytes();
    let short = u32::from_be_bytes([a, b, c, d]);
    ServerCookie::named(&format!("ee_flow_{short:08x}"), secure)
}
