use axum::{extract::State, response::Response};
use ee_adapter_axum::{FormBody, HttpError, QueryParams};
use ee_core::{
    Capabilities, Issue, Login, LoginType, PublicCapabilities, RequestHead, add_cookies,
};
use ee_server::{Reply, auth, sso};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{failed, is_about_input, noted};
use crate::{
    StudioSettings,
    components::LoginButton,
    pages::{CredentialsForm, CredentialsMode, LoginOptions, LoginPage, LoginState, login_page},
    paths,
    return_target::return_target,
    visit::{Visit, see_other, sentence},
};

/// Stands in for the address of somebody who signs in with an access token alone.
const TOKEN_ADDRESS: &str = "token@localhost";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    error: Option<String>,
    error_description: Option<String>,
    expired: Option<String>,
    redirect: String,
}

/// What the forms for signing in and up send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    email: String,
    name: String,
    password: String,
    redirect: String,
}

/// The form as it is shown, again after a failed attempt.
#[derive(Default)]
struct Shown {
    email: String,
    error: Option<String>,
    issues: Vec<Issue>,
    mode: CredentialsMode,
    name: String,
    notice: Option<String>,
    redirect: String,
}

pub(crate) async fn page(
    State(settings): State<StudioSettings>,
    visit: Visit,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Response, HttpError> {
    open(settings, &visit, query, CredentialsMode::SignIn).await
}

pub(crate) async fn sign_up_page(
    State(settings): State<StudioSettings>,
    visit: Visit,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Response, HttpError> {
    open(settings, &visit, query, CredentialsMode::SignUp).await
}

async fn open(
    settings: StudioSettings,
    visit: &Visit,
    query: PageQuery,
    mode: CredentialsMode,
) -> Result<Response, HttpError> {
    let redirect = return_target(&visit.cx, &query.redirect);
    if visit.cx.identity().is_some() {
        return Ok(onwards(&redirect));
    }
    let problem = query.error.or(query.error_description);
    let again = "Your session ended. Sign in again to go on where you were.";
    let shown = Shown {
        error: problem.map(|text| sso::shown_error(&text).to_owned()),
        mode,
        notice: query.expired.map(|_| again.to_owned()),
        redirect,
        ..Shown::default()
    };
    show(settings, visit, shown).await
}

pub(crate) async fn sign_in(
    State(settings): State<StudioSettings>,
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let email = match fields.email.trim() {
        "" if settings.accepts_token => TOKEN_ADDRESS,
        email => email,
    };
    let body = auth::SignInBody {
        email: email.to_owned(),
        password: fields.password.clone(),
        remember: false,
    };
    let result = auth::sign_in(&visit.cx, &head, &body).await;
    finish(settings, &visit, fields, CredentialsMode::SignIn, result).await
}

pub(crate) async fn sign_up(
    State(settings): State<StudioSettings>,
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let name = fields.name.trim();
    let body = auth::SignUpBody {
        email: fields.email.trim().to_owned(),
        password: fields.password.clone(),
        name: (!name.is_empty()).then(|| name.to_owned()),
    };
    let result = auth::sign_up(&visit.cx, &head, &body).await;
    finish(settings, &visit, fields, CredentialsMode::SignUp, result).await
}

/// Sends the browser on with its session, or shows the form again with what was typed and why it failed.
async fn finish(
    settings: StudioSettings,
    visit: &Visit,
    fields: Fields,
    mode: CredentialsMode,
    result: Result<Reply<auth::SignedIn>, auth::SignInError>,
) -> Result<Response, HttpError> {
    let redirect = return_target(&visit.cx, &fields.redirect);
    let refused = match result {
        Ok(reply) => {
            let mut response = onwards(&redirect);
            add_cookies(response.headers_mut(), reply.cookies);
            return Ok(noted(response, reply.note));
        }
        Err(refused) => refused,
    };
    let error = HttpError::from(refused.error);
    let is_refusal = matches!(error.status.as_u16(), 401 | 403);
    if !is_refusal && !is_about_input(&error) {
        return Ok(noted(failed(error), Some(refused.note)));
    }
    let shown = Shown {
        email: fields.email,
        error: error.issues.is_empty().then(|| sentence(error.text())),
        issues: error.issues.clone(),
        mode,
        name: fields.name,
        notice: None,
        redirect,
    };
    let mut response = show(settings, visit, shown).await?;
    if error.status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, bearer);
    }
    Ok(noted(error.drawn(response), Some(refused.note)))
}

/// Starts a sign-in at the identity provider. A browser that follows a link wants to be led there.
pub(crate) async fn sso(
    visit: Visit,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Response, HttpError> {
    let redirect = return_target(&visit.cx, &query.redirect);
    if visit.cx.identity().is_some() {
        return Ok(onwards(&redirect));
    }
    let query = sso::StartQuery {
        redirect_uri: (!redirect.is_empty()).then_some(redirect),
    };
    let reply = sso::start(&visit.cx, &query).await?;
    let mut response = see_other(&reply.body.url);
    add_cookies(response.headers_mut(), reply.cookies);
    Ok(noted(response, reply.note))
}

fn onwards(redirect: &str) -> Response {
    see_other(if redirect.is_empty() {
        paths::BASE
    } else {
        redirect
    })
}

async fn show(
    settings: StudioSettings,
    visit: &Visit,
    shown: Shown,
) -> Result<Response, HttpError> {
    let public = match auth::capabilities(&visit.cx).await? {
        Capabilities::Authenticated(known) => known.public,
        Capabilities::Public(public) => public,
    };
    let page = LoginPage {
        error: shown.error.clone(),
        notice: shown.notice.clone(),
        redirect: shown.redirect.clone(),
        state: state(settings, public, shown),
    };
    Ok(visit.bare(page.title(), login_page(&page)))
}

fn state(settings: StudioSettings, public: PublicCapabilities, shown: Shown) -> LoginState {
    match public.login {
        _ if !public.enabled => LoginState::NotConfigured,
        None => LoginState::Unavailable,
        Some(login) => LoginState::Ready(options(settings, login, shown)),
    }
}

fn options(settings: StudioSettings, login: Login, shown: Shown) -> LoginOptions {
    let has_credentials = matches!(login.kind, LoginType::Both | LoginType::Credentials);
    let sso = login.sso.map(|button| LoginButton {
        label: button.login.text,
        href: paths::sso(&shown.redirect),
    });
    let error_of = |field: &str| {
        let issue = shown.issues.iter().find(|issue| issue.field == field);
        issue.map(|issue| sentence(&issue.message))
    };
    let credentials = has_credentials.then(|| CredentialsForm {
        accepts_token: settings.accepts_token,
        email_error: error_of("email"),
        mode: shown.mode,
        name_error: error_of("name"),
        password_error: error_of("password"),
        sign_up_enabled: login.sign_up_enabled.unwrap_or(false),
        email: shown.email,
        name: shown.name,
    });
    LoginOptions {
        credentials,
        description: login.description,
        sso,
    }
}
