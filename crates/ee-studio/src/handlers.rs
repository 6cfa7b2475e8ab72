//! The handlers of Studio: extract, call the use case that the API calls, draw.

pub(crate) mod agent_form;
pub(crate) mod agents;
pub(crate) mod chat;
pub(crate) mod chat_stream;
mod conversation;
pub(crate) mod home;
pub(crate) mod runs;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod workflows;

use axum::response::{IntoResponse as _, Response};
use ee_adapter_axum::HttpError;
use ee_server::AuditNote;

/// Adds a note for the record to an answer.
fn noted(mut response: Response, note: Option<AuditNote>) -> Response {
    if let Some(note) = note {
        response.extensions_mut().insert(note);
    }
    response
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
