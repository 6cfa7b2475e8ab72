//! Options.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{PasswordConfigError, hashing::Argon2Params};

/// How people sign in with a password, and how they get one.
///
/// ```
/// let config: ee_auth_password::PasswordConfig = toml::from_str(
///     r#"
///         public_url = "https://agents.example.com"
///         secrets = ["9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"]
///         [hashing]
///         profile = "strong"
///         [sign_up]
///         mode = "domains"
///         domains = ["example.com"]
///     "#,
/// )?;
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordConfig {
    /// Origin that the links in mails begin with. No header of a request replaces it.
    pub public_url: String,
    /// Secrets of 32 bytes or more, newest first: they seal second factors and sign device cookies. One that is taken
    /// away makes the second factors unreadable that it sealed.
    pub secrets: Vec<SecretString>,
    /// How passwords are hashed.
    pub hashing: HashingConfig,
    /// Which passwords are refused.
    pub rules: RulesConfig,
    /// Whether everybody needs a second factor.
    pub second_factor: SecondFactorDemand,
    /// Who may create an account.
    pub sign_up: SignUpConfig,
    /// Where the links in mails lead.
    pub pages: Pages,
    /// What tests wait for instead of a quarter of a second.
    #[serde(skip)]
    #[doc(hidden)]
    pub answer_floor_for_tests: Option<Duration>,
}

impl PasswordConfig {
    /// Starts with the two settings that have no default.
    pub fn new(public_url: impl Into<String>, secrets: Vec<SecretString>) -> Self {
        Self {
            public_url: public_url.into(),
            secrets,
            ..Self::default()
        }
    }
}

/// How passwords are hashed (RFC 9106, ASVS 5.0 Appendix C).
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HashingConfig {
    /// A choice of the three numbers below; each of them replaces the profile's.
    pub profile: HashProfile,
    /// Memory of one run in KiB.
    pub memory_kib: Option<u32>,
    /// Passes over the memory.
    pub iterations: Option<u32>,
    /// Lanes.
    pub parallelism: Option<u32>,
    /// What all runs at once may take, in MiB.
    pub memory_budget_mib: u32,
    /// How many runs at once; the number of cores if it is not set, and never more than the budget has room for.
    pub threads: Option<usize>,
    /// Secrets of 32 bytes or more, newest first, that every password goes through before it is hashed: who has the
    /// database alone can guess nothing. One that is taken away makes the passwords useless that went through it.
    pub pepper: Vec<SecretString>,
    /// What tests can afford instead.
    #[serde(skip)]
    #[doc(hidden)]
    pub weak_for_tests: Option<Argon2Params>,
}

impl Default for HashingConfig {
    fn default() -> Self {
        Self {
            profile: HashProfile::Default,
            memory_kib: None,
            iterations: None,
            parallelism: None,
            memory_budget_mib: 256,
            threads: None,
            pepper: Vec::new(),
            weak_for_tests: None,
        }
    }
}

/// A cost of hashing.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HashProfile {
    /// 19 MiB, 2 iterations: some thirty sign-ins a second and core.
    #[default]
    Default,
    /// 64 MiB, 3 iterations: some three sign-ins a second and core.
    Strong,
}

/// Which passwords are refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RulesConfig {
    /// Words that a password must not consist of, such as the name of the company; beside those of the product.
    pub words: Vec<String>,
}

/// Whether everybody needs a second factor.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SecondFactorDemand {
    /// Everybody decides for himself. Passwords have 15 characters or more.
    #[default]
    Optional,
    /// Everybody, from the first sign-in on. Passwords have 8 characters or more.
    Required,
}

/// Who may create an account.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SignUpConfig {
    /// Who.
    pub mode: SignUpMode,
    /// Domains of the addresses that may sign up by themselves, for the mode `domains`.
    pub domains: Vec<String>,
    /// Whether an address has to be confirmed before the first sign-in.
    pub verify_email: bool,
}

impl Default for SignUpConfig {
    fn default() -> Self {
        Self {
            mode: SignUpMode::Invitation,
            domains: Vec::new(),
            verify_email: true,
        }
    }
}

/// Who may create an account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SignUpMode {
    /// Whoever reads mail to an address of some domains, and who is invited.
    Domains,
    /// Who is invited.
    #[default]
    Invitation,
    /// Nobody: administrators create accounts.
    Off,
    /// Everybody.
    Open,
}

impl SignUpMode {
    /// Tells whether people may create accounts without being asked.
    pub(crate) const fn is_by_oneself(self) -> bool {
        matches!(self, Self::Domains | Self::Open)
    }
}

/// Where the links in mails lead: paths on the public origin. The secret stands behind `#token=`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Pages {
    /// Accepts an invitation.
    pub invitation: String,
    /// Sets a new password.
    pub reset: String,
    /// Creates the first owner.
    pub setup: String,
    /// Confirms an address.
    pub verify_email: String,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            invitation: "/studio/accept-invitation".to_owned(),
            reset: "/studio/reset-password".to_owned(),
            setup: "/studio/setup".to_owned(),
            verify_email: "/studio/verify-email".to_owned(),
        }
    }
}

impl Pages {
    pub(crate) fn check(&self) -> Result<(), PasswordConfigError> {
        let pages = [
            ("invitation", &self.invitation),
            ("reset", &self.reset),
            ("setup", &self.setup),
            ("verify_email", &self.verify_email),
        ];
        let is_path = |path: &str| {
            path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains(['#', '?', '\\'])
                && !path.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        match pages.iter().find(|(_, path)| !is_path(path)) {
            Some((page, _)) => Err(PasswordConfigError::Page { page }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_path_of_ours() {
        assert_eq!(Pages::default().check(), Ok(()));
        for path in ["", "x", "//evil.example", "/a#b", "/a?b", "/a b", "/a\\b"] {
            let pages = Pages {
                reset: path.to_owned(),
                ..Pages::default()
            };
            assert_eq!(
                pages.check(),
                Err(PasswordConfigError::Page { page: "reset" }),
                "{path:?}"
            );
        }
    }
}
