use axum::{extract::State, response::Response};
use ee_adapter_axum::{FormBody, HttpError, QueryParams};
use ee_core::RequestHead;
use ee_server::{Reply, auth, sso};
use http::HeaderMap;
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    carrying, failed, form_errors, is_about_input,
    login_view::{Shown, notice, show},
    noted, refused, second_factor,
};
use crate::{
    StudioSettings,
    components::{FormErrors, Notice},
    pages::{CheckMail, CredentialsMode, LetterPurpose, check_mail},
    paths,
    return_target::return_target,
    visit::{Visit, see_other},
};

/// Stands in for the address of somebody who signs in with an access token alone.
const TOKEN_ADDRESS: &str = "token@localhost";
/// What the forms ask for.
const FIELDS: &[(&str, &str)] = &[
    ("email", "email"),
    ("name", "name"),
    ("password", "password"),
];

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    /// Somebody who is signed in has to show that it is he.
    again: Option<String>,
    done: String,
    error: Option<String>,
    error_description: Option<String>,
    expired: Option<String>,
    redirect: String,
}

impl PageQuery {
    fn notice(&self) -> Option<Notice> {
        if self.expired.is_some() {
            let text = "Your session ended. Sign in again to go on where you were.";
            return Some(Notice::info(text));
        }
        notice(&self.done)
    }
}

/// What the forms for signing in and up send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    email: String,
    name: String,
    password: SecretString,
    redirect: String,
    remember: String,
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

/// Whoever is signed in is sent on, unless he has to sign in again.
async fn open(
    settings: StudioSettings,
    visit: &Visit,
    query: PageQuery,
    mode: CredentialsMode,
) -> Result<Response, HttpError> {
    let redirect = return_target(&visit.cx, &query.redirect);
    let mut notice = query.notice();
    let mut email = String::new();
    if let Some(identity) = visit.cx.identity() {
        if query.again.is_none() {
            return Ok(onwards(&redirect));
        }
        notice = Some(Notice::info(
            "Sign in again to show that it is you. You come back to where you were.",
        ));
        email.extend(identity.user.email.clone());
    }
    let problem = query.error.or(query.error_description);
    let problem = problem.map(|text| sso::shown_error(&text).to_owned());
    let errors = problem.map(FormErrors::whole).unwrap_or_default();
    let shown = Shown {
        email,
        errors,
        mode,
        notice,
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
        remember: settings.offers_remember && !fields.remember.is_empty(),
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

/// Goes on to where the attempt has led, or shows the form again with what was typed and why it failed.
async fn finish(
    settings: StudioSettings,
    visit: &Visit,
    fields: Fields,
    mode: CredentialsMode,
    result: Result<Reply<auth::SignInStep>, auth::SignInError>,
) -> Result<Response, HttpError> {
    let redirect = return_target(&visit.cx, &fields.redirect);
    let attempt = match result {
        Ok(reply) => {
            let response = match &reply.body {
                auth::SignInStep::Done(_) => onwards(&redirect),
                auth::SignInStep::ConfirmEmail { .. } => confirm_email(visit, &fields),
                auth::SignInStep::SecondFactor { second_factor } => {
                    let is_remembered = settings.offers_remember && !fields.remember.is_empty();
                    second_factor::ask(visit, second_factor, redirect, is_remembered)
                }
            };
            return Ok(carrying(response, reply));
        }
        Err(attempt) => attempt,
    };
    let error = HttpError::from(attempt.error);
    let is_refusal = matches!(error.status.as_u16(), 401 | 403);
    if !is_refusal && !is_about_input(&error) {
        return Ok(noted(failed(error), Some(attempt.note)));
    }
    let shown = Shown {
        email: fields.email,
        errors: form_errors(&error, FIELDS),
        is_remembered: !fields.remember.is_empty(),
        mode,
        name: fields.name,
        notice: None,
        redirect,
    };
    let page = show(settings, visit, shown).await?;
    Ok(noted(refused(error, page), Some(attempt.note)))
}

fn confirm_email(visit: &Visit, fields: &Fields) -> Response {
    let letter = CheckMail {
        email: fields.email.trim().to_owned(),
        purpose: LetterPurpose::SignUp,
    };
    visit.bare("Check your mail", check_mail(&letter))
}

/// Starts a sign-in at the identity provider. A browser that follows a link wants to be led there.
pub(crate) async fn sso(
    visit: Visit,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Response, HttpError> {
    let redirect = return_target(&visit.cx, &query.redirect);
    if visit.cx.identity().is_some() && query.again.is_none() {
        return Ok(onwards(&redirect));
    }
    let query = sso::StartQuery {
        redirect_uri: (!redirect.is_empty()).then_some(redirect),
    };
    let reply = sso::start(&visit.cx, &query).await?;
    Ok(carrying(see_other(&reply.body.url), reply))
}

pub(super) fn onwards(redirect: &str) -> Response {
    see_other(if redirect.is_empty() {
        paths::BASE
    } else {
        redirect
    })
}
