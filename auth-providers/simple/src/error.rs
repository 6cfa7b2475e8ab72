//! What can be wrong with the configuration.

use ee_core::{Error, ErrorKind, UserId};

/// What is wrong with the configuration. Tokens are not named: the user is, whose token it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimpleConfigError {
    /// A header that cannot exist, or one that is read in another way already.
    #[error("`{name}` cannot be a header that carries a token")]
    Header {
        /// As configured.
        name: String,
    },
    /// Nobody could sign in.
    #[error("no token is configured, so nobody could sign in")]
    NoToken,
    /// Two spellings of one thing.
    #[error("user `{user}` has both `role` and `roles`")]
    RoleTwice {
        /// Whose.
        user: UserId,
    },
    /// Nobody can show such a token.
    #[error("a token of user `{user}` {problem}")]
    Token {
        /// The rule that was broken.
        problem: &'static str,
        /// Whose.
        user: UserId,
    },
    /// Nobody could tell who shows it.
    #[error("one token is configured twice, for user `{first}` and for user `{second}`")]
    TokenTwice {
        /// Whose it is first.
        first: UserId,
        /// Whose it is as well.
        second: UserId,
    },
    /// The address of a user is none.
    #[error("the e-mail address of user `{user}` is not one")]
    UserEmail {
        /// Whose.
        user: UserId,
    },
    /// One user is described in two ways.
    #[error("user `{user}` is configured with different data for different tokens")]
    UserTwice {
        /// Who.
        user: UserId,
    },
}

impl From<SimpleConfigError> for Error {
    fn from(err: SimpleConfigError) -> Self {
        Self::new(ErrorKind::Invalid, err.to_string()).with_source(err)
    }
}
