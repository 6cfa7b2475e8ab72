//! What the sign-in page and the pages behind it may show.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tracing::warn;

use crate::{
    CredentialsProvider, Error, Identity, Licensed, PermissionPattern, RbacProvider, RoleCard,
    RoleId, SsoLogin, UserCard,
};

/// Which abilities there are (`CapabilityFlags`, phase 2).
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
pub struct CapabilityFlags {
    /// Users can be found by id.
    pub user: bool,
    /// There are sessions.
    pub session: bool,
    /// There is single sign-on.
    pub sso: bool,
    /// There are roles.
    pub rbac: bool,
    /// There are grants on single things.
    pub acl: bool,
    /// Fine-grained authorization: a name of the wire for something that this server has as `acl`; always off.
    pub fga: bool,
}

impl CapabilityFlags {
    /// Turns abilities into flags: the only place that does.
    pub fn detect(auth: &Licensed<'_>) -> Self {
        Self {
            user: auth.users().is_some(),
            session: auth.sessions().is_some(),
            sso: auth.sso().is_some(),
            rbac: auth.rbac().is_some(),
            acl: auth.acl().is_some(),
            fga: false,
        }
    }
}

/// Which ways to sign in there are.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginType {
    /// Single sign-on and credentials.
    Both,
    /// E-mail address and password.
    Credentials,
    /// Single sign-on.
    Sso,
}

/// The single sign-on button.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SsoButton {
    /// How it looks.
    #[serde(flatten)]
    pub login: SsoLogin,
    /// Where it leads.
    pub url: String,
}

/// How people sign in.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// Which ways there are.
    #[serde(rename = "type")]
    pub kind: LoginType,
    /// Whether people may create accounts; absent for single sign-on alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_up_enabled: Option<bool>,
    /// A sentence for the sign-in page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The single sign-on button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sso: Option<SsoButton>,
}

/// What anybody may know (`PublicAuthCapabilities`, phase 2).
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PublicCapabilities {
    /// Whether there is authentication at all.
    pub enabled: bool,
    /// How people sign in; `null` when they cannot.
    pub login: Option<Login>,
}

impl PublicCapabilities {
    /// A server without authentication.
    pub const fn disabled() -> Self {
        Self {
            enabled: false,
            login: None,
        }
    }

    /// Describes the ways to sign in. `api_prefix` is the path that the API stands under, such as `/api`.
    pub fn detect(auth: &Licensed<'_>, api_prefix: &str) -> Self {
        let credentials = auth.credentials();
        let sso = auth.sso().map(|sso| SsoButton {
            login: sso.login_button(),
            url: format!("{}/auth/sso/login", api_prefix.trim_end_matches('/')),
        });
        let kind = match (&sso, &credentials) {
            (Some(_), Some(_)) => LoginType::Both,
            (Some(_), None) => LoginType::Sso,
            (None, Some(_)) => LoginType::Credentials,
            (None, None) => {
                return Self {
                    enabled: true,
                    login: None,
                };
            }
        };
        let login = Login {
            kind,
            sign_up_enabled: credentials.map(CredentialsProvider::sign_up_enabled),
            description: sso.as_ref().and_then(|sso| sso.login.description.clone()),
            sso,
        };
        Self {
            enabled: true,
            login: Some(login),
        }
    }
}

/// What a user may do.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Access {
    /// His roles.
    pub roles: Vec<RoleId>,
    /// What they permit, within whatever narrows him down here.
    pub permissions: Vec<PermissionPattern>,
}

impl Access {
    /// Describes what somebody may do here. Nothing is shown that would not be decided so.
    pub async fn of(rbac: &dyn RbacProvider, identity: &Identity) -> Result<Self, Error> {
        let held = rbac.permissions(&identity.user).await?;
        let roles = match &identity.previewed {
            Some(role) => vec![role.clone()],
            None => rbac.roles(&identity.user).await?,
        };
        Ok(Self {
            roles,
            permissions: identity.permitted(&held),
        })
    }
}

/// What somebody who is signed in may know (`AuthenticatedCapabilities`, phase 2).
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatedCapabilities {
    /// What anybody may know.
    #[serde(flatten)]
    pub public: PublicCapabilities,
    /// Who he is.
    pub user: UserCard,
    /// Which abilities there are.
    pub capabilities: CapabilityFlags,
    /// What he may do; `null` when there are no roles or they cannot be read.
    pub access: Option<Access>,
    /// Roles that he may preview; for those who may do everything here.
    #[serde(serialize_with = "shared", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<RoleCard>>")]
    pub available_roles: Option<Arc<[RoleCard]>>,
}

/// The answer to `GET /api/auth/capabilities` (`buildCapabilities`, phase 2).
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Capabilities {
    /// For somebody who is signed in.
    Authenticated(Box<AuthenticatedCapabilities>),
    /// For anybody.
    Public(PublicCapabilities),
}

impl Capabilities {
    /// Describes the server to the caller.
    pub async fn detect(
        auth: &Licensed<'_>,
        identity: Option<&Identity>,
        api_prefix: &str,
    ) -> Self {
        let public = PublicCapabilities::detect(auth, api_prefix);
        // Without a licence the page cannot use anything of what follows.
        let Some(identity) = identity.filter(|_| public.login.is_some() || auth.rbac().is_some())
        else {
            return Self::Public(public);
        };
        let (access, available_roles) = match access(auth, identity).await {
            Ok(found) => found,
            Err(err) => {
                warn!(user.id = %identity.user.id, error.kind = err.kind().code(), "cannot read the roles of `{}`", identity.user.id);
                (None, None)
            }
        };
        Self::Authenticated(Box::new(AuthenticatedCapabilities {
            public,
            user: UserCard::from(identity.user.as_ref()),
            capabilities: CapabilityFlags::detect(auth),
            access,
            available_roles,
        }))
    }
}

async fn access(
    auth: &Licensed<'_>,
    identity: &Identity,
) -> Result<(Option<Access>, Option<Arc<[RoleCard]>>), Error> {
    let Some(rbac) = auth.rbac() else {
        return Ok((None, None));
    };
    let access = Access::of(rbac, identity).await?;
    let mut permissions = access.permissions.iter();
    let may_preview =
        identity.limits.is_empty() && permissions.any(PermissionPattern::is_full_wildcard);
    let available = if may_preview {
        rbac.lesser_roles().await?
    } else {
        None
    };
    Ok((Some(access), available))
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn shared<S: Serializer>(roles: &Option<Arc<[RoleCard]>>, to: S) -> Result<S::Ok, S::Error> {
    roles.as_deref().serialize(to)
}
