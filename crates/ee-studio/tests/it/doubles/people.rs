use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use ee_core::{
    AuthProvider, Clock as _, CredentialsManager, CredentialsProvider, Error, ErrorKind,
    InvitationManager, PermissionSet, RbacProvider, RequestHead, RoleId, ServerCookie, Session,
    SessionId, SessionProvider, SignIn, SignUp, SsoCallback, SsoLogin, SsoProvider, SsoStart, User,
    UserId, UserProvider,
    storage::{SignInFlow, SignInFlowStore},
};
use ee_testkit::TestClock;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};

use super::Accounts;

/// Which ways to sign in there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Ways {
    Both,
    #[default]
    Credentials,
    None,
    Sso,
}

/// Who may sign in: `owner`, `viewer`, `chatter`, `nobody` and `limited`, each with the password `<id>-password`.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// Where people look after their credentials themselves.
    pub(crate) accounts: Option<Accounts>,
    pub(crate) clock: TestClock,
    pub(crate) sessions: Mutex<HashMap<String, Session>>,
    pub(crate) sign_up: bool,
    pub(crate) unlicensed: bool,
    pub(crate) ways: Ways,
}

const COOKIE: ServerCookie = ServerCookie::loopback_session();

fn grants(id: &str) -> Option<&'static [&'static str]> {
    Some(match id {
        "owner" => &["*"],
        "viewer" => &["*:read"],
        "chatter" => &["agents:read", "agents:execute"],
        "limited" => &[
            "workflows:read",
            "agents:read:support",
            "stored-agents:write:support",
        ],
        "nobody" => &[],
        _ => return None,
    })
}

pub(super) fn user(id: &str) -> Option<Arc<User>> {
    grants(id)?;
    let mut user = User::new(UserId::new(id).unwrap());
    user.email = Some(format!("{id}@example.org"));
    user.name = Some(format!("{} Person", id.to_uppercase()));
    user.roles = vec![RoleId::new(id).unwrap()];
    Some(Arc::new(user))
}

impl People {
    /// People who look after their credentials themselves.
    pub(crate) fn with_accounts(accounts: Accounts) -> Self {
        Self {
            accounts: Some(accounts),
            sign_up: true,
            ..Self::default()
        }
    }

    /// Ends every session, as time does.
    pub(crate) fn forget_sessions(&self) {
        self.sessions.lock().unwrap().clear();
    }
}

#[async_trait]
impl AuthProvider for People {
    fn name(&self) -> &'static str {
        "people"
    }

    async fn authenticate(&self, _head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        Ok(None)
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        Some(self)
    }

    fn sessions(&self) -> Option<&dyn SessionProvider> {
        Some(self)
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        matches!(self.ways, Ways::Both | Ways::Credentials).then_some(self)
    }

    fn sso(&self) -> Option<&dyn SsoProvider> {
        matches!(self.ways, Ways::Both | Ways::Sso).then_some(self)
    }

    fn rbac(&self) -> Option<&dyn RbacProvider> {
        Some(self)
    }

    fn license_exempt(&self) -> bool {
        true
    }
}

#[async_trait]
impl UserProvider for People {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        Ok(user(id.as_str()))
    }
}

#[async_trait]
impl CredentialsProvider for People {
    async fn sign_in(
        &self,
        email: &str,
        password: &str,
        _head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        if !email.contains('@') {
            return Err(Error::invalid_field("email", "must be an e-mail address"));
        }
        let known = password.strip_suffix("-password").and_then(user);
        Ok(match (known, &self.accounts) {
            (Some(user), Some(accounts)) => accounts.first_step(user, self.clock.now()),
            (Some(user), None) => SignIn::Success(user),
            (None, _) => SignIn::Refused,
        })
    }

    async fn second_factor(
        &self,
        token: &str,
        code: &str,
        _head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        Accounts::second_step(token, code)
    }

    async fn sign_up(
        &self,
        email: &str,
        _password: &str,
        _name: Option<&str>,
        _head: &RequestHead<'_>,
    ) -> Result<SignUp, Error> {
        if self.accounts.as_ref().is_some_and(|it| it.confirms_email) {
            return Ok(SignUp::ConfirmEmail);
        }
        Ok(if email == "new@example.org" {
            SignUp::Created(user("viewer").unwrap())
        } else {
            SignUp::Refused
        })
    }

    fn sign_up_enabled(&self) -> bool {
        self.sign_up
    }

    fn manager(&self) -> Option<&dyn CredentialsManager> {
        self.accounts.as_ref().map(|accounts| accounts as _)
    }

    fn invitations(&self) -> Option<&dyn InvitationManager> {
        self.accounts.as_ref().map(|accounts| accounts as _)
    }
}

#[async_trait]
impl SsoProvider for People {
    async fn login_url(&self, start: &SsoStart) -> Result<String, Error> {
        Ok(format!(
            "https://id.example/authorize?state={}",
            start.state
        ))
    }

    async fn handle_callback(&self, _code: &str, _start: &SsoStart) -> Result<SsoCallback, Error> {
        Err(Error::new(ErrorKind::Unauthenticated, "refused"))
    }

    async fn logout_url(
        &self,
        _return_to: &str,
        _head: &RequestHead<'_>,
    ) -> Result<Option<String>, Error> {
        Ok(Some("https://id.example/logout".to_owned()))
    }

    fn login_button(&self) -> SsoLogin {
        let mut login = SsoLogin::new("acme", "Sign in with Acme");
        login.description = Some("For employees of Acme.".to_owned());
        login
    }
}

#[async_trait]
impl SignInFlowStore for People {
    async fn create(&self, _flow: SignInFlow) -> Result<(), Error> {
        Ok(())
    }

    async fn take(&self, _state_hash: &ee_core::TokenHash) -> Result<Option<SignInFlow>, Error> {
        Ok(None)
    }

    async fn purge_flows(&self, _now: Timestamp) -> Result<u64, Error> {
        Ok(0)
    }
}

#[async_trait]
impl RbacProvider for People {
    async fn roles(&self, user: &User) -> Result<Vec<RoleId>, Error> {
        Ok(user.roles.clone())
    }

    async fn permissions(&self, user: &User) -> Result<Arc<PermissionSet>, Error> {
        if self.unlicensed {
            let message = "roles are configured and the licence does not cover `rbac`";
            return Err(Error::new(ErrorKind::Unlicensed, message));
        }
        let patterns = grants(user.id.as_str()).unwrap_or_default();
        Ok(Arc::new(PermissionSet::compile(
            patterns.iter().map(|text| text.parse().unwrap()),
        )))
    }
}

#[async_trait]
impl SessionProvider for People {
    async fn create(&self, new: ee_core::NewSession) -> Result<Session, Error> {
        let now = self.clock.now();
        let end = now.checked_add(SignedDuration::from_hours(1)).unwrap();
        let session = Session::new(SessionId::random()?, new.user_id, now, end);
        let mut sessions = self.sessions.lock().unwrap();
        sessions.insert(session.id.expose().to_owned(), session.clone());
        Ok(session)
    }

    async fn validate(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        Ok(self.sessions.lock().unwrap().get(id.expose()).cloned())
    }

    async fn destroy(&self, id: &SessionId) -> Result<(), Error> {
        self.sessions.lock().unwrap().remove(id.expose());
        Ok(())
    }

    async fn refresh(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        self.validate(id).await
    }

    fn id_from_request(&self, head: &RequestHead<'_>) -> Result<Option<SessionId>, Error> {
        COOKIE.read(head)
    }

    fn headers(&self, session: &Session) -> Vec<HeaderValue> {
        let hour = std::time::Duration::from_hours(1);
        COOKIE.set(session.id.expose(), hour).into_iter().collect()
    }

    fn clear_headers(&self) -> Vec<HeaderValue> {
        COOKIE.clear().into_iter().collect()
    }
}
