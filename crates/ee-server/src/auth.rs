//! Who am I, sign-in, sign-out.

use std::sync::Arc;

use ee_core::{
    Access, ActorType, AuditActor, Capabilities, CredentialsProvider, Error, ErrorKind,
    FactorMethod, Licensed, NewSession, PermissionPattern, PublicCapabilities, RequestHead, RoleId,
    RolesMark, SessionProvider, SignIn, SignUp, User, UserCard, permission_patterns,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{AuditNote, Cx, Reply, Server, ShownOnce, device};

const MAX_EMAIL_BYTES: usize = 320;
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Body of a sign-in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct SignInBody {
    /// E-mail address.
    pub email: String,
    /// Password, or the access token with Simple auth.
    #[schemars(with = "String")]
    pub password: SecretString,
    /// Whether to stay signed in for longer.
    #[serde(default)]
    pub remember: bool,
}

/// Body of a sign-up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct SignUpBody {
    /// E-mail address.
    pub email: String,
    /// Password.
    #[schemars(with = "String")]
    pub password: SecretString,
    /// Name for people.
    pub name: Option<String>,
}

/// Who signed in.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SignedIn {
    /// The user.
    pub user: UserCard,
}

/// Body of `POST /auth/credentials/second-factor`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct SecondFactorBody {
    /// What the sign-in has answered.
    #[schemars(with = "String")]
    pub token: SecretString,
    /// What the authenticator shows, or a recovery code.
    #[schemars(with = "String")]
    pub code: SecretString,
    /// Whether to stay signed in for longer.
    #[serde(default)]
    pub remember: bool,
}

/// How far a sign-in or sign-up has come.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum SignInStep {
    /// To its end.
    Done(SignedIn),
    /// A letter was sent; its link goes on.
    #[serde(rename_all = "camelCase")]
    ConfirmEmail {
        /// Always true.
        confirm_email: bool,
    },
    /// The password was right and does not suffice.
    #[serde(rename_all = "camelCase")]
    SecondFactor {
        /// What goes on with `POST /auth/credentials/second-factor`.
        second_factor: SecondFactorView,
    },
}

/// A sign-in that waits for the second factor.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorView {
    /// When it is too late.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// What may be shown.
    pub methods: Vec<FactorMethod>,
    /// The secret that continues this sign-in. It is no session.
    #[schemars(with = "String")]
    pub token: ShownOnce,
}

/// Who is calling, with roles and permissions where there are roles.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Me {
    /// The user.
    #[serde(flatten)]
    pub user: UserCard,
    /// His roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleId>>,
    /// What they permit, within whatever narrows him down here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<PermissionPattern>>,
}

/// The end of a session.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedOut {
    /// Always true.
    pub success: bool,
    /// Where the identity provider ends its own session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_to: Option<String>,
}

/// A prolonged session.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Refreshed {
    /// Always true.
    pub success: bool,
}

/// What a role permits.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolePermissions {
    /// The role.
    pub role_id: RoleId,
    /// What it permits; empty for an unknown role.
    pub permissions: Vec<PermissionPattern>,
}

/// Every pattern that a role may hold.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Patterns {
    /// The patterns.
    pub patterns: &'static [&'static str],
}

/// `GET /auth/capabilities`: what the sign-in page and the pages behind it may show.
pub async fn capabilities(cx: &Cx) -> Result<Capabilities, Error> {
    Ok(match cx.licensed() {
        Some(licensed) => Capabilities::detect(&licensed, cx.identity(), Server::API_PREFIX).await,
        None => Capabilities::Public(PublicCapabilities::disabled()),
    })
}

/// `GET /auth/me`: who is calling; `null` for nobody.
pub async fn me(cx: &Cx) -> Result<Option<Me>, Error> {
    let Some(identity) = cx.identity() else {
        return Ok(None);
    };
    let user = UserCard::from(identity.user.as_ref());
    let rbac = cx.licensed().and_then(|licensed| licensed.rbac());
    let Some(rbac) = rbac else {
        return Ok(Some(Me {
            user,
            roles: None,
            permissions: None,
        }));
    };
    let access = Access::of(rbac, identity).await?;
    Ok(Some(Me {
        user,
        roles: Some(access.roles),
        permissions: Some(access.permissions),
    }))
}

/// `POST /auth/credentials/sign-in` and `POST /auth/login`.
pub async fn sign_in(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &SignInBody,
) -> Result<Reply<SignInStep>, SignInError> {
    let done = async {
        let password = body.password.expose_secret();
        let credentials = credentials(cx, &body.email, password)?;
        let end = credentials.sign_in(&body.email, password, head).await?;
        finish(cx, head, end, body.remember).await
    };
    let reply = done
        .await
        .map_err(|error| SignInError::new(error, &body.email))?;
    Ok(match reply.body {
        // The record shall know for whom it waits.
        SignInStep::SecondFactor { .. } => {
            let mut note = attempt(&body.email);
            note.failure = Some("waits for the second factor".to_owned());
            reply.noted(note)
        }
        _ => reply,
    })
}

/// `POST /auth/credentials/second-factor`: the end of a sign-in.
pub async fn second_factor(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &SecondFactorBody,
) -> Result<Reply<SignInStep>, Error> {
    let credentials = cx.licensed().and_then(|licensed| licensed.credentials());
    let credentials =
        credentials.ok_or_else(|| not_configured("Credentials authentication not configured"))?;
    let (token, code) = (body.token.expose_secret(), body.code.expose_secret());
    let end = credentials.second_factor(token, code, head).await?;
    match end {
        SignIn::Refused => Err(Error::new(
            ErrorKind::Unauthenticated,
            "The code is wrong, or the sign-in took too long",
        )),
        end => finish(cx, head, end, body.remember).await,
    }
}

/// Does what the end of a sign-in asks for.
async fn finish(
    cx: &Cx,
    head: &RequestHead<'_>,
    end: SignIn,
    is_remembered: bool,
) -> Result<Reply<SignInStep>, Error> {
    match end {
        SignIn::Success(user) => {
            let reply = start_session(cx, head, &user, is_remembered).await?;
            Ok(reply.map(SignInStep::Done))
        }
        SignIn::SecondFactor(factor) => {
            let second_factor = SecondFactorView {
                expires_at: factor.expires_at,
                methods: factor.methods.clone(),
                token: ShownOnce(factor.expose_token().into()),
            };
            Ok(Reply::new(SignInStep::SecondFactor { second_factor }))
        }
        _ => Err(Error::new(
            ErrorKind::Unauthenticated,
            "Invalid email or password",
        )),
    }
}

/// `POST /auth/credentials/sign-up` and `POST /auth/signup`.
pub async fn sign_up(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &SignUpBody,
) -> Result<Reply<SignInStep>, SignInError> {
    let done = async {
        let password = body.password.expose_secret();
        let credentials = credentials(cx, &body.email, password)?;
        let end = if credentials.sign_up_enabled() {
            let name = body.name.as_deref();
            credentials
                .sign_up(&body.email, password, name, head)
                .await?
        } else {
            SignUp::Refused
        };
        match end {
            SignUp::Created(user) => {
                let reply = start_session(cx, head, &user, false).await?;
                Ok(reply.map(SignInStep::Done))
            }
            SignUp::ConfirmEmail => {
                let step = SignInStep::ConfirmEmail {
                    confirm_email: true,
                };
                Ok(Reply::new(step).noted(attempt(&body.email)))
            }
            SignUp::Refused => Err(Error::new(ErrorKind::Invalid, "Failed to create account")),
        }
    };
    done.await
        .map_err(|error| SignInError::new(error, &body.email))
}

/// Returns who judges credentials of a sensible size.
fn credentials<'a>(
    cx: &'a Cx,
    email: &str,
    password: &str,
) -> Result<&'a dyn CredentialsProvider, Error> {
    let credentials = cx.licensed().and_then(|licensed| licensed.credentials());
    let credentials =
        credentials.ok_or_else(|| not_configured("Credentials authentication not configured"))?;
    check_sizes(email, password)?;
    Ok(credentials)
}

/// A sign-in that failed, with what the record shall know of it.
#[derive(Debug)]
pub struct SignInError {
    /// Why.
    pub error: Error,
    /// Who it was tried for.
    pub note: AuditNote,
}

impl SignInError {
    fn new(error: Error, email: &str) -> Self {
        Self {
            error,
            note: attempt(email),
        }
    }
}

/// `POST /auth/logout`: ends the session for good and makes the browser forget it.
pub async fn logout(cx: &Cx, head: &RequestHead<'_>) -> Result<Reply<LoggedOut>, Error> {
    let licensed = cx.licensed();
    let sessions = sessions(licensed.as_ref(), "Logout not configured")?;
    end_shown_session(sessions, head).await?;
    let mut redirect_to = None;
    if let Some(sso) = licensed.and_then(|licensed| licensed.sso()) {
        redirect_to = sso.logout_url(&cx.server().origins.public, head).await?;
    }
    let body = LoggedOut {
        success: true,
        redirect_to,
    };
    Ok(Reply::new(body).cookies(sessions.clear_headers()))
}

/// `POST /auth/refresh`: prolongs the session.
pub async fn refresh(cx: &Cx, head: &RequestHead<'_>) -> Result<Reply<Refreshed>, Error> {
    let licensed = cx.licensed();
    let sessions = sessions(licensed.as_ref(), "Session refresh not configured")?;
    let unauthenticated = |text: &'static str| Error::new(ErrorKind::Unauthenticated, text);
    let id = sessions
        .id_from_request(head)?
        .ok_or_else(|| unauthenticated("No session"))?;
    // A session that opens nothing, such as that of a disabled account, is not prolonged either.
    if cx.identity().is_none() {
        return Err(unauthenticated("Session expired"));
    }
    let session = sessions
        .refresh(&id)
        .await?
        .ok_or_else(|| unauthenticated("Session expired"))?;
    Ok(Reply::new(Refreshed { success: true }).cookies(sessions.headers(&session)))
}

/// `GET /auth/roles/:roleId/permissions`: for those who may do everything, since it shows what others may do.
pub async fn role_permissions(cx: &Cx, role_id: RoleId) -> Result<RolePermissions, Error> {
    if !cx.has_full_wildcard() {
        return Err(Error::new(ErrorKind::Forbidden, "Admin access required"));
    }
    let Some(rbac) = cx.licensed().and_then(|licensed| licensed.rbac()) else {
        return Err(not_configured("Roles not configured"));
    };
    let permissions = rbac.role_permissions(&role_id).await?.unwrap_or_default();
    Ok(RolePermissions {
        role_id,
        permissions,
    })
}

/// `GET /auth/permission-patterns`.
pub fn patterns() -> Patterns {
    Patterns {
        patterns: permission_patterns(),
    }
}

/// Starts a session under a fresh id; the one that the browser had before ends (session fixation).
pub(crate) async fn start_session(
    cx: &Cx,
    head: &RequestHead<'_>,
    user: &Arc<User>,
    is_remembered: bool,
) -> Result<Reply<SignedIn>, Error> {
    let licensed = cx.licensed();
    let sessions = sessions(licensed.as_ref(), "Sessions not configured")?;
    end_shown_session(sessions, head).await?;
    let mut new = NewSession::of(user);
    new.address = cx.client_ip();
    new.device = head.user_agent().map(device::name);
    new.is_remembered = is_remembered;
    new.roles_mark = roles_mark(licensed.as_ref(), user).await?;
    let session = sessions.create(new).await?;
    let device = match licensed.and_then(|licensed| licensed.credentials()) {
        Some(credentials) => credentials.device_cookie(&user.id).await?,
        None => None,
    };
    let mut actor = AuditActor::new(ActorType::User, user.id.as_str());
    actor.email.clone_from(&user.email);
    let note = AuditNote {
        actor: Some(actor),
        ..AuditNote::default()
    };
    let body = SignedIn {
        user: UserCard::from(user.as_ref()),
    };
    let mut cookies = sessions.headers(&session);
    cookies.extend(device);
    Ok(Reply::new(body).cookies(cookies).noted(note))
}

/// Returns the mark of the roles that somebody has who comes by a session.
async fn roles_mark(
    licensed: Option<&Licensed<'_>>,
    user: &Arc<User>,
) -> Result<Option<RolesMark>, Error> {
    let Some(licensed) = licensed else {
        return Ok(None);
    };
    // What a provider says at the sign-in need not be what it says of him afterwards.
    let found = match licensed.users() {
        Some(users) => users.find(&user.id).await?,
        None => None,
    };
    licensed.roles_mark(found.as_ref().unwrap_or(user)).await
}

async fn end_shown_session(
    sessions: &dyn SessionProvider,
    head: &RequestHead<'_>,
) -> Result<(), Error> {
    match sessions.id_from_request(head) {
        Ok(Some(id)) => sessions.destroy(&id).await,
        // A malformed cookie names no session that could be ended.
        Ok(None) | Err(_) => Ok(()),
    }
}

fn sessions<'a>(
    licensed: Option<&Licensed<'a>>,
    message: &'static str,
) -> Result<&'a dyn SessionProvider, Error> {
    licensed
        .and_then(Licensed::sessions)
        .ok_or_else(|| not_configured(message))
}

pub(crate) fn not_configured(message: &'static str) -> Error {
    Error::new(ErrorKind::NotFound, message)
}

/// Notes for whom a sign-in was tried. What is no address may be a password in the wrong field.
fn attempt(email: &str) -> AuditNote {
    let is_address = email.len() <= MAX_EMAIL_BYTES && email.contains('@');
    if is_address {
        AuditNote::default().with("email", email)
    } else {
        AuditNote::default()
    }
}

fn check_sizes(email: &str, password: &str) -> Result<(), Error> {
    if email.len() > MAX_EMAIL_BYTES {
        return Err(Error::invalid_field(
            "email",
            format!("must not be longer than {MAX_EMAIL_BYTES} bytes"),
        ));
    }
    check_password_size("password", password)
}

/// Fails with [`ErrorKind::Invalid`] for the field. How good a password is others judge.
pub(crate) fn check_password_size(field: &str, password: &str) -> Result<(), Error> {
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
        let message = format!("must have 1 to {MAX_PASSWORD_BYTES} bytes");
        return Err(Error::invalid_field(field, message));
    }
    Ok(())
}
