//! Credentials that people look after: one link, one code and one password rule for all.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ee_core::{
    AccountSecurity, CredentialsManager, Error, ErrorKind, FactorMethod, Invitation,
    InvitationManager, Invite, Newcomer, RecoveryCodes, RequestHead, SecondFactor, SignIn, TokenId,
    TotpEnrolment, User, UserId,
    storage::{Cursor, Listed},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::people::user;

/// What a sign-in takes beside the password.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Factor {
    Code,
    Enrol,
    #[default]
    None,
}

/// What is set, and what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) confirms_email: bool,
    pub(crate) factor: Factor,
    pub(crate) security: Mutex<Option<AccountSecurity>>,
    /// Where letters went.
    pub(crate) letters: Mutex<Vec<String>>,
}

impl Accounts {
    pub(crate) const CODE: &str = "123456";
    pub(crate) const LINK: &str = "good-link_0123456789";
    pub(crate) const PASSWORD: &str = "violet tractor sings";
    pub(crate) const RECOVERY_CODE: &str = "ABCD-EFGH-IJKL-MNOP";
    pub(crate) const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DP";

    /// Ends a sign-in whose password is right.
    pub(super) fn first_step(&self, user: Arc<User>, now: Timestamp) -> SignIn {
        let methods = match self.factor {
            Factor::None => return SignIn::Success(user),
            Factor::Code => vec![FactorMethod::RecoveryCode, FactorMethod::Totp],
            Factor::Enrol => vec![FactorMethod::Enrol],
        };
        let end = now.checked_add(SignedDuration::from_mins(5)).unwrap();
        SignIn::SecondFactor(SecondFactor::new(
            format!("waits-{}", user.id),
            methods,
            end,
        ))
    }

    pub(super) fn second_step(token: &str, code: &str) -> Result<SignIn, Error> {
        if code == "429" {
            return Err(Error::new(ErrorKind::RateLimited, "too many attempts"));
        }
        let is_good = [Self::CODE, Self::RECOVERY_CODE].contains(&code);
        let user = token.strip_prefix("waits-").and_then(user);
        Ok(user
            .filter(|_| is_good)
            .map_or(SignIn::Refused, SignIn::Success))
    }

    fn edit(&self, edit: impl FnOnce(&mut AccountSecurity)) {
        let mut security = self.security.lock().unwrap();
        edit(security.get_or_insert_with(protected));
    }

    fn letter_to(&self, address: &str) {
        self.letters.lock().unwrap().push(address.to_owned());
    }
}

fn protected() -> AccountSecurity {
    let mut security = AccountSecurity::none();
    security.has_password = true;
    security
}

fn codes() -> RecoveryCodes {
    RecoveryCodes::new(vec![
        Accounts::RECOVERY_CODE.into(),
        "QRST-UVWX-YZ23-4567".into(),
    ])
}

fn account(id: &UserId) -> Result<Arc<User>, Error> {
    let missing = || Error::new(ErrorKind::NotFound, "there is no such account");
    user(id.as_str()).ok_or_else(missing)
}

fn check_link(token: &str) -> Result<(), Error> {
    if token == Accounts::LINK {
        return Ok(());
    }
    Err(Error::invalid_field("token", "this link is not good"))
}

fn check_own(field: &str, user: &UserId, password: &SecretString) -> Result<(), Error> {
    if password.expose_secret() == format!("{user}-password") {
        return Ok(());
    }
    Err(Error::invalid_field(field, "is wrong"))
}

fn check_code(code: &str) -> Result<(), Error> {
    if code == Accounts::CODE {
        return Ok(());
    }
    Err(Error::invalid_field("code", "is wrong or was used already"))
}

fn check_new(password: &SecretString) -> Result<(), Error> {
    if password.expose_secret().len() >= 15 {
        return Ok(());
    }
    let message = "must have at least 15 characters";
    Err(Error::invalid_field("password", message))
}

#[async_trait]
impl CredentialsManager for Accounts {
    async fn security(&self, user: &UserId) -> Result<AccountSecurity, Error> {
        account(user)?;
        Ok(self.security.lock().unwrap().unwrap_or_else(protected))
    }

    async fn change_password(
        &self,
        user: &UserId,
        current: &SecretString,
        new: &SecretString,
        _head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        check_own("currentPassword", user, current)?;
        check_new(new)?;
        account(user)
    }

    async fn request_password_reset(
        &self,
        email: &str,
        _head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        if !email.contains('@') {
            return Err(Error::invalid_field("email", "must be an e-mail address"));
        }
        self.letter_to(email);
        Ok(())
    }

    async fn reset_password(
        &self,
        token: &str,
        new: &SecretString,
        _head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        check_link(token)?;
        check_new(new)
    }

    async fn request_email_verification(&self, user: &UserId) -> Result<(), Error> {
        self.letter_to(user.as_str());
        Ok(())
    }

    async fn verify_email(&self, token: &str, _head: &RequestHead<'_>) -> Result<Arc<User>, Error> {
        check_link(token)?;
        self.edit(|security| security.is_email_verified = true);
        Ok(user("viewer").unwrap())
    }

    async fn enrol_at_sign_in(
        &self,
        token: &str,
        _head: &RequestHead<'_>,
    ) -> Result<TotpEnrolment, Error> {
        match token.strip_prefix("waits-").and_then(user) {
            Some(user) => self.begin_totp(&user.id).await,
            None => check_link("").map(|()| unreachable!()),
        }
    }

    async fn begin_totp(&self, user: &UserId) -> Result<TotpEnrolment, Error> {
        if self
            .security
            .lock()
            .unwrap()
            .is_some_and(|it| it.has_second_factor)
        {
            let message = "the account has a second factor already";
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let uri = format!("otpauth://totp/House:{user}?secret={}", Self::SECRET);
        Ok(TotpEnrolment {
            secret: Self::SECRET.into(),
            uri: uri.into(),
        })
    }

    async fn confirm_totp(
        &self,
        user: &UserId,
        code: &str,
        _head: &RequestHead<'_>,
    ) -> Result<(Arc<User>, RecoveryCodes), Error> {
        check_code(code)?;
        self.edit(|security| {
            security.has_second_factor = true;
            security.recovery_codes = 2;
        });
        Ok((account(user)?, codes()))
    }

    async fn disable_totp(
        &self,
        user: &UserId,
        password: &SecretString,
        code: &str,
        _head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        check_own("password", user, password)?;
        check_code(code)?;
        self.edit(|security| security.has_second_factor = false);
        account(user)
    }

    async fn regenerate_recovery_codes(
        &self,
        user: &UserId,
        password: &SecretString,
        _head: &RequestHead<'_>,
    ) -> Result<RecoveryCodes, Error> {
        check_own("password", user, password)?;
        Ok(codes())
    }
}

#[async_trait]
impl InvitationManager for Accounts {
    async fn invite(&self, _invite: Invite, _by: Option<&UserId>) -> Result<Invitation, Error> {
        Err(Error::new(ErrorKind::Forbidden, "not here"))
    }

    async fn invitations(&self, _cursor: &Cursor) -> Result<Listed<Invitation>, Error> {
        Err(Error::new(ErrorKind::Forbidden, "not here"))
    }

    async fn find_invitation(
        &self,
        token: &str,
        _head: &RequestHead<'_>,
    ) -> Result<Invitation, Error> {
        check_link(token)?;
        Ok(Invitation {
            created_at: Timestamp::UNIX_EPOCH,
            created_by: None,
            email: "\"<b>guest</b>\"@example.org".to_owned(),
            expires_at: Timestamp::MAX,
            id: TokenId::new("invitation").unwrap(),
            roles: Vec::new(),
        })
    }

    async fn accept_invitation(
        &self,
        token: &str,
        newcomer: Newcomer<'_>,
        _head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        check_link(token)?;
        check_new(newcomer.password)?;
        Ok(user("viewer").unwrap())
    }

    async fn revoke_invitation(&self, _id: &TokenId) -> Result<bool, Error> {
        Ok(false)
    }

    async fn set_up_owner(
        &self,
        token: &str,
        email: &str,
        newcomer: Newcomer<'_>,
        _head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        check_link(token)?;
        if !email.contains('@') {
            return Err(Error::invalid_field("email", "must be an e-mail address"));
        }
        check_new(newcomer.password)?;
        Ok(user("owner").unwrap())
    }
}
