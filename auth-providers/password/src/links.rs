//! Addresses that people follow from letters.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{Pages, PasswordConfigError};

/// Makes links to the pages that take a secret. They begin with the configured origin, whatever a request says.
#[derive(Debug)]
pub(crate) struct Links {
    origin: PublicOrigin,
    pages: Pages,
}

impl Links {
    pub(crate) fn new(public_url: &str, pages: Pages) -> Result<Self, PasswordConfigError> {
        pages.check()?;
        let origin = PublicOrigin::parse(public_url)?;
        Ok(Self { origin, pages })
    }

    /// Tells whether browsers reach the pages over HTTPS.
    pub(crate) const fn is_secure(&self) -> bool {
        self.origin.is_secure
    }

    /// Returns the host, which authenticators show beside the address.
    pub(crate) fn issuer(&self) -> &str {
        let text = &self.origin.text;
        text.split_once("://").map_or(text, |(_, host)| host)
    }

    pub(crate) fn verify_email(&self, secret: &SecretString) -> SecretString {
        self.link(&self.pages.verify_email, secret)
    }

    pub(crate) fn invitation(&self, secret: &SecretString) -> SecretString {
        self.link(&self.pages.invitation, secret)
    }

    pub(crate) fn reset(&self, secret: &SecretString) -> SecretString {
        self.link(&self.pages.reset, secret)
    }

    pub(crate) fn setup(&self, secret: &SecretString) -> SecretString {
        self.link(&self.pages.setup, secret)
    }

    /// The secret stands in the fragment: no browser sends it to a server, nor in a `Referer` (ASVS 5.0 §14.2.1).
    fn link(&self, page: &str, secret: &SecretString) -> SecretString {
        let origin = &self.origin.text;
        format!("{origin}{page}#token={}", secret.expose_secret()).into()
    }
}

/// An origin, checked: what links begin with.
#[derive(Clone, Debug)]
struct PublicOrigin {
    is_secure: bool,
    /// Without a slash at the end.
    text: String,
}

impl PublicOrigin {
    fn parse(text: &str) -> Result<Self, PasswordConfigError> {
        let refused = |problem| PasswordConfigError::PublicUrl { problem };
        if text.is_empty() {
            return Err(refused("is not set"));
        }
        let url = Url::parse(text).map_err(|_| refused("is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("must begin with `https://` or `http://`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("must not hold credentials"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(refused("must end after the host and port"));
        }
        Ok(Self {
            is_secure: url.scheme() == "https",
            text: url.origin().ascii_serialization(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_told_from_other_texts() {
        let origin = PublicOrigin::parse("https://agents.example.com/").unwrap();
        assert_eq!(origin.text, "https://agents.example.com");
        assert!(origin.is_secure);
        assert!(
            !PublicOrigin::parse("http://127.0.0.1:4111")
                .unwrap()
                .is_secure
        );

        for text in [
            "",
            "agents.example.com",
            "ftp://a",
            "https://u@a",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "javascript:alert(1)",
        ] {
            assert!(PublicOrigin::parse(text).is_err(), "{text:?}");
        }
    }
}
