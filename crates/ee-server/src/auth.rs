//! Who am I, sign-in, sign-out.

use std::sync::Arc;

use ee_core::{
    ActorType, AuditActor, Capabilities, CredentialsProvider, Error, ErrorKind, Licensed,
    NewSession, PermissionPattern, PublicCapabilities, RequestHead, RoleId, SessionProvider,
    SignIn, User, UserCard, permission_patterns,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AuditNote, Cx, Reply, Server, device};

const MAX_EMAIL_BYTES: usize = 320;
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Body of a sign-in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct SignInBody {
    /// E-mail address.
    pub email: String,
    /// Password, or the access token with Simple auth.
    pub password: String,
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
    pub password: String,
    /// Name for people.
    pub name: Option<String>,
}

/// Who signed in.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SignedIn {
    /// The user.
    pub user: UserCard,
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
    /// What they permit.
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
    let permissions = rbac.permissions(&identity.user).await?.patterns().to_vec();
    Ok(Some(Me {
        user,
        roles: Some(rbac.roles(&identity.user).await?),
        permissions: Some(permissions),
    }))
}

/// `POST /auth/credentials/sign-in` and `POST /auth/login`.
pub async fn sign_in(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &SignInBody,
) -> Result<Reply<SignedIn>, SignInError> {
    let done = async {
        let credentials = credentials(cx, &body.email, &body.password)?;
        match credentials
            .sign_in(&body.email, &body.password, head)
            .await?
        {
            SignIn::Success(user) => {
                let mut reply = start_session(cx, head, &user, body.remember).await?;
                let device = credentials.device_cookie(&user.id).await?;
                reply.cookies.extend(device);
                Ok(reply)
            }
            _ => Err(Error::new(
                ErrorKind::Unauthenticated,
                "Invalid email or password",
            )),
        }
    };
    done.await
        .map_err(|error| SignInError::new(error, &body.email))
}

/// `POST /auth/credentials/sign-up` and `POST /auth/signup`.
pub async fn sign_up(
    cx: &Cx,
    head: &RequestHead<'_>,
    body: &SignUpBody,
) -> Result<Reply<SignedIn>, SignInError> {
    let done = async {
        let credentials = credentials(cx, &body.email, &body.password)?;
        let user = if credentials.sign_up_enabled() {
            let name = body.name.as_deref();
            credentials
                .sign_up(&body.email, &body.password, name, head)
                .await?
        } else {
            None
        };
        let user =
            user.ok_or_else(|| Error::new(ErrorKind::Invalid, "Failed to create account"))?;
        start_session(cx, head, &user, false).await
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
    let session = sessions.create(new).await?;
    let mut actor = AuditActor::new(ActorType::User, user.id.as_str());
    actor.email.clone_from(&user.email);
    let note = AuditNote {
        actor: Some(actor),
        ..AuditNote::default()
    };
    let body = SignedIn {
        user: UserCard::from(user.as_ref()),
    };
    Ok(Reply::new(body)
        .cookies(sessions.headers(&session))
        .noted(note))
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
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
        return Err(Error::invalid_field(
            "password",
            format!("must have 1 to {MAX_PASSWORD_BYTES} bytes"),
        ));
    }
    Ok(())
}
