//! Several providers at once.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderValue;

use crate::{
    AclProvider, AuditLogger, AuthProvider, CredentialsManager, CredentialsProvider, Error,
    ErrorKind, InvitationManager, RbacProvider, RequestHead, SessionProvider, SignIn, SignUp,
    SsoProvider, User, UserId, UserProvider,
};

/// Asks several providers in their order (`CompositeAuth`).
///
/// It is exempt from the licence only when every member is: one exempt member does not free the others.
#[derive(Debug)]
pub struct CompositeAuth {
    members: Vec<Arc<dyn AuthProvider>>,
}

impl CompositeAuth {
    /// Puts providers together. Fails with [`ErrorKind::Invalid`] without members or with two of one name.
    pub fn new(members: Vec<Arc<dyn AuthProvider>>) -> Result<Self, Error> {
        if members.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "no provider to compose"));
        }
        for (at, member) in members.iter().enumerate() {
            if members
                .iter()
                .skip(at + 1)
                .any(|other| other.name() == member.name())
            {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("provider `{}` comes twice", member.name()),
                ));
            }
        }
        Ok(Self { members })
    }

    fn first<'a, T: ?Sized>(
        &'a self,
        part: impl Fn(&'a dyn AuthProvider) -> Option<&'a T>,
    ) -> Option<&'a T> {
        self.members.iter().find_map(|member| part(member.as_ref()))
    }

    fn with_credentials(&self) -> impl Iterator<Item = &dyn CredentialsProvider> {
        self.members
            .iter()
            .filter_map(|member| member.credentials())
    }
}

#[async_trait]
impl AuthProvider for CompositeAuth {
    fn name(&self) -> &'static str {
        "composite"
    }

    /// Credentials that one member finds malformed may be good for the next.
    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        let mut malformed = None;
        for member in &self.members {
            match member.authenticate(head).await {
                Ok(Some(user)) => return Ok(Some(user)),
                Ok(None) => {}
                Err(err) if err.kind() == ErrorKind::Unauthenticated => malformed = Some(err),
                Err(err) => return Err(err),
            }
        }
        malformed.map_or(Ok(None), Err)
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        self.first(AuthProvider::users)
            .map(|_| self as &dyn UserProvider)
    }

    fn sessions(&self) -> Option<&dyn SessionProvider> {
        self.first(AuthProvider::sessions)
    }

    fn sso(&self) -> Option<&dyn SsoProvider> {
        self.first(AuthProvider::sso)
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        self.first(AuthProvider::credentials)
            .map(|_| self as &dyn CredentialsProvider)
    }

    fn rbac(&self) -> Option<&dyn RbacProvider> {
        self.first(AuthProvider::rbac)
    }

    fn acl(&self) -> Option<&dyn AclProvider> {
        self.first(AuthProvider::acl)
    }

    fn audit(&self) -> Option<&dyn AuditLogger> {
        self.first(AuthProvider::audit)
    }

    fn license_exempt(&self) -> bool {
        self.members.iter().all(|member| member.license_exempt())
    }
}

#[async_trait]
impl UserProvider for CompositeAuth {
    /// Fails with [`ErrorKind::Conflict`] when two members know the id: nobody can tell which of them is meant.
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        let mut found = None;
        for users in self.members.iter().filter_map(|member| member.users()) {
            let Some(user) = users.find(id).await? else {
                continue;
            };
            if found.replace(user).is_some() {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("two providers know the user `{id}`"),
                ));
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl CredentialsProvider for CompositeAuth {
    async fn sign_in(
        &self,
        email: &str,
        password: &str,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        for member in self.with_credentials() {
            match member.sign_in(email, password, head).await? {
                SignIn::Refused => {}
                end => return Ok(end),
            }
        }
        Ok(SignIn::Refused)
    }

    /// The member that asked for the factor knows the token, and no other does.
    async fn second_factor(
        &self,
        token: &str,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        for member in self.with_credentials() {
            match member.second_factor(token, code, head).await? {
                SignIn::Refused => {}
                end => return Ok(end),
            }
        }
        Ok(SignIn::Refused)
    }

    async fn device_cookie(&self, user: &UserId) -> Result<Option<HeaderValue>, Error> {
        for member in self.with_credentials() {
            if let Some(cookie) = member.device_cookie(user).await? {
                return Ok(Some(cookie));
            }
        }
        Ok(None)
    }

    async fn sign_up(
        &self,
        email: &str,
        password: &str,
        name: Option<&str>,
        head: &RequestHead<'_>,
    ) -> Result<SignUp, Error> {
        match self
            .with_credentials()
            .find(|member| member.sign_up_enabled())
        {
            Some(member) => member.sign_up(email, password, name, head).await,
            None => Ok(SignUp::Refused),
        }
    }

    fn manager(&self) -> Option<&dyn CredentialsManager> {
        self.with_credentials()
            .find_map(CredentialsProvider::manager)
    }

    fn invitations(&self) -> Option<&dyn InvitationManager> {
        self.with_credentials()
            .find_map(CredentialsProvider::invitations)
    }

    fn sign_up_enabled(&self) -> bool {
        self.with_credentials()
            .any(CredentialsProvider::sign_up_enabled)
    }
}
