//! Handlers of what people do with their own accounts.

use axum::{Json, response::Response};
use ee_core::{AccountSecurity, Error, RequestHead};
use ee_server::{Reply, account};
use http::HeaderMap;
use serde::Serialize;

use super::{Answer, json_reply};
use crate::{AuthContext, HttpError, JsonBody};

type Replied = Result<Response, HttpError>;

/// A handler of a use case that takes a body and looks at headers.
macro_rules! handlers {
    ($($name:ident: $body:ty;)*) => {
        $(pub(super) async fn $name(
            AuthContext(cx): AuthContext,
            headers: HeaderMap,
            JsonBody(body): JsonBody<$body>,
        ) -> Replied {
            let head = RequestHead::new(&headers, cx.client_ip());
            replied(account::$name(&cx, &head, &body).await)
        })*
    };
}

handlers! {
    accept_invitation: account::AcceptInvitationBody;
    change_password: account::ChangePasswordBody;
    confirm_totp: account::CodeBody;
    disable_totp: account::DisableTotpBody;
    enrol_at_sign_in: account::TokenBody;
    forgot_password: account::ForgotPasswordBody;
    regenerate_recovery_codes: account::PasswordBody;
    reset_password: account::ResetPasswordBody;
    set_up: account::SetupBody;
    verify_email: account::TokenBody;
}

pub(super) async fn security(AuthContext(cx): AuthContext) -> Answer<AccountSecurity> {
    Ok(Json(account::security(&cx).await?))
}

pub(super) async fn begin_totp(AuthContext(cx): AuthContext) -> Replied {
    replied(account::begin_totp(&cx).await)
}

pub(super) async fn send_verification(AuthContext(cx): AuthContext) -> Replied {
    replied(account::send_verification(&cx).await)
}

pub(super) async fn find_invitation(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
    JsonBody(body): JsonBody<account::TokenBody>,
) -> Answer<account::InvitationCard> {
    let head = RequestHead::new(&headers, cx.client_ip());
    Ok(Json(account::find_invitation(&cx, &head, &body).await?))
}

fn replied<T: Serialize>(result: Result<Reply<T>, Error>) -> Replied {
    Ok(json_reply(result?))
}
