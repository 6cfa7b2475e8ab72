use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError};
use ee_core::RequestHead;
use ee_server::account;
use http::HeaderMap;
use serde::Deserialize;

use super::{carrying, form_errors, is_about_input, links::check_managed, refused};
use crate::{
    components::FormErrors,
    pages::{CheckMail, ForgotPage, LetterPurpose, check_mail, forgot_page},
    visit::Visit,
};

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    email: String,
}

pub(crate) async fn page(visit: Visit) -> Result<Response, HttpError> {
    check_managed(&visit)?;
    let identity = visit.cx.identity();
    let email = identity.and_then(|identity| identity.user.email.clone());
    Ok(draw(
        &visit,
        email.unwrap_or_default(),
        FormErrors::default(),
    ))
}

pub(crate) async fn send(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::ForgotPasswordBody {
        email: fields.email.trim().to_owned(),
    };
    match account::forgot_password(&visit.cx, &head, &body).await {
        Ok(reply) => {
            let letter = CheckMail {
                email: body.email,
                purpose: LetterPurpose::ResetPassword,
            };
            let page = visit.bare("Check your mail", check_mail(&letter));
            Ok(carrying(page, reply))
        }
        Err(err) => {
            let error = HttpError::from(err);
            if !is_about_input(&error) {
                return Err(error);
            }
            let errors = form_errors(&error, &[("email", "email")]);
            Ok(refused(error, draw(&visit, fields.email, errors)))
        }
    }
}

fn draw(visit: &Visit, email: String, errors: FormErrors) -> Response {
    let page = ForgotPage { email, errors };
    visit.bare("Forgot your password?", forgot_page(&page))
}
