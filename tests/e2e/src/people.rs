use std::sync::{Arc, Mutex, PoisonError};

use ee::{
    AuthProvider, CredentialsProvider, Error, RequestHead, SignIn, SignUp, User, UserId,
    UserProvider, async_trait,
};

use crate::{Fault, Ways};

const MIN_PASSWORD_CHARS: usize = 8;

/// A provider that knows Grace, who is an owner, and whoever signs up.
#[derive(Debug)]
pub struct People {
    /// What lets it fail.
    pub fault: Fault,
    accounts: Mutex<Vec<Account>>,
    ways: Ways,
}

#[derive(Debug)]
struct Account {
    password: String,
    user: Arc<User>,
}

impl People {
    /// Grace's address.
    pub const GRACE: &str = "grace@acme.example";
    /// Grace's password.
    pub const GRACES_PASSWORD: &str = "graces-password";

    pub(crate) fn new(ways: Ways) -> Result<Self, Error> {
        let grace = Account {
            password: Self::GRACES_PASSWORD.to_owned(),
            user: Arc::new(Self::grace()?),
        };
        Ok(Self {
            fault: Fault::default(),
            accounts: Mutex::new(vec![grace]),
            ways,
        })
    }

    pub(crate) fn grace() -> Result<User, Error> {
        person("grace", Self::GRACE, "Grace Hopper", "owner")
    }

    fn find(&self, is_wanted: impl Fn(&Account) -> bool) -> Option<Arc<User>> {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let found = accounts.iter().find(|account| is_wanted(account));
        found.map(|account| Arc::clone(&account.user))
    }
}

fn person(id: &str, email: &str, name: &str, role: &str) -> Result<User, Error> {
    let mut user = User::new(id.parse()?);
    user.email = Some(email.to_owned());
    user.name = Some(name.to_owned());
    user.roles = vec![role.parse()?];
    Ok(user)
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

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        self.ways.credentials.then_some(self)
    }
}

#[async_trait]
impl UserProvider for People {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        self.fault.check()?;
        Ok(self.find(|account| account.user.id == *id))
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
        self.fault.check()?;
        let found = self.find(|account| {
            account.user.email.as_deref() == Some(email) && account.password == password
        });
        Ok(found.map_or(SignIn::Refused, SignIn::Success))
    }

    async fn sign_up(
        &self,
        email: &str,
        password: &str,
        name: Option<&str>,
        _head: &RequestHead<'_>,
    ) -> Result<SignUp, Error> {
        self.fault.check()?;
        if password.chars().count() < MIN_PASSWORD_CHARS {
            let message = format!("must have {MIN_PASSWORD_CHARS} characters or more");
            return Err(Error::invalid_field("password", message));
        }
        if self
            .find(|account| account.user.email.as_deref() == Some(email))
            .is_some()
        {
            return Ok(SignUp::Refused);
        }
        let user = Arc::new(person(email, email, name.unwrap_or(email), "member")?);
        let account = Account {
            password: password.to_owned(),
            user: Arc::clone(&user),
        };
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.push(account);
        Ok(SignUp::Created(user))
    }

    fn sign_up_enabled(&self) -> bool {
        self.ways.sign_up
    }
}
