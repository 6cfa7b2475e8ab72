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

pub use accounts::{Accounts, NewAccount, NewPassword, PasswordStores, Recovery};
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
#[doc(hidden)]
pub use totp::totp_for_tests;
