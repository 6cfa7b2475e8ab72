//! Providers of which each test chooses what they can do.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use ee_core::{
    AclProvider, AuditEvent, AuditLogger, AuthProvider, CredentialsProvider, Error, ErrorKind,
    LicenseGate, LicenseInfo, LicenseStatus, NewSession, PermissionPattern, PermissionSet,
    RbacProvider, RequestHead, ResourceRef, RoleCard, RoleId, RoleSet, ServerCookie, Session,
    SessionId, SessionProvider, SignIn, SignUp, SsoCallback, SsoLogin, SsoProvider, SsoStart, User,
    UserId, UserProvider,
};
use ee_testkit::TestClock;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};

/// Runs a future that never waits.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in these tests waits"),
    }
}

pub(crate) fn now() -> Timestamp {
    ee_core::Clock::now(&TestClock::default())
}

/// A gate that always gives the same verdict.
pub(crate) fn gate(info: &LicenseInfo) -> Arc<LicenseGate> {
    let info = info.clone();
    let read = move || LicenseStatus::of_key(info.clone());
    Arc::new(LicenseGate::new(Arc::new(TestClock::default()), read))
}

pub(crate) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    map
}

/// What [`Stub`] can be told to have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ability {
    Acl,
    Audit,
    Credentials,
    Rbac,
    Sessions,
    SignUp,
    Sso,
    Users,
}

/// Every ability of [`Stub`] that is a part of its own.
pub(crate) const ALL: [Ability; 7] = [
    Ability::Users,
    Ability::Sessions,
    Ability::Sso,
    Ability::Credentials,
    Ability::Rbac,
    Ability::Acl,
    Ability::Audit,
];

/// Which parts there are, in the order of [`ALL`].
pub(crate) fn parts(auth: &dyn AuthProvider) -> [bool; 7] {
    [
        auth.users().is_some(),
        auth.sessions().is_some(),
        auth.sso().is_some(),
        auth.credentials().is_some(),
        auth.rbac().is_some(),
        auth.acl().is_some(),
        auth.audit().is_some(),
    ]
}

/// A provider with chosen abilities. It knows the user of its own name, by the bearer token of its
/// own name, by the password of its own name and by the session `good`.
#[derive(Debug)]
pub(crate) struct Stub {
    pub(crate) abilities: Vec<Ability>,
    pub(crate) events: AtomicUsize,
    pub(crate) exempt: bool,
    pub(crate) fails: Option<ErrorKind>,
    pub(crate) knows: UserId,
    pub(crate) name: &'static str,
    pub(crate) rbac: Roles,
    pub(crate) sso: SsoLogin,
}

impl Stub {
    pub(crate) fn new(name: &'static str, abilities: &[Ability]) -> Self {
        Self {
            abilities: abilities.to_vec(),
            events: AtomicUsize::new(0),
            exempt: false,
            fails: None,
            knows: name.parse().unwrap(),
            name,
            rbac: Roles::default(),
            sso: SsoLogin::new(name, "Sign in"),
        }
    }

    pub(crate) fn user(&self) -> Arc<User> {
        Arc::new(User::new(self.knows.clone()))
    }

    fn part<'a, T: ?Sized>(&self, ability: Ability, part: &'a T) -> Option<&'a T> {
        self.abilities.contains(&ability).then_some(part)
    }
}

#[async_trait]
impl AuthProvider for Stub {
    fn name(&self) -> &str {
        self.name
    }

    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        if let Some(kind) = self.fails {
            return Err(Error::new(kind, self.name));
        }
        let token = head.bearer()?;
        Ok(token
            .filter(|token| *token == self.name)
            .map(|_| self.user()))
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        self.part(Ability::Users, self as &dyn UserProvider)
    }

    fn sessions(&self) -> Option<&dyn SessionProvider> {
        self.part(Ability::Sessions, self as &dyn SessionProvider)
    }

    fn sso(&self) -> Option<&dyn SsoProvider> {
        self.part(Ability::Sso, self as &dyn SsoProvider)
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        self.part(Ability::Credentials, self as &dyn CredentialsProvider)
    }

    fn rbac(&self) -> Option<&dyn RbacProvider> {
        self.part(Ability::Rbac, &self.rbac as &dyn RbacProvider)
    }

    fn acl(&self) -> Option<&dyn AclProvider> {
        self.part(Ability::Acl, self as &dyn AclProvider)
    }

    fn audit(&self) -> Option<&dyn AuditLogger> {
        self.part(Ability::Audit, self as &dyn AuditLogger)
    }

    fn license_exempt(&self) -> bool {
        self.exempt
    }
}

#[async_trait]
impl UserProvider for Stub {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        Ok((*id == self.knows).then(|| self.user()))
    }
}

#[async_trait]
impl SessionProvider for Stub {
    async fn create(&self, new: NewSession) -> Result<Session, Error> {
        let id = SessionId::from_cookie("good").unwrap();
        let end = now() + SignedDuration::from_hours(1);
        Ok(Session::new(id, new.user_id, now(), end))
    }

    /// The session `good` is of the provider's user, `orphan` of one whom it no longer knows.
    async fn validate(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        match id.expose() {
            "good" => self
                .create(NewSession::new(self.knows.clone()))
                .await
                .map(Some),
            "orphan" => {
                let gone = UserId::new("gone")?;
                self.create(NewSession::new(gone)).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn destroy(&self, _id: &SessionId) -> Result<(), Error> {
        Ok(())
    }

    async fn refresh(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        self.validate(id).await
    }

    fn id_from_request(&self, head: &RequestHead<'_>) -> Result<Option<SessionId>, Error> {
        ServerCookie::loopback_session().read(head)
    }

    fn headers(&self, _session: &Session) -> Vec<HeaderValue> {
        Vec::new()
    }

    fn clear_headers(&self) -> Vec<HeaderValue> {
        Vec::new()
    }
}

#[async_trait]
impl SsoProvider for Stub {
    async fn login_url(&self, start: &SsoStart) -> Result<String, Error> {
        Ok(format!("https://{}/?state={}", self.name, start.state))
    }

    async fn handle_callback(&self, _code: &str, _start: &SsoStart) -> Result<SsoCallback, Error> {
        Ok(SsoCallback::new(User::new(self.knows.clone())))
    }

    fn login_button(&self) -> SsoLogin {
        self.sso.clone()
    }
}

#[async_trait]
impl CredentialsProvider for Stub {
    async fn sign_in(
        &self,
        _email: &str,
        password: &str,
        _head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        Ok(if password == self.name {
            SignIn::Success(self.user())
        } else {
            SignIn::Refused
        })
    }

    async fn second_factor(
        &self,
        token: &str,
        _code: &str,
        _head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        Ok(if token == self.name {
            SignIn::Success(self.user())
        } else {
            SignIn::Refused
        })
    }

    async fn sign_up(
        &self,
        _email: &str,
        _password: &str,
        _name: Option<&str>,
        _head: &RequestHead<'_>,
    ) -> Result<SignUp, Error> {
        Ok(if self.sign_up_enabled() {
            SignUp::Created(self.user())
        } else {
            SignUp::Refused
        })
    }

    fn sign_up_enabled(&self) -> bool {
        self.abilities.contains(&Ability::SignUp)
    }
}

#[async_trait]
impl AclProvider for Stub {
    async fn can_access(
        &self,
        _user: &User,
        _resource: &ResourceRef,
        _action: &str,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    async fn list_accessible(
        &self,
        _user: &User,
        _kind: &str,
        _action: &str,
    ) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl AuditLogger for Stub {
    async fn log(&self, _event: AuditEvent) -> Result<(), Error> {
        self.events.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn log_later(&self, _event: AuditEvent) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }
}

/// Gives everybody the same roles.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    /// Cannot be asked.
    pub(crate) broken: bool,
    pub(crate) given: Vec<RoleId>,
    /// Cannot tell which roles there are.
    pub(crate) secretive: bool,
    pub(crate) set: RoleSet,
}

#[async_trait]
impl RbacProvider for Roles {
    async fn roles(&self, _user: &User) -> Result<Vec<RoleId>, Error> {
        Ok(self.given.clone())
    }

    async fn permissions(&self, _user: &User) -> Result<Arc<PermissionSet>, Error> {
        if self.broken {
            return Err(Error::new(ErrorKind::Unavailable, "no roles today"));
        }
        let grants = self.set.resolve(&self.given);
        Ok(Arc::new(PermissionSet::compile(grants)))
    }

    async fn available_roles(&self) -> Result<Option<Vec<RoleCard>>, Error> {
        let card = |role: &ee_core::Role| RoleCard {
            id: role.id.clone(),
            name: role.name.clone(),
        };
        Ok((!self.secretive).then(|| self.set.iter().map(card).collect()))
    }

    async fn role_permissions(
        &self,
        role: &RoleId,
    ) -> Result<Option<Vec<PermissionPattern>>, Error> {
        Ok(Some(self.set.resolve(std::slice::from_ref(role))))
    }
}
