//! The second factor of one's own account.

use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError};
use ee_core::{ErrorKind, RequestHead};
use ee_server::{
    Reply,
    account::{self, RecoveryCodesView},
};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{
    account::{FACTOR_OFF, again, done},
    carrying, form_errors, is_about_input, refused,
    second_factor::no_authenticator,
};
use crate::{
    components::{Authenticator, FormErrors},
    layout::Section,
    pages::{AccountForm, RecoveryCodesPage, TotpPage, recovery_codes_page, totp_page},
    visit::Visit,
};

pub(crate) async fn begin(visit: Visit) -> Result<Response, HttpError> {
    match account::begin_totp(&visit.cx).await {
        Ok(reply) => {
            let told =
                Authenticator::from_uri(reply.body.uri.expose()).ok_or_else(no_authenticator)?;
            let page = draw(&visit, told, FormErrors::default()).await;
            Ok(carrying(page, reply))
        }
        Err(err) => again(&visit, AccountForm::SetUpTotp, &[], err).await,
    }
}

/// What the form with the first code sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfirmFields {
    code: SecretString,
    uri: SecretString,
}

pub(crate) async fn confirm(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<ConfirmFields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::CodeBody { code: fields.code };
    let err = match account::confirm_totp(&visit.cx, &head, &body).await {
        Ok(reply) => return Ok(show_codes(&visit, true, reply).await),
        Err(err) => err,
    };
    let told = Authenticator::from_uri(fields.uri.expose_secret());
    match told.filter(|_| err.kind() != ErrorKind::Conflict) {
        Some(told) => {
            let error = HttpError::from(err);
            if !is_about_input(&error) {
                return Err(error);
            }
            let errors = form_errors(&error, &[("code", "code")]);
            Ok(refused(error, draw(&visit, told, errors).await))
        }
        // Nothing waits for its first code: it has to be begun anew.
        None => again(&visit, AccountForm::SetUpTotp, &[], err).await,
    }
}

/// What the form that turns it off sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DisableFields {
    disable_code: SecretString,
    disable_password: SecretString,
}

pub(crate) async fn disable(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<DisableFields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::DisableTotpBody {
        code: fields.disable_code,
        password: fields.disable_password,
    };
    let names = [("code", "disable_code"), ("password", "disable_password")];
    let result = account::disable_totp(&visit.cx, &head, &body).await;
    done(&visit, AccountForm::DisableTotp, FACTOR_OFF, &names, result).await
}

/// What the form for new recovery codes sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CodesFields {
    codes_password: SecretString,
}

pub(crate) async fn recovery_codes(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<CodesFields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::PasswordBody {
        password: fields.codes_password,
    };
    match account::regenerate_recovery_codes(&visit.cx, &head, &body).await {
        Ok(reply) => Ok(show_codes(&visit, false, reply).await),
        Err(err) => {
            let names = [("password", "codes_password")];
            again(&visit, AccountForm::RecoveryCodes, &names, err).await
        }
    }
}

async fn draw(visit: &Visit, told: Authenticator, errors: FormErrors) -> Response {
    let content = totp_page(&TotpPage { told, errors });
    let title = "Set up two-step sign-in";
    visit.page(title, Section::Other, content).await
}

/// Shows the codes in the answer to the form: no address leads to them, and nothing keeps them.
async fn show_codes(visit: &Visit, is_first: bool, reply: Reply<RecoveryCodesView>) -> Response {
    let codes = reply.body.recovery_codes.iter();
    let content = recovery_codes_page(&RecoveryCodesPage {
        codes: codes.map(|code| code.expose().into()).collect(),
        is_first,
    });
    let page = visit
        .page("Your recovery codes", Section::Other, content)
        .await;
    carrying(page, reply)
}
