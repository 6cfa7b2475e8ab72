//! What letters say.

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// A letter. Its text holds a secret where it holds a link.
pub(crate) struct Letter {
    pub(crate) subject: &'static str,
    pub(crate) text: Zeroizing<String>,
}

const CLOSING: &str = "If this was not you, do nothing: the link is of no use to anybody else.";

impl Letter {
    /// To somebody who signed up.
    pub(crate) fn verify_email(link: &SecretString) -> Self {
        Self::with_link(
            "Confirm your e-mail address",
            "Confirm that this address is yours, within 24 hours:",
            link,
            CLOSING,
        )
    }

    /// To somebody who signed up with an address that has an account.
    pub(crate) fn has_account() -> Self {
        Self::new(
            "You have an account already",
            "Somebody tried to sign up with your e-mail address. There is an account with it already.\n\n\
            If this was you, sign in, or ask for a new password on the sign-in page.\n\
            If this was not you, there is nothing to do.",
        )
    }

    /// To somebody who is invited.
    pub(crate) fn invitation(link: &SecretString) -> Self {
        Self::with_link(
            "You are invited",
            "You are invited to create an account, within 72 hours:",
            link,
            "If you do not know what this is about, do nothing.",
        )
    }

    /// To somebody who forgot the password.
    pub(crate) fn reset(link: &SecretString) -> Self {
        Self::with_link(
            "Set a new password",
            "Set a new password, within 30 minutes:",
            link,
            CLOSING,
        )
    }

    /// To somebody whose password is a new one.
    pub(crate) fn password_changed() -> Self {
        Self::new(
            "Your password was changed",
            "The password of your account was changed, and all other sessions were ended.\n\n\
            If this was not you, ask for a new password on the sign-in page and tell an administrator.",
        )
    }

    /// To somebody who set up a second factor.
    pub(crate) fn factor_added() -> Self {
        Self::new(
            "Two-step sign-in is on",
            "From now on, signing in to your account takes a code of your authenticator.\n\n\
            If this was not you, tell an administrator.",
        )
    }

    /// To somebody who has no second factor any more.
    pub(crate) fn factor_removed() -> Self {
        Self::new(
            "Two-step sign-in is off",
            "Signing in to your account does not take a code any more.\n\n\
            If this was not you, change your password and tell an administrator.",
        )
    }

    /// To somebody who signed in with a recovery code, or somebody else did.
    pub(crate) fn recovery_code_used() -> Self {
        Self::new(
            "A recovery code was used",
            "Somebody signed in to your account with your password and a recovery code.\n\n\
            If this was not you, change your password and make new recovery codes.",
        )
    }

    fn new(subject: &'static str, text: &str) -> Self {
        Self {
            subject,
            text: Zeroizing::new(format!("{text}\n")),
        }
    }

    fn with_link(subject: &'static str, opening: &str, link: &SecretString, closing: &str) -> Self {
        let link = link.expose_secret();
        Self {
            subject,
            text: Zeroizing::new(format!("{opening}\n\n{link}\n\n{closing}\n")),
        }
    }
}
