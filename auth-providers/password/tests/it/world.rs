//! A server's worth of accounts, with a clock and a letter box.

use std::{sync::Arc, time::Duration};

use ee_auth_password::{
    Accounts, Argon2Params, NewAccount, PasswordAuth, PasswordConfig, PasswordStores,
    totp_for_tests,
};
use ee_core::{
    Clock as _, Error, SecondFactor, SignIn, SignUp, TokenHash, User, UserId,
    storage::{AccountRecord, AccountStore, SessionRecord, SessionStore},
};
use ee_testkit::TestClock;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    people::{Letters, token_in},
    store::TestStore,
};

pub(crate) use crate::people::Browser;

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "violet tractor sings";
pub(crate) const OTHER: &str = "eleven quiet ferries";
pub(crate) const WRONG: &str = "violet tractor sinks";
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) auth: PasswordAuth,
    pub(crate) clock: TestClock,
    pub(crate) letters: Letters,
    pub(crate) store: Arc<TestStore>,
}

impl World {
    /// With the default rules, cheap hashes and answers at once.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut PasswordConfig)) -> Self {
        Self::over(Arc::default(), TestClock::default(), change)
    }

    /// Another instance on the same store.
    pub(crate) fn over(
        store: Arc<TestStore>,
        clock: TestClock,
        change: impl FnOnce(&mut PasswordConfig),
    ) -> Self {
        let mut config = PasswordConfig::new("https://agents.example.com", vec![SECRET.into()]);
        config.hashing.weak_for_tests = Some(Argon2Params::weak_for_tests());
        config.answer_floor_for_tests = Some(Duration::ZERO);
        change(&mut config);
        let letters = Letters::default();
        let stores = PasswordStores::all_in(Arc::clone(&store));
        let (now, mailer) = (Arc::new(clock.clone()), Arc::new(letters.clone()));
        let auth = PasswordAuth::new(config, stores, now, mailer).unwrap();
        Self {
            accounts: Arc::clone(auth.accounts()),
            auth,
            clock,
            letters,
            store,
        }
    }

    /// Makes Ada's account.
    pub(crate) async fn ada(&self) -> UserId {
        self.person(ADA, PASSWORD).await
    }

    pub(crate) async fn person(&self, email: &str, password: &str) -> UserId {
        let new = NewAccount {
            email: email.to_owned(),
            password: Some(password.into()),
            ..NewAccount::default()
        };
        self.accounts.create(new, None).await.unwrap().id.clone()
    }

    pub(crate) async fn record(&self, user: &UserId) -> AccountRecord {
        AccountStore::find(&*self.store, user)
            .await
            .unwrap()
            .unwrap()
    }

    /// Signs in from an address of its own, so that only the account's limits count.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> SignIn {
        let browser = Browser::default();
        browser.sign_in(self, email, password).await.unwrap()
    }

    pub(crate) async fn knows(&self, email: &str, password: &str) -> bool {
        matches!(self.sign_in(email, password).await, SignIn::Success(_))
    }

    /// Turns the second factor on and returns its secret and the recovery codes.
    pub(crate) async fn add_factor(&self, user: &UserId) -> (SecretString, Vec<String>) {
        let enrolment = self.accounts.begin_totp(user).await.unwrap();
        let code = self.code(&enrolment.secret);
        let browser = Browser::default();
        let head = browser.head();
        let (_, codes) = self
            .accounts
            .confirm_totp(user, &code, &head)
            .await
            .unwrap();
        let codes = codes
            .expose()
            .iter()
            .map(|code| code.expose_secret().to_owned());
        // The next code is another one.
        self.clock.advance(SignedDuration::from_secs(60));
        (enrolment.secret, codes.collect())
    }

    /// Asks for a link to set a new password.
    pub(crate) async fn ask_for_link(&self, email: &str) -> Result<(), Error> {
        let browser = Browser::default();
        self.accounts
            .request_password_reset(email, &browser.head())
            .await
    }

    pub(crate) async fn reset(&self, token: &str, new: &str) -> Result<(), Error> {
        let browser = Browser::default();
        self.accounts
            .reset_password(token, &new.into(), &browser.head())
            .await
    }

    pub(crate) async fn change(&self, user: &UserId, old: &str, new: &str) -> Result<(), Error> {
        let (browser, old, new) = (Browser::default(), old.into(), new.into());
        self.accounts
            .change_password(user, &old, &new, &browser.head())
            .await
            .map(drop)
    }

    pub(crate) async fn accept(&self, token: &str, password: &str) -> Result<Arc<User>, Error> {
        let (browser, password) = (Browser::default(), password.into());
        self.accounts
            .accept_invitation(token, &password, None, &browser.head())
            .await
    }

    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Result<SignUp, Error> {
        let (browser, password) = (Browser::default(), password.into());
        self.accounts
            .sign_up(email, &password, Some("Ada King"), &browser.head())
            .await
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Arc<User>, Error> {
        let browser = Browser::default();
        self.accounts.verify_email(token, &browser.head()).await
    }

    pub(crate) async fn set_up(
        &self,
        token: &str,
        email: &str,
        password: &str,
    ) -> Result<Arc<User>, Error> {
        let (browser, password) = (Browser::default(), password.into());
        self.accounts
            .set_up_owner(token, email, &password, None, &browser.head())
            .await
    }

    /// Ten new recovery codes.
    pub(crate) async fn fresh_codes(
        &self,
        user: &UserId,
        password: &str,
    ) -> Result<Vec<String>, Error> {
        let (browser, password) = (Browser::default(), password.into());
        let codes = self
            .accounts
            .regenerate_recovery_codes(user, &password, &browser.head())
            .await?;
        Ok(codes
            .expose()
            .iter()
            .map(|code| code.expose_secret().to_owned())
            .collect())
    }

    /// The secret of a link to create the first owner.
    pub(crate) async fn setup_token(&self) -> String {
        let link = self.accounts.setup_link().await.unwrap().unwrap();
        token_in(link.expose_secret())
    }

    /// What the authenticator shows.
    pub(crate) fn code(&self, secret: &SecretString) -> String {
        totp_for_tests(secret.expose_secret(), self.clock.now()).unwrap()
    }

    /// Signs in as far as the second factor.
    pub(crate) async fn half(&self, email: &str, password: &str) -> SecondFactor {
        match self.sign_in(email, password).await {
            SignIn::SecondFactor(factor) => factor,
            other => panic!("no second factor was wanted: {other:?}"),
        }
    }

    pub(crate) async fn shows(&self, factor: &SecondFactor, code: &str) -> bool {
        let browser = Browser::default();
        let head = browser.head();
        let end = self
            .accounts
            .second_factor(factor.expose_token(), code, &head)
            .await;
        matches!(end.unwrap(), SignIn::Success(_))
    }

    /// Like [`shows`](Self::shows), and no if there were too many codes.
    pub(crate) async fn shows_or_waits(&self, factor: &SecondFactor, code: &str) -> bool {
        let browser = Browser::default();
        let head = browser.head();
        let end = self
            .accounts
            .second_factor(factor.expose_token(), code, &head)
            .await;
        matches!(end, Ok(SignIn::Success(_)))
    }

    /// Begins a session and returns what it is known by.
    pub(crate) async fn session(&self, user: &UserId, name: &str) -> TokenHash {
        let (hash, now) = (TokenHash::of(name), self.clock.now());
        let end = now + SignedDuration::from_hours(12);
        let record = SessionRecord::new(hash, user.clone(), now, end, end);
        SessionStore::create(&*self.store, record).await.unwrap();
        hash
    }

    pub(crate) async fn has_session(&self, hash: &TokenHash) -> bool {
        SessionStore::find(&*self.store, hash)
            .await
            .unwrap()
            .is_some()
    }
}
