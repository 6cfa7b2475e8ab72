//! What can be wrong with the configuration.

use ee_core::{Error, ErrorKind};

/// What is wrong with the configuration. Secrets are named by their place in the list.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordConfigError {
    /// One run would take more memory than all of them together may.
    #[error(
        "a hash of {memory_kib} KiB does not fit into the memory budget of {budget_kib} KiB for hashing"
    )]
    Budget {
        /// What all runs may take.
        budget_kib: u32,
        /// What one run takes.
        memory_kib: u32,
    },
    /// What cannot be the domain of an address.
    #[error("`{domain}` cannot be the domain of an e-mail address")]
    Domain {
        /// As configured.
        domain: String,
    },
    /// Parameters that no machine should run.
    #[error(
        "Argon2id with {memory_kib} KiB, {iterations} iterations and parallelism {parallelism} is no sensible cost"
    )]
    HashRefused {
        /// Passes over the memory.
        iterations: u32,
        /// Memory of one run.
        memory_kib: u32,
        /// Lanes.
        parallelism: u32,
    },
    /// Parameters below the recommendation.
    #[error(
        "Argon2id with {memory_kib} KiB and {iterations} iterations is weaker than \
        47104 KiB with 1, 19456 KiB with 2 or 12288 KiB with 3"
    )]
    HashTooWeak {
        /// Passes over the memory.
        iterations: u32,
        /// Memory of one run.
        memory_kib: u32,
    },
    /// The library makes no key of a secret.
    #[error("no key can be made of secret {position} of `{list}`")]
    KeyRefused {
        /// The setting.
        list: &'static str,
        /// Counted from 1.
        position: usize,
    },
    /// Only some domains may sign up, and none is named.
    #[error("sign-up is for some domains only, and `sign_up.domains` names none")]
    NoDomain,
    /// There is nothing to make keys of.
    #[error("`{list}` has no secret")]
    NoSecret {
        /// The setting.
        list: &'static str,
    },
    /// Nothing links could lead to.
    #[error("`pages.{page}` must be a path that begins with `/`")]
    Page {
        /// The setting.
        page: &'static str,
    },
    /// Links in mails cannot begin with it.
    #[error("`public_url` {problem}")]
    PublicUrl {
        /// The rule that was broken.
        problem: &'static str,
    },
    /// The same secret stands in the list twice.
    #[error("secret {position} of `{list}` stands there already")]
    SecretTwice {
        /// The setting.
        list: &'static str,
        /// Counted from 1.
        position: usize,
    },
    /// A secret that could be guessed.
    #[error("secret {position} of `{list}` has {bytes} bytes; at least 32 are needed")]
    ShortSecret {
        /// How long it is.
        bytes: usize,
        /// The setting.
        list: &'static str,
        /// Counted from 1.
        position: usize,
    },
    /// The outgoing mail server cannot be used as configured.
    #[error("mail cannot be sent as configured: {problem}")]
    Smtp {
        /// What is wrong.
        problem: &'static str,
    },
    /// Nobody rotates that many.
    #[error("`{list}` has {count} secrets; at most 16 are read")]
    TooManySecrets {
        /// How many there are.
        count: usize,
        /// The setting.
        list: &'static str,
    },
    /// Anybody could claim an address of the domain.
    #[error("sign-up for some domains needs `sign_up.verify_email`")]
    UnverifiedDomains,
}

impl From<PasswordConfigError> for Error {
    fn from(err: PasswordConfigError) -> Self {
        Self::new(ErrorKind::Invalid, err.to_string()).with_source(err)
    }
}
