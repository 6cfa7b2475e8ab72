#![doc = include_str!("../README.md")]

mod accounts;
mod config;
mod email;
mod error;
mod hashing;
mod keys;
mod links;
mod mail;
mod policy;
mod provider;
mod throttle;
mod timing;
mod tokens;
mod totp;

pub use accounts::{
    AccountSecurity, Accounts, Invitation, Invite, NewAccount, NewPassword, PasswordStores,
    Recovery, SignedUp, TotpEnrolment,
};
pub use config::{
    HashProfile, HashingConfig, Pages, PasswordConfig, RulesConfig, SecondFactorDemand,
    SignUpConfig, SignUpMode,
};
pub use error::PasswordConfigError;
pub use hashing::{Argon2Params, HashingPool};
pub use mail::{LogMailer, MailQueue, MailWorker, Mailer};
#[cfg(feature = "smtp")]
pub use mail::{SmtpConfig, SmtpMailer, SmtpTls};
pub use provider::PasswordAuth;
pub use totp::RecoveryCodes;
#[doc(hidden)]
pub use totp::totp_for_tests;
