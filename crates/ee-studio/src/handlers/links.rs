//! Where the links of letters, and that of the first start, lead.
//!
//! No link is followed by a `GET`: programs that look at mail open links too. The secret of a link stands in its fragment
//! and comes here in the body of a form alone.

use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError};
use ee_core::{Error, ErrorKind, RequestHead};
use ee_server::account;
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{account::EMAIL_CONFIRMED, carrying, form_errors, is_about_input, login_view, refused};
use crate::{
    components::FormErrors,
    pages::{LinkPage, LinkPurpose, link_page},
    paths,
    visit::{Visit, see_other},
};

const FIELDS: &[(&str, &str)] = &[
    ("email", "email"),
    ("name", "name"),
    ("password", "password"),
    ("token", "token"),
];

/// What the forms send.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    email: String,
    name: String,
    password: SecretString,
    token: SecretString,
}

impl Fields {
    /// People paste what they have: the secret, or the link that it stands in.
    fn secret(&self) -> SecretString {
        let text = self.token.expose_secret().trim();
        let secret = text.rsplit_once("token=").map_or(text, |(_, rest)| rest);
        secret.into()
    }

    fn name(&self) -> Option<String> {
        let name = self.name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }
}

/// Fails with 404 where nobody looks after accounts with passwords.
pub(super) fn check_managed(visit: &Visit) -> Result<(), HttpError> {
    if account::is_managed(&visit.cx) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::NotFound, "Not found").into())
}

pub(crate) async fn invitation_page(visit: Visit) -> Result<Response, HttpError> {
    open(&visit, LinkPurpose::FindInvitation)
}

pub(crate) async fn reset_page(visit: Visit) -> Result<Response, HttpError> {
    open(&visit, LinkPurpose::ResetPassword)
}

pub(crate) async fn setup_page(visit: Visit) -> Result<Response, HttpError> {
    open(&visit, LinkPurpose::Setup)
}

pub(crate) async fn verify_page(visit: Visit) -> Result<Response, HttpError> {
    open(&visit, LinkPurpose::VerifyEmail)
}

fn open(visit: &Visit, purpose: LinkPurpose) -> Result<Response, HttpError> {
    check_managed(visit)?;
    let page = LinkPage {
        purpose,
        ..LinkPage::default()
    };
    Ok(draw(visit, &page))
}

/// Shows whom an invitation is for, with the form that accepts it.
pub(crate) async fn find_invitation(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::TokenBody {
        token: fields.secret(),
    };
    match account::find_invitation(&visit.cx, &head, &body).await {
        Ok(invitation) => {
            let page = LinkPage {
                purpose: LinkPurpose::AcceptInvitation,
                secret: body.token,
                email: invitation.email,
                ..LinkPage::default()
            };
            Ok(draw(&visit, &page))
        }
        Err(err) => again(&visit, LinkPurpose::FindInvitation, fields, err),
    }
}

pub(crate) async fn accept_invitation(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::AcceptInvitationBody {
        token: fields.secret(),
        password: fields.password.clone(),
        name: fields.name(),
    };
    match account::accept_invitation(&visit.cx, &head, &body).await {
        Ok(reply) => Ok(carrying(see_other(paths::BASE), reply)),
        Err(err) => again(&visit, LinkPurpose::AcceptInvitation, fields, err),
    }
}

pub(crate) async fn reset_password(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::ResetPasswordBody {
        token: fields.secret(),
        password: fields.password.clone(),
    };
    match account::reset_password(&visit.cx, &head, &body).await {
        Ok(reply) => {
            let login = paths::login_after(login_view::NEW_PASSWORD, "");
            Ok(carrying(see_other(&login), reply))
        }
        Err(err) => again(&visit, LinkPurpose::ResetPassword, fields, err),
    }
}

pub(crate) async fn set_up(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::SetupBody {
        token: fields.secret(),
        email: fields.email.trim().to_owned(),
        password: fields.password.clone(),
        name: fields.name(),
    };
    match account::set_up(&visit.cx, &head, &body).await {
        Ok(reply) => Ok(carrying(see_other(paths::BASE), reply)),
        Err(err) => again(&visit, LinkPurpose::Setup, fields, err),
    }
}

pub(crate) async fn verify_email(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::TokenBody {
        token: fields.secret(),
    };
    match account::verify_email(&visit.cx, &head, &body).await {
        Ok(reply) => {
            let next = if visit.cx.identity().is_some() {
                paths::account_after(EMAIL_CONFIRMED)
            } else {
                paths::login_after(login_view::EMAIL_CONFIRMED, "")
            };
            Ok(carrying(see_other(&next), reply))
        }
        Err(err) => again(&visit, LinkPurpose::VerifyEmail, fields, err),
    }
}

/// Shows the form again and says what is wrong. An invitation that is no longer good has no form to accept it.
fn again(
    visit: &Visit,
    purpose: LinkPurpose,
    fields: Fields,
    err: Error,
) -> Result<Response, HttpError> {
    let error = HttpError::from(err);
    if !is_about_input(&error) && error.status.as_u16() != 403 {
        return Err(error);
    }
    let errors: FormErrors = form_errors(&error, FIELDS);
    let purpose = match purpose {
        LinkPurpose::AcceptInvitation if errors.is_about("token") => LinkPurpose::FindInvitation,
        purpose => purpose,
    };
    let page = LinkPage {
        purpose,
        secret: fields.secret(),
        email: fields.email,
        name: fields.name,
        errors,
    };
    Ok(refused(error, draw(visit, &page)))
}

fn draw(visit: &Visit, page: &LinkPage) -> Response {
    visit.bare(page.purpose.title(), link_page(page))
}
