//! The second step of a sign-in.

use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError};
use ee_core::{ErrorKind, FactorMethod, RequestHead};
use ee_server::{
    account,
    auth::{self, SecondFactorView, SignInStep},
};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{
    account::FACTOR_ON, carrying, form_errors, is_about_input, login_view::TOO_LATE, refused,
    sign_in::onwards,
};
use crate::{
    components::{Authenticator, FormErrors},
    pages::{FactorStep, SecondFactorPage, WaitingSignIn, second_factor_page},
    paths,
    return_target::return_target,
    visit::{Visit, see_other, sentence},
};

/// What the forms of the second step send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    code: SecretString,
    ends_at: String,
    has_recovery_codes: String,
    recovery_code: SecretString,
    redirect: String,
    remember: String,
    token: SecretString,
    /// What the authenticator was told at the set-up.
    uri: SecretString,
}

impl Fields {
    fn waiting(&self, visit: &Visit) -> WaitingSignIn {
        WaitingSignIn {
            ends_at: self.ends_at.parse().unwrap_or(i64::MAX),
            has_recovery_codes: !self.has_recovery_codes.is_empty(),
            is_remembered: !self.remember.is_empty(),
            redirect: return_target(&visit.cx, &self.redirect),
            token: self.token.clone(),
        }
    }

    /// Returns what was typed, and where.
    fn typed(&self) -> (&'static str, &SecretString) {
        if self.recovery_code.expose_secret().trim().is_empty() {
            ("code", &self.code)
        } else {
            ("recovery_code", &self.recovery_code)
        }
    }
}

/// Asks for the second step of a sign-in whose first one was right.
pub(super) fn ask(
    visit: &Visit,
    view: &SecondFactorView,
    redirect: String,
    is_remembered: bool,
) -> Response {
    let has = |method| view.methods.contains(&method);
    let waiting = WaitingSignIn {
        ends_at: view.expires_at.as_second(),
        has_recovery_codes: has(FactorMethod::RecoveryCode),
        is_remembered,
        redirect,
        token: view.token.expose().into(),
    };
    let step = if has(FactorMethod::Enrol) {
        FactorStep::Announce
    } else {
        FactorStep::Code
    };
    draw(visit, waiting, step, FormErrors::default())
}

/// Begins to set up the second factor that the sign-in demands.
pub(crate) async fn enrol(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let waiting = fields.waiting(&visit);
    let body = account::TokenBody {
        token: fields.token,
    };
    match account::enrol_at_sign_in(&visit.cx, &head, &body).await {
        Ok(reply) => {
            let told =
                Authenticator::from_uri(reply.body.uri.expose()).ok_or_else(no_authenticator)?;
            let step = FactorStep::Enrol(told);
            let page = draw(&visit, waiting, step, FormErrors::default());
            Ok(carrying(page, reply))
        }
        // The token is not good any more, or the account has a factor meanwhile.
        Err(err) if matches!(err.kind(), ErrorKind::Conflict | ErrorKind::Invalid) => {
            Ok(too_late(&waiting))
        }
        Err(err) => again(&visit, waiting, FactorStep::Announce, "", err.into()),
    }
}

pub(crate) async fn verify(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let waiting = fields.waiting(&visit);
    if waiting.ends_at <= visit.cx.now().as_second() {
        return Ok(too_late(&waiting));
    }
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let (field, typed) = fields.typed();
    let body = auth::SecondFactorBody {
        code: typed.clone(),
        remember: waiting.is_remembered,
        token: fields.token.clone(),
    };
    let told = Authenticator::from_uri(fields.uri.expose_secret());
    match auth::second_factor(&visit.cx, &head, &body).await {
        Ok(reply) => {
            let response = match (&reply.body, told) {
                (SignInStep::Done(_), None) => onwards(&waiting.redirect),
                // Whoever has just set it up has no recovery codes yet.
                (SignInStep::Done(_), Some(_)) => see_other(&paths::account_after(FACTOR_ON)),
                (SignInStep::SecondFactor { second_factor }, _) => {
                    let WaitingSignIn { redirect, .. } = waiting;
                    ask(&visit, second_factor, redirect, body.remember)
                }
                (SignInStep::ConfirmEmail { .. }, _) => too_late(&waiting),
            };
            Ok(carrying(response, reply))
        }
        Err(err) => {
            let step = told.map_or(FactorStep::Code, FactorStep::Enrol);
            again(&visit, waiting, step, field, err.into())
        }
    }
}

/// Shows the form again and says what is wrong: of the field, if it is the code.
fn again(
    visit: &Visit,
    waiting: WaitingSignIn,
    step: FactorStep,
    field: &str,
    error: HttpError,
) -> Result<Response, HttpError> {
    let is_wrong = error.status.as_u16() == 401 && !field.is_empty();
    if !is_wrong && !is_about_input(&error) {
        return Err(error);
    }
    let errors = if is_wrong {
        FormErrors {
            common: None,
            fields: vec![(field.to_owned(), sentence(error.text()))],
        }
    } else {
        form_errors(&error, &[("code", field)])
    };
    Ok(refused(error, draw(visit, waiting, step, errors)))
}

fn draw(visit: &Visit, waiting: WaitingSignIn, step: FactorStep, errors: FormErrors) -> Response {
    let page = SecondFactorPage {
        waiting,
        step,
        errors,
    };
    visit.bare(page.title(), second_factor_page(&page))
}

fn too_late(waiting: &WaitingSignIn) -> Response {
    see_other(&paths::login_after(TOO_LATE, &waiting.redirect))
}

/// A provider has told something that no authenticator takes.
pub(super) fn no_authenticator() -> HttpError {
    let text = "the provider's address for authenticators cannot be read";
    ee_core::Error::new(ErrorKind::Internal, text).into()
}
