//! What people do with their own accounts: password, second factor, address, and how they get one.
//!
//! Whoever changes his credentials has none of the sessions left that began under the old ones; the answer carries a new
//! one for the browser that asked.

use std::sync::Arc;

use ee_core::{
    AccountSecurity, ActorType, AuditActor, CredentialsManager, Error, ErrorKind, Invitation,
    InvitationManager, Newcomer, RecoveryCodes, RequestHead, TotpEnrolment, User,
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    AuditNote, Cx, Reply, ShownOnce,
    auth::{SignedIn, check_password_size, not_configured, start_session},
    permissions as p,
};

/// Body of `POST /auth/password`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct ChangePasswordBody {
    /// The password until now.
    #[schemars(with = "String")]
    pub current_password: SecretString,
    /// The password from now on.
    #[schemars(with = "String")]
    pub new_password: SecretString,
}

/// Body of `POST /auth/password/forgot`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct ForgotPasswordBody {
    /// Whose.
    pub email: String,
}

/// Body of `POST /auth/password/reset`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct ResetPasswordBody {
    /// What stands behind `#token=` in the link.
    #[schemars(with = "String")]
    pub token: SecretString,
    /// The password from now on.
    #[schemars(with = "String")]
    pub password: SecretString,
}

/// A body that holds the secret of a link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct TokenBody {
    /// What stands behind `#token=` in the link.
    #[schemars(with = "String")]
    pub token: SecretString,
}

/// Body of `POST /auth/invitations/accept`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct AcceptInvitationBody {
    /// What stands behind `#token=` in the link.
    #[schemars(with = "String")]
    pub token: SecretString,
    /// The password of the account.
    #[schemars(with = "String")]
    pub password: SecretString,
    /// Name for people.
    pub name: Option<String>,
}

/// Body of `POST /auth/setup`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct SetupBody {
    /// What stands behind `#token=` in the link.
    #[schemars(with = "String")]
    pub token: SecretString,
    /// E-mail address of the owner.
    pub email: String,
    /// The password of the account.
    #[schemars(with = "String")]
    pub password: SecretString,
    /// Name for people.
    pub name: Option<String>,
}

/// Body of `POST /auth/totp/confirm`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct CodeBody {
    /// What the authenticator shows.
    #[schemars(with = "String")]
    pub code: SecretString,
}

/// Body of `POST /auth/totp/disable`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct DisableTotpBody {
    /// What the authenticator shows, or a recovery code.
    #[schemars(with = "String")]
    pub code: SecretString,
    /// The password.
    #[schemars(with = "String")]
    pub password: SecretString,
}

/// Body of `POST /auth/recovery-codes`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct PasswordBody {
    /// The password.
    #[schemars(with = "String")]
    pub password: SecretString,
}

/// Something was done, and there is nothing else to tell.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Done {
    /// Always true.
    pub success: bool,
}

const DONE: Done = Done { success: true };

/// What an authenticator has to be told.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TotpView {
    /// The secret for typing.
    #[schemars(with = "String")]
    pub secret: ShownOnce,
    /// The same as an `otpauth` address.
    #[schemars(with = "String")]
    pub uri: ShownOnce,
}

impl From<TotpEnrolment> for TotpView {
    fn from(enrolment: TotpEnrolment) -> Self {
        Self {
            secret: ShownOnce(enrolment.secret),
            uri: ShownOnce(enrolment.uri),
        }
    }
}

/// Codes that are shown once.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodesView {
    /// Each is good once.
    #[schemars(with = "Vec<String>")]
    pub recovery_codes: Vec<ShownOnce>,
}

impl From<&RecoveryCodes> for RecoveryCodesView {
    fn from(codes: &RecoveryCodes) -> Self {
        let codes = codes.expose().iter();
        Self {
            recovery_codes: codes.cloned().map(ShownOnce).collect(),
        }
    }
}

/// What an invitation is for.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvitationCard {
    /// The address that the account will have.
    pub email: String,
    /// When it ends.
    #[schemars(with = "String")]
    pub expires_at: jiff::Timestamp,
}

/// Tells whether people look after their credentials here.
pub fn is_managed(cx: &Cx) -> bool {
    manager(cx).is_ok()
}

/// `GET /auth/account`: how the caller's account is protected.
pub async fn security(cx: &Cx) -> Result<AccountSecurity, Error> {
    manager(cx)?.security(&myself(cx)?.id).await
}

/// `POST /auth/password`.
pub async fn change_password(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &ChangePasswordBody,
) -> Result<Reply<SignedIn>, Error> {
    let (manager, user) = (manager(cx)?, myself(cx)?);
    check_password_size("currentPassword", body.current_password.expose_secret())?;
    check_password_size("newPassword", body.new_password.expose_secret())?;
    let user = manager
        .change_password(&user.id, &body.current_password, &body.new_password, head)
        .await?;
    resume(cx, head, &user).await
}

/// `POST /auth/password/forgot`: the same answer whether there is such an account or not.
pub async fn forgot_password(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &ForgotPasswordBody,
) -> Result<Reply<Done>, Error> {
    manager(cx)?
        .request_password_reset(&body.email, head)
        .await?;
    Ok(Reply::new(DONE))
}

/// `POST /auth/password/reset`: nobody is signed in by it.
pub async fn reset_password(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &ResetPasswordBody,
) -> Result<Reply<Done>, Error> {
    check_password_size("password", body.password.expose_secret())?;
    manager(cx)?
        .reset_password(body.token.expose_secret(), &body.password, head)
        .await?;
    Ok(Reply::new(DONE))
}

/// `POST /auth/email/send-verification`.
pub async fn send_verification(cx: &Cx) -> Result<Reply<Done>, Error> {
    manager(cx)?
        .request_email_verification(&myself(cx)?.id)
        .await?;
    Ok(Reply::new(DONE))
}

/// `POST /auth/email/verify`: nobody is signed in by it.
pub async fn verify_email(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &TokenBody,
) -> Result<Reply<Done>, Error> {
    let user = manager(cx)?
        .verify_email(body.token.expose_secret(), head)
        .await?;
    Ok(Reply::new(DONE).noted(by(&user)))
}

/// `POST /auth/credentials/second-factor/enrol`.
pub async fn enrol_at_sign_in(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &TokenBody,
) -> Result<Reply<TotpView>, Error> {
    let enrolment = manager(cx)?
        .enrol_at_sign_in(body.token.expose_secret(), head)
        .await?;
    Ok(Reply::new(enrolment.into()))
}

/// `POST /auth/totp`.
pub async fn begin_totp(cx: &Cx) -> Result<Reply<TotpView>, Error> {
    let enrolment = manager(cx)?.begin_totp(&myself(cx)?.id).await?;
    Ok(Reply::new(enrolment.into()))
}

/// `POST /auth/totp/confirm`.
pub async fn confirm_totp(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &CodeBody,
) -> Result<Reply<RecoveryCodesView>, Error> {
    let (manager, user) = (manager(cx)?, myself(cx)?);
    let code = body.code.expose_secret();
    let (user, codes) = manager.confirm_totp(&user.id, code, head).await?;
    let reply = resume(cx, head, &user).await?;
    Ok(reply.map(|_| RecoveryCodesView::from(&codes)))
}

/// `POST /auth/totp/disable`.
pub async fn disable_totp(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &DisableTotpBody,
) -> Result<Reply<Done>, Error> {
    let (manager, user) = (manager(cx)?, myself(cx)?);
    check_password_size("password", body.password.expose_secret())?;
    let code = body.code.expose_secret();
    let user = manager
        .disable_totp(&user.id, &body.password, code, head)
        .await?;
    Ok(resume(cx, head, &user).await?.map(|_| DONE))
}

/// `POST /auth/recovery-codes`.
pub async fn regenerate_recovery_codes(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &PasswordBody,
) -> Result<Reply<RecoveryCodesView>, Error> {
    let (manager, user) = (manager(cx)?, myself(cx)?);
    check_password_size("password", body.password.expose_secret())?;
    let codes = manager
        .regenerate_recovery_codes(&user.id, &body.password, head)
        .await?;
    Ok(Reply::new(RecoveryCodesView::from(&codes)))
}

/// `POST /auth/invitations/find`.
pub async fn find_invitation(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &TokenBody,
) -> Result<InvitationCard, Error> {
    let invitation = good_invitation(cx, head, &body.token).await?;
    Ok(InvitationCard {
        email: invitation.email,
        expires_at: invitation.expires_at,
    })
}

/// `POST /auth/invitations/accept`.
pub async fn accept_invitation(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &AcceptInvitationBody,
) -> Result<Reply<SignedIn>, Error> {
    check_password_size("password", body.password.expose_secret())?;
    good_invitation(cx, head, &body.token).await?;
    let newcomer = Newcomer {
        name: body.name.as_deref(),
        password: &body.password,
    };
    let user = invitations(cx)?
        .accept_invitation(body.token.expose_secret(), newcomer, head)
        .await?;
    start_session(cx, head, &user, false).await
}

/// `POST /auth/setup`: creates the first owner.
pub async fn set_up(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &SetupBody,
) -> Result<Reply<SignedIn>, Error> {
    check_password_size("password", body.password.expose_secret())?;
    let newcomer = Newcomer {
        name: body.name.as_deref(),
        password: &body.password,
    };
    let user = invitations(cx)?
        .set_up_owner(body.token.expose_secret(), &body.email, newcomer, head)
        .await?;
    start_session(cx, head, &user, false).await
}

/// Returns what the secret invites to, unless whoever has invited may not give these roles any more.
async fn good_invitation(
    cx: &Cx,
    head: &RequestHead<'_>,
    token: &SecretString,
) -> Result<Invitation, Error> {
    let found = invitations(cx)?
        .find_invitation(token.expose_secret(), head)
        .await?;
    let Some(by) = &found.created_by else {
        return Ok(found);
    };
    let access = cx.access()?;
    let no_longer = || {
        Error::invalid_field(
            "token",
            "whoever sent this invitation cannot invite any more",
        )
    };
    let inviter = access.users.find(by).await?.ok_or_else(no_longer)?;
    let authority = cx.authority_of(inviter).await?;
    if !authority.allows(&p::ACCESS_WRITE, cx.now()) {
        return Err(no_longer());
    }
    for role in &found.roles {
        let patterns = access.roles.role_permissions(role).await?;
        let patterns = patterns.ok_or_else(no_longer)?;
        if patterns.iter().any(|pattern| !authority.includes(pattern)) {
            return Err(no_longer());
        }
    }
    Ok(found)
}

/// Returns who looks after credentials.
fn manager(cx: &Cx) -> Result<&dyn CredentialsManager, Error> {
    let credentials = cx.licensed().and_then(|licensed| licensed.credentials());
    let manager = credentials.and_then(|credentials| credentials.manager());
    manager.ok_or_else(|| not_configured("Accounts with passwords not configured"))
}

/// Returns who brings people in.
pub(crate) fn invitations(cx: &Cx) -> Result<&dyn InvitationManager, Error> {
    let credentials = cx.licensed().and_then(|licensed| licensed.credentials());
    let invitations = credentials.and_then(|credentials| credentials.invitations());
    invitations.ok_or_else(|| not_configured("Invitations not configured"))
}

/// Returns who asks. Only a session stands for a person who is there himself: no key and no token changes credentials.
fn myself(cx: &Cx) -> Result<&Arc<User>, Error> {
    let identity = cx.identity();
    let there =
        identity.filter(|identity| identity.session.is_some() && identity.limits.is_empty());
    match there {
        Some(identity) => Ok(&identity.user),
        None => Err(Error::new(
            ErrorKind::Forbidden,
            "this is for people who are signed in themselves",
        )),
    }
}

/// Begins a session like the one before for whoever has just changed his credentials.
async fn resume(
    cx: &Cx,
    head: &RequestHead<'_>,
    user: &Arc<User>,
) -> Result<Reply<SignedIn>, Error> {
    let session = cx.identity().and_then(|identity| identity.session.as_ref());
    let is_remembered = session.is_some_and(|session| session.is_remembered);
    start_session(cx, head, user, is_remembered).await
}

/// Names who acted where the request itself does not show it.
fn by(user: &User) -> AuditNote {
    let mut actor = AuditActor::new(ActorType::User, user.id.as_str());
    actor.email.clone_from(&user.email);
    AuditNote {
        actor: Some(actor),
        ..AuditNote::default()
    }
}
