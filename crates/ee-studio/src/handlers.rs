//! The handlers of Studio: extract, call the use case that the API calls, draw.

pub(crate) mod account;
pub(crate) mod agent_form;
pub(crate) mod agents;
pub(crate) mod chat;
pub(crate) mod chat_stream;
mod conversation;
pub(crate) mod forgot_password;
pub(crate) mod home;
pub(crate) mod links;
mod lists;
mod login_view;
pub(crate) mod runs;
pub(crate) mod second_factor;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod totp;
pub(crate) mod workflows;

use axum::response::{IntoResponse as _, Response};
use ee_adapter_axum::HttpError;
use ee_core::{Issue, add_cookies};
use ee_server::{AuditNote, Reply};
use http::{HeaderValue, StatusCode, header};

use crate::{components::FormErrors, visit::sentence};

/// Adds a note for the record to an answer.
fn noted(mut response: Response, note: Option<AuditNote>) -> Response {
    if let Some(note) = note {
        response.extensions_mut().insert(note);
    }
    response
}

/// Adds to an answer what a use case has for it: cookies, and a note for the record.
fn carrying<T>(mut response: Response, reply: Reply<T>) -> Response {
    add_cookies(response.headers_mut(), reply.cookies);
    noted(response, reply.note)
}

/// Answers with a page that shows the form again and says what is wrong.
fn refused(error: HttpError, mut page: Response) -> Response {
    if error.status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        page.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    }
    error.drawn(page)
}

/// Turns an error into what a form says. `names` pairs the names of inputs with those of fields; what is about another
/// input is said of the whole.
fn form_errors(error: &HttpError, names: &[(&str, &str)]) -> FormErrors {
    if error.issues.is_empty() {
        return FormErrors::whole(sentence(error.text()));
    }
    let mut errors = FormErrors::default();
    for Issue { field, message } in &error.issues {
        match names.iter().find(|(input, _)| input == field) {
            Some((_, name)) => errors.fields.push(((*name).to_owned(), sentence(message))),
            None => errors.common = Some(sentence(&format!("{field}: {message}"))),
        }
    }
    errors
}

/// Tells whether a form can say what is wrong, rather than a page of its own.
fn is_about_input(error: &HttpError) -> bool {
    matches!(error.status.as_u16(), 400 | 409 | 429)
}

/// Answers with the common page for the error.
fn failed(error: HttpError) -> Response {
    error.into_response()
}

/// Browsers send the lines of a text with CR LF.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}
