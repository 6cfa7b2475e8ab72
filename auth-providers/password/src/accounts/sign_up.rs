//! Creating an account by oneself, and confirming an address.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use ee_core::{
    Error, ErrorKind, RequestHead, SignUp, TokenHash, User, UserId,
    storage::{OneTimeToken, TokenPurpose},
};
use secrecy::SecretString;
use tokio::time::Instant;

use super::{Accounts, creation::Person, user_of};
use crate::{
    PasswordConfigError, SignUpConfig, SignUpMode,
    email::{self, EmailAddress},
    mail::Letter,
    throttle::Limit,
    tokens::{Claims, no_longer_good, text},
};

/// Who may create an account by himself.
#[derive(Debug)]
pub(super) struct SignUpRules {
    domains: Vec<String>,
    pub(super) mode: SignUpMode,
    verify_email: bool,
}

impl SignUpRules {
    pub(super) fn new(config: &SignUpConfig) -> Result<Self, PasswordConfigError> {
        let domains = email::domains(&config.domains)?;
        if config.mode == SignUpMode::Domains {
            if domains.is_empty() {
                return Err(PasswordConfigError::NoDomain);
            }
            // Whoever only claims an address has not shown that he belongs to its domain.
            if !config.verify_email {
                return Err(PasswordConfigError::UnverifiedDomains);
            }
        }
        Ok(Self {
            domains,
            mode: config.mode,
            verify_email: config.verify_email,
        })
    }

    fn admit(&self, email: &EmailAddress) -> Result<(), Error> {
        let is_open = match self.mode {
            SignUpMode::Open => true,
            SignUpMode::Domains => self.domains.contains(&email.domain()),
            SignUpMode::Invitation | SignUpMode::Off => false,
        };
        if is_open {
            return Ok(());
        }
        let message = "people with an address of this domain cannot sign up by themselves";
        Err(Error::invalid_field("email", message))
    }
}

impl Accounts {
    /// Tells whether people may create accounts without being asked.
    pub const fn sign_up_enabled(&self) -> bool {
        self.sign_up.mode.is_by_oneself()
    }

    /// Creates an account, or sends the letter that does.
    ///
    /// Where addresses are confirmed, the answer and its time are the same for a free address and a
    /// taken one; and there is no account before the confirmation, so nobody blocks an address or
    /// prepares an account for somebody else.
    pub async fn sign_up(
        &self,
        email: &str,
        password: &SecretString,
        name: Option<&str>,
        head: &RequestHead<'_>,
    ) -> Result<SignUp, Error> {
        if !self.sign_up_enabled() {
            return Ok(SignUp::Refused);
        }
        let start = Instant::now();
        let address = head.client_ip;
        self.throttle
            .address("sign-up", address, &Limit::SIGN_UP)
            .await?;
        let person = Person::new(email, name)?;
        self.sign_up.admit(&person.email)?;
        self.rules.check(password, person.about())?;
        let hash = self.hashing.hash(password).await?;
        let done = if self.sign_up.verify_email {
            self.send_confirmation(&person, &hash).await
        } else {
            self.create_unconfirmed(&person, hash).await
        };
        self.floor.wait(start).await?;
        done
    }

    /// Sends a link to confirm the address of an account that exists.
    pub async fn request_email_verification(&self, user: &UserId) -> Result<(), Error> {
        let account = self.usable(user).await?;
        let missing = || Error::new(ErrorKind::Conflict, "the account has no e-mail address");
        let email = account.email.as_deref().ok_or_else(missing)?;
        if account.email_verified || !self.may_mail(&EmailAddress::parse(email)?).await? {
            return Ok(());
        }
        let claims = Claims {
            user_id: Some(user.clone()),
            ..Claims::default()
        };
        let claims = claims.with(EMAIL, email);
        let issued = self.tokens.issue(TokenPurpose::VerifyEmail, claims).await?;
        let link = self.links.verify_email(&issued.secret);
        self.notify(&account, Letter::verify_email(&link)).await;
        Ok(())
    }

    /// Confirms an address with the secret of a link: creates the account of a sign-up, or notes it at the account
    /// that has the address.
    pub async fn verify_email(
        &self,
        token: &str,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        self.throttle
            .address("link", head.client_ip, &Limit::LINKS)
            .await?;
        let found = self.tokens.find(TokenPurpose::VerifyEmail, token).await?;
        let token = found.ok_or_else(no_longer_good)?;
        if !self.tokens.take(&token).await? {
            return Err(no_longer_good());
        }
        let done = match &token.user_id {
            Some(user) => self.note_verified(user, &token).await,
            None => self.create_confirmed(&token).await,
        };
        if done.is_err() {
            self.tokens.put_back(token).await;
        }
        done
    }

    /// Counts a letter that somebody asks for. False when there were enough for this address.
    pub(super) async fn may_mail(&self, email: &EmailAddress) -> Result<bool, Error> {
        let key = TokenHash::of(&email.key()).to_text();
        match self.throttle.limit("mail-to", &key, &Limit::MAIL).await {
            Ok(()) => Ok(true),
            Err(err) if err.kind() == ErrorKind::RateLimited => Ok(false),
            Err(err) => Err(err),
        }
    }

    async fn send_confirmation(&self, person: &Person, hash: &str) -> Result<SignUp, Error> {
        if !self.may_mail(&person.email).await? {
            return Ok(SignUp::ConfirmEmail);
        }
        let email = person.email.as_str();
        let letter = if self.stores.accounts.find_by_email(email).await?.is_some() {
            Letter::has_account()
        } else {
            let sealed = self.keys.seal(&place(email), hash.as_bytes())?;
            let mut claims = Claims::default()
                .with(EMAIL, email)
                .with(HASH, STANDARD_NO_PAD.encode(sealed));
            if let Some(name) = &person.name {
                claims = claims.with(NAME, name.as_str());
            }
            let issued = self.tokens.issue(TokenPurpose::VerifyEmail, claims).await?;
            Letter::verify_email(&self.links.verify_email(&issued.secret))
        };
        if let Err(err) = self.mailer.send(email, letter.subject, &letter.text).await {
            tracing::error!(
                error.kind = err.kind().code(),
                "a letter about a sign-up was not sent"
            );
        }
        Ok(SignUp::ConfirmEmail)
    }

    async fn create_unconfirmed(&self, person: &Person, hash: String) -> Result<SignUp, Error> {
        let mut account = person.record(self.now());
        account.password_hash = Some(hash);
        match self.stores.accounts.create(account.clone()).await {
            Ok(()) => Ok(SignUp::Created(user_of(&account))),
            Err(err) if err.kind() == ErrorKind::Conflict => Ok(SignUp::Refused),
            Err(err) => Err(err),
        }
    }

    async fn create_confirmed(&self, token: &OneTimeToken) -> Result<Arc<User>, Error> {
        let email = text(token, EMAIL).ok_or_else(no_longer_good)?;
        let person = Person::new(email, text(token, NAME))?;
        let sealed = text(token, HASH).and_then(|text| STANDARD_NO_PAD.decode(text).ok());
        let opened = sealed.and_then(|sealed| self.keys.open(&place(email), &sealed));
        let hash = opened.and_then(|opened| String::from_utf8(opened.plain).ok());
        let mut account = person.record(self.now());
        account.email_verified = true;
        account.password_hash = Some(hash.ok_or_else(no_longer_good)?);
        self.stores.accounts.create(account.clone()).await?;
        Ok(user_of(&account))
    }

    async fn note_verified(&self, user: &UserId, token: &OneTimeToken) -> Result<Arc<User>, Error> {
        let account = self
            .change(user, |account| {
                // The address that the letter went to, and no other that was set in between.
                if account.email.as_deref() != text(token, EMAIL) {
                    return Err(no_longer_good());
                }
                account.email_verified = true;
                Ok(())
            })
            .await?;
        Ok(user_of(&account))
    }
}

/// What a token carries.
const EMAIL: &str = "email";
const HASH: &str = "sealedHash";
const NAME: &str = "name";

fn place(email: &str) -> String {
    format!("ee_one_time_tokens:password_hash:{email}")
}
