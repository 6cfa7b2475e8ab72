//! What people do with their own accounts.

use std::cmp::Reverse;

use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError, PathParams, QueryParams};
use ee_core::{Error, ErrorKind, RequestHead};
use ee_server::{
    Cx, Reply,
    access::{self, Part, SessionName, SessionView},
    account,
};
use http::HeaderMap;
use secrecy::SecretString;
use serde::Deserialize;

use super::{carrying, form_errors, is_about_input, refused};
use crate::{
    components::{Notice, SessionItem},
    layout::Section,
    pages::{AccountForm, AccountPage, account_page},
    paths,
    visit::{Visit, see_other},
};

/// Most parts of the list of sessions that one page reads.
const MOST_PARTS: usize = 5;

/// What the page may be asked to tell.
pub(super) const EMAIL_CONFIRMED: &str = "email";
pub(super) const FACTOR_OFF: &str = "factor-off";
pub(super) const FACTOR_ON: &str = "factor-on";
const LETTER_SENT: &str = "letter";
const PASSWORD_CHANGED: &str = "password";
const SESSION_ENDED: &str = "session";
const SESSIONS_ENDED: &str = "sessions";

/// Finds what the page tells for a word of its query: sentences of ours and no others.
fn notice(done: &str) -> Option<Notice> {
    Some(Notice::success(match done {
        EMAIL_CONFIRMED => "Your address is confirmed.",
        FACTOR_OFF => "Two-step sign-in is off, and every other browser was signed out.",
        FACTOR_ON => {
            "Two-step sign-in is on. Make recovery codes now, for the day when the authenticator is lost."
        }
        LETTER_SENT => "A letter is on its way. Follow its link to confirm the address.",
        PASSWORD_CHANGED => "Your password was changed, and every other browser was signed out.",
        SESSION_ENDED => "The session was ended.",
        SESSIONS_ENDED => "All other sessions were ended.",
        _ => return None,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    done: String,
}

pub(crate) async fn page(
    visit: Visit,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Response, HttpError> {
    let page = view(&visit).await?;
    let page = AccountPage {
        notice: notice(&query.done),
        ..page
    };
    Ok(draw(&visit, &page).await)
}

/// What the form for a new password sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordFields {
    current_password: SecretString,
    new_password: SecretString,
}

pub(crate) async fn change_password(
    visit: Visit,
    headers: HeaderMap,
    FormBody(fields): FormBody<PasswordFields>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let body = account::ChangePasswordBody {
        current_password: fields.current_password,
        new_password: fields.new_password,
    };
    let names = [
        ("currentPassword", "current_password"),
        ("newPassword", "new_password"),
        ("password", "new_password"),
    ];
    let result = account::change_password(&visit.cx, &head, &body).await;
    let form = AccountForm::ChangePassword;
    done(&visit, form, PASSWORD_CHANGED, &names, result).await
}

pub(crate) async fn send_verification(visit: Visit) -> Result<Response, HttpError> {
    let result = account::send_verification(&visit.cx).await;
    done(&visit, AccountForm::Verify, LETTER_SENT, &[], result).await
}

pub(crate) async fn end_session(
    visit: Visit,
    PathParams(id): PathParams<SessionName>,
) -> Result<Response, HttpError> {
    let ended = see_other(&paths::account_after(SESSION_ENDED));
    match access::end_my_session(&visit.cx, id).await {
        Ok(_) => Ok(ended),
        // It has ended by itself, or in another tab.
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(ended),
        Err(err) => Err(err.into()),
    }
}

pub(crate) async fn end_other_sessions(visit: Visit) -> Result<Response, HttpError> {
    access::end_my_other_sessions(&visit.cx).await?;
    Ok(see_other(&paths::account_after(SESSIONS_ENDED)))
}

/// Leads back to the page, which tells what was done, or shows the form again and says what is wrong.
pub(super) async fn done<T>(
    visit: &Visit,
    form: AccountForm,
    word: &str,
    names: &[(&str, &str)],
    result: Result<Reply<T>, Error>,
) -> Result<Response, HttpError> {
    match result {
        Ok(reply) => Ok(carrying(see_other(&paths::account_after(word)), reply)),
        Err(err) => again(visit, form, names, err).await,
    }
}

/// Shows a form again and says what is wrong.
pub(super) async fn again(
    visit: &Visit,
    form: AccountForm,
    names: &[(&str, &str)],
    err: Error,
) -> Result<Response, HttpError> {
    let error = HttpError::from(err);
    if !is_about_input(&error) && error.status.as_u16() != 403 {
        return Err(error);
    }
    let page = AccountPage {
        refused: Some((form, form_errors(&error, names))),
        ..view(visit).await?
    };
    let page = draw(visit, &page).await;
    Ok(refused(error, page))
}

async fn view(visit: &Visit) -> Result<AccountPage, HttpError> {
    let cx = &visit.cx;
    // Where authentication is off nobody has an account.
    let Some(identity) = cx.identity() else {
        return Err(Error::new(ErrorKind::NotFound, "Not found").into());
    };
    let user = &identity.user;
    Ok(AccountPage {
        name: user.name.clone().unwrap_or_default(),
        email: user.email.clone().unwrap_or_default(),
        roles: visit.roles().await,
        security: where_there_is(account::security(cx).await)?,
        sessions: where_there_is(sessions(cx).await)?,
        ..AccountPage::default()
    })
}

/// Returns the sessions of the caller: that of this browser first, then those that were used last.
async fn sessions(cx: &Cx) -> Result<Vec<SessionItem>, Error> {
    let mut items = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PARTS {
        let part = Part {
            cursor,
            limit: None,
        };
        let listing = access::my_sessions(cx, part).await?;
        items.extend(listing.items.into_iter().map(item));
        cursor = listing.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    items.sort_by_key(|item| Reverse((item.is_current, item.last_seen_at)));
    Ok(items)
}

fn item(session: SessionView) -> SessionItem {
    let address = session.address.map(|address| address.to_string());
    SessionItem {
        id: session.id,
        device: session.device.unwrap_or_default(),
        address: address.unwrap_or_default(),
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        is_current: session.is_current,
    }
}

/// `None` for what this server does not have, or does not have for the caller.
fn where_there_is<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    use ErrorKind::{Forbidden, NotFound, Unsupported};

    match result {
        Ok(found) => Ok(Some(found)),
        Err(err) if matches!(err.kind(), Forbidden | NotFound | Unsupported) => Ok(None),
        Err(err) => Err(err),
    }
}

async fn draw(visit: &Visit, page: &AccountPage) -> Response {
    let content = account_page(page);
    visit.page("Account", Section::Other, content).await
}
