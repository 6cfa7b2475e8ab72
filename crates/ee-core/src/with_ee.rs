//! Composes a provider with enterprise abilities, behind the licence.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    AclProvider, AuditLogger, AuthProvider, Authority, Caller, CredentialsProvider, Error,
    ErrorKind, Feature, FeatureSet, Identity, KeyProvider, LicenseGate, RbacProvider, RequestHead,
    RolesMark, SessionProvider, SsoProvider, User, UserProvider,
};

/// Wraps a provider (`withEE`, phase 2). Without [`WithEe::license`] nothing but an exempt provider has abilities.
pub fn with_ee(base: impl AuthProvider) -> WithEe {
    with_ee_shared(Arc::new(base))
}

/// Wraps a provider that is shared already.
pub fn with_ee_shared(base: Arc<dyn AuthProvider>) -> WithEe {
    let name = format!("{}-ee", base.name());
    WithEe {
        auth: EeAuthProvider {
            base,
            name,
            license: None,
            exempt_development: false,
            users: None,
            sessions: None,
            sso: None,
            credentials: None,
            rbac: None,
            acl: None,
            audit: None,
            keys: None,
        },
    }
}

/// Collects the options (`WithEEOptions`, phase 2). An option wins over what the base offers.
#[derive(Debug)]
#[must_use = "call `build`"]
pub struct WithEe {
    auth: EeAuthProvider,
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ident,)*) => {
        $($(#[$doc])*
        pub fn $name(mut self, part: Arc<dyn $type>) -> Self {
            self.auth.$name = Some(part);
            self
        })*
    };
}

impl WithEe {
    options! {
        /// Finds users by id.
        users: UserProvider,
        /// Keeps browsers signed in.
        sessions: SessionProvider,
        /// Signs people in at an identity provider.
        sso: SsoProvider,
        /// Signs people in with a password.
        credentials: CredentialsProvider,
        /// Tells what people may do.
        rbac: RbacProvider,
        /// Tells what people may do with single things.
        acl: AclProvider,
        /// Writes the record.
        audit: AuditLogger,
        /// Finds out whose API key a request shows.
        keys: KeyProvider,
    }

    /// The licence that decides which abilities are seen.
    pub fn license(mut self, gate: Arc<LicenseGate>) -> Self {
        self.auth.license = Some(gate);
        self
    }

    /// Needs no licence: for local development, which is a loopback listener outside production.
    pub fn exempt_local_development(mut self) -> Self {
        self.auth.exempt_development = true;
        self
    }

    /// Finishes.
    pub fn build(self) -> EeAuthProvider {
        self.auth
    }
}

/// A provider with enterprise abilities (`EEAuthProvider`, phase 2).
#[derive(Debug)]
pub struct EeAuthProvider {
    base: Arc<dyn AuthProvider>,
    name: String,
    license: Option<Arc<LicenseGate>>,
    exempt_development: bool,
    users: Option<Arc<dyn UserProvider>>,
    sessions: Option<Arc<dyn SessionProvider>>,
    sso: Option<Arc<dyn SsoProvider>>,
    credentials: Option<Arc<dyn CredentialsProvider>>,
    rbac: Option<Arc<dyn RbacProvider>>,
    acl: Option<Arc<dyn AclProvider>>,
    audit: Option<Arc<dyn AuditLogger>>,
    keys: Option<Arc<dyn KeyProvider>>,
}

impl EeAuthProvider {
    /// Looks through the licence as it is at `now`.
    pub fn at(&self, now: Timestamp) -> Licensed<'_> {
        let features = if self.license_exempt() {
            FeatureSet::ALL
        } else {
            self.license
                .as_ref()
                .map_or(FeatureSet::NONE, |gate| gate.features_at(now))
        };
        Licensed {
            auth: self,
            features,
        }
    }

    /// Finds out who is calling: first by the provider's own credentials, then by the session
    /// (`getCurrentUser`, phase 2).
    ///
    /// Explicit credentials decide alone: who shows a wrong token is not saved by a cookie.
    pub async fn identify(&self, now: Timestamp, head: &RequestHead<'_>) -> Result<Caller, Error> {
        self.at(now).identify(head).await
    }

    fn now_licensed(&self) -> Licensed<'_> {
        let features = match &self.license {
            _ if self.license_exempt() => FeatureSet::ALL,
            Some(gate) => gate.features(),
            None => FeatureSet::NONE,
        };
        Licensed {
            auth: self,
            features,
        }
    }
}

#[async_trait]
impl AuthProvider for EeAuthProvider {
    fn name(&self) -> &str {
        &self.name
    }

    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        self.base.authenticate(head).await
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        self.now_licensed().users()
    }

    fn sessions(&self) -> Option<&dyn SessionProvider> {
        self.now_licensed().sessions()
    }

    fn sso(&self) -> Option<&dyn SsoProvider> {
        self.now_licensed().sso()
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        self.now_licensed().credentials()
    }

    fn rbac(&self) -> Option<&dyn RbacProvider> {
        self.now_licensed().rbac()
    }

    fn acl(&self) -> Option<&dyn AclProvider> {
        self.now_licensed().acl()
    }

    fn audit(&self) -> Option<&dyn AuditLogger> {
        self.now_licensed().audit()
    }

    fn license_exempt(&self) -> bool {
        self.exempt_development || self.base.license_exempt()
    }
}

/// The abilities that the licence lets through at one moment. Handlers and pages see nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Licensed<'a> {
    auth: &'a EeAuthProvider,
    features: FeatureSet,
}

macro_rules! abilities {
    ($($(#[$doc:meta])* $name:ident: $type:ident by $feature:ident,)*) => {
        $($(#[$doc])*
        pub fn $name(&self) -> Option<&'a dyn $type> {
            self.gate(Feature::$feature, self.auth.$name.as_deref().or_else(|| self.auth.base.$name()))
        })*
    };
}

impl<'a> Licensed<'a> {
    abilities! {
        /// Finds users by id.
        users: UserProvider by User,
        /// Keeps browsers signed in.
        sessions: SessionProvider by Session,
        /// Signs people in at an identity provider.
        sso: SsoProvider by Sso,
        /// Signs people in with a password.
        credentials: CredentialsProvider by User,
        /// Tells what people may do.
        rbac: RbacProvider by Rbac,
        /// Tells what people may do with single things.
        acl: AclProvider by Acl,
    }

    /// Writes the record. No licence is asked: the record never stops.
    pub fn audit(&self) -> Option<&'a dyn AuditLogger> {
        self.auth
            .audit
            .as_deref()
            .or_else(|| self.auth.base.audit())
    }

    /// Returns what the licence, or the exemption from it, lets through.
    pub const fn features(&self) -> FeatureSet {
        self.features
    }

    /// Returns what somebody may do: what his roles permit, or everything when there are no roles at all, the grants on
    /// single things, and what narrows him down.
    ///
    /// Fails with [`ErrorKind::Unlicensed`] when roles or grants are configured and the licence does not cover them:
    /// what was protected stays closed.
    pub async fn authority(&self, identity: &Identity) -> Result<Authority, Error> {
        let user = &identity.user;
        let has_roles = self.auth.rbac.is_some() || self.auth.base.rbac().is_some();
        let mut authority = match self.rbac() {
            Some(rbac) => Authority::set(rbac.permissions(user).await?),
            None if has_roles => return Err(uncovered("roles", Feature::Rbac)),
            None => Authority::everything(),
        };
        let has_grants = self.auth.acl.is_some() || self.auth.base.acl().is_some();
        match self.acl() {
            Some(acl) => {
                if let Some(grants) = acl.grants(user).await? {
                    authority = authority.with_grants(grants);
                }
            }
            // A grant that forbids must not be forgotten.
            None if has_grants => return Err(uncovered("grants", Feature::Acl)),
            None => {}
        }
        Ok(identity.limits.iter().fold(authority, |authority, limit| {
            authority.within(Arc::clone(limit))
        }))
    }

    /// Returns the mark of the roles that somebody has, `None` where there are no roles.
    pub async fn roles_mark(&self, user: &User) -> Result<Option<RolesMark>, Error> {
        let Some(rbac) = self.rbac() else {
            return Ok(None);
        };
        if let Some(known) = rbac.known_mark(user) {
            return Ok(Some(known));
        }
        let roles = rbac.roles(user).await?;
        Ok(Some(RolesMark::of(&roles)))
    }

    /// See [`EeAuthProvider::identify`].
    pub async fn identify(&self, head: &RequestHead<'_>) -> Result<Caller, Error> {
        if let Some(keys) = self.gate(Feature::User, self.auth.keys.as_deref()) {
            match keys.identify(head).await {
                Ok(Some(identity)) => return Ok(Caller::Known(identity)),
                Ok(None) => {}
                Err(err) if err.kind() == ErrorKind::Unauthenticated => return Ok(Caller::Refused),
                Err(err) => return Err(err),
            }
        }
        match self.auth.base.authenticate(head).await {
            Ok(Some(user)) => {
                return Ok(Caller::Known(Identity::of(user)));
            }
            Ok(None) if head.headers.contains_key(http::header::AUTHORIZATION) => {
                return Ok(Caller::Refused);
            }
            Ok(None) => {}
            Err(err) if err.kind() == ErrorKind::Unauthenticated => return Ok(Caller::Refused),
            Err(err) => return Err(err),
        }
        let (Some(sessions), Some(users)) = (self.sessions(), self.users()) else {
            return Ok(Caller::Anonymous);
        };
        let id = match sessions.id_from_request(head) {
            Ok(Some(id)) => id,
            Ok(None) => return Ok(Caller::Anonymous),
            Err(err) if err.kind() == ErrorKind::Unauthenticated => {
                return Ok(Caller::StaleSession);
            }
            Err(err) => return Err(err),
        };
        let session = match head.session {
            Some(known) => sessions.follow(known).await?,
            None if head.is_repeated => sessions.peek(&id).await?,
            None => sessions.validate(&id).await?,
        };
        let Some(session) = session else {
            return Ok(Caller::StaleSession);
        };
        let Some(user) = users.find(&session.user_id).await? else {
            return Ok(Caller::StaleSession);
        };
        if session.credential_version != user.credential_version {
            return Ok(Caller::StaleSession);
        }
        let mut identity = Identity::of(user);
        identity.session = Some(session);
        Ok(Caller::Known(identity))
    }

    /// The one place where the licence decides about an ability.
    fn gate<T: ?Sized>(&self, feature: Feature, part: Option<&'a T>) -> Option<&'a T> {
        part.filter(|_| self.features.contains(feature))
    }
}

fn uncovered(what: &str, feature: Feature) -> Error {
    let message = format!("{what} are configured and the licence does not cover `{feature}`");
    Error::new(ErrorKind::Unlicensed, message)
}
