use std::sync::Arc;

use async_trait::async_trait;
use ee::{
    AuthProvider, CredentialsProvider, Error, RequestHead, Role, RoleSet, SignIn, User, UserId,
    UserProvider,
    auth_simple::{SimpleConfig, SimpleUser},
    defaults::default_roles,
};

/// Whom the server knows, and nobody.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Who {
    /// Shows no credentials.
    Anonymous,
    /// Has the role `owner`.
    Owner,
    /// Has the role `admin`.
    Admin,
    /// Has the role `developer`.
    Developer,
    /// Has the role `member`.
    Member,
    /// Has the role `viewer`.
    Viewer,
    /// Holds `agents:read:writer` and `agents:execute:writer` and nothing else.
    Writer,
    /// Is known and has no role.
    Nobody,
}

impl Who {
    /// Everybody.
    pub const ALL: [Self; 8] = [
        Self::Anonymous,
        Self::Owner,
        Self::Admin,
        Self::Developer,
        Self::Member,
        Self::Viewer,
        Self::Writer,
        Self::Nobody,
    ];

    /// Returns the id, which is the name of the role as well.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Member => "member",
            Self::Viewer => "viewer",
            Self::Writer => "writer",
            Self::Nobody => "nobody",
        }
    }

    /// Returns the token, which is the password as well.
    pub const fn token(self) -> Option<&'static str> {
        match self {
            Self::Anonymous => None,
            Self::Owner => Some("owner-token-0f1e2d3c4b5a6978"),
            Self::Admin => Some("admin-token-0f1e2d3c4b5a6978"),
            Self::Developer => Some("developer-token-0f1e2d3c4b5a6978"),
            Self::Member => Some("member-token-0f1e2d3c4b5a6978"),
            Self::Viewer => Some("viewer-token-0f1e2d3c4b5a6978"),
            Self::Writer => Some("writer-token-0f1e2d3c4b5a6978"),
            Self::Nobody => Some("nobody-token-0f1e2d3c4b5a6978"),
        }
    }

    /// Returns the e-mail address.
    pub fn email(self) -> String {
        format!("{}@example.com", self.id())
    }

    fn user(self) -> SimpleUser {
        let user = SimpleUser::new(self.id().parse().unwrap())
            .name(format!("The {}", self.id()))
            .email(self.email());
        match self {
            Self::Anonymous | Self::Nobody => user,
            _ => user.role(self.id().parse().unwrap()),
        }
    }
}

pub(crate) fn simple_config() -> SimpleConfig {
    let known = Who::ALL
        .into_iter()
        .filter_map(|who| who.token().map(|token| (token, who)));
    known.fold(SimpleConfig::new(), |config, (token, who)| {
        config.token(token, who.user())
    })
}

/// Returns the default roles and one whose grants name a single agent.
pub fn roles() -> RoleSet {
    let grants = ["agents:read:writer", "agents:execute:writer"];
    let one_agent = Role::new(
        "writer".parse().unwrap(),
        "One agent",
        grants.map(|grant| grant.parse().unwrap()),
    );
    RoleSet::new(default_roles().iter().cloned().chain([one_agent])).unwrap()
}

/// A provider that needs a licence: knows one owner by a header, and by address and password.
#[derive(Debug)]
pub struct Stranger(Arc<User>);

impl Stranger {
    /// What the owner shows in `x-stranger`, which is his password as well.
    pub const SECRET: &str = "stranger-secret-0f1e2d3c4b5a6978";

    pub(crate) fn new() -> Self {
        let mut user = User::new("stranger".parse().unwrap());
        user.roles = vec!["owner".parse().unwrap()];
        Self(Arc::new(user))
    }
}

#[async_trait]
impl AuthProvider for Stranger {
    fn name(&self) -> &'static str {
        "stranger"
    }

    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        let shown = head.headers.get("x-stranger");
        Ok(shown
            .filter(|value| *value == Self::SECRET)
            .map(|_| Arc::clone(&self.0)))
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        Some(self)
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        Some(self)
    }
}

#[async_trait]
impl UserProvider for Stranger {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        Ok((*id == self.0.id).then(|| Arc::clone(&self.0)))
    }
}

#[async_trait]
impl CredentialsProvider for Stranger {
    async fn sign_in(
        &self,
        _email: &str,
        password: &str,
        _head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        Ok(if password == Self::SECRET {
            SignIn::Success(Arc::clone(&self.0))
        } else {
            SignIn::Refused
        })
    }
}
