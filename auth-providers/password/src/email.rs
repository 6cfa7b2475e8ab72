//! What an e-mail address looks like.

use ee_core::{Error, storage::AccountRecord};

use crate::{PasswordConfigError, policy::normal};

/// Longest address in bytes (RFC 5321 §4.5.3.1.3 with its brackets).
const MAX_EMAIL_BYTES: usize = 254;
/// Longest part before the `@` in bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// `local@domain` in normal form C, as its owner writes it. Whether anybody reads mail to it is another matter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct EmailAddress(String);

impl EmailAddress {
    /// Takes an address with spaces around it or without. Fails with
    /// [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for the field `email`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refused = || Error::invalid_field("email", "must be an e-mail address");
        // Normalising is not cheap, and whatever is that long is none.
        if text.len() > 4 * MAX_EMAIL_BYTES {
            return Err(refused());
        }
        let text = normal(text.trim());
        let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
        if text.len() <= MAX_EMAIL_BYTES && is_local(local) && is_domain(domain) {
            Ok(Self(text.into_owned()))
        } else {
            Err(refused())
        }
    }

    /// Returns the address as its owner writes it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form that is equal for all spellings of the address.
    pub(crate) fn key(&self) -> String {
        AccountRecord::email_key(&self.0)
    }

    /// Returns what follows the `@`, in lower case.
    pub(crate) fn domain(&self) -> String {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        domain.to_lowercase()
    }
}

/// Checks the domains that may sign up and returns them in lower case.
pub(crate) fn domains(names: &[String]) -> Result<Vec<String>, PasswordConfigError> {
    let check = |name: &String| {
        let domain = normal(name.trim()).to_lowercase();
        if is_domain(&domain) && domain.contains('.') {
            Ok(domain)
        } else {
            let domain = name.clone();
            Err(PasswordConfigError::Domain { domain })
        }
    };
    names.iter().map(check).collect()
}

fn is_local(local: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    (1..=MAX_LOCAL_BYTES).contains(&local.len())
        && local.chars().all(fits)
        && local.split('.').all(|part| !part.is_empty())
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_have_one_key() {
        let key = |text: &str| EmailAddress::parse(text).unwrap().key();

        for text in [
            "jörg@example.com",
            "JÖRG@Example.COM",
            " jörg@example.com\n",
            "jo\u{308}rg@example.com",
            "JO\u{308}RG@example.com",
        ] {
            assert_eq!(key(text), "jörg@example.com", "{text:?}");
        }
        assert_ne!(key("ada+x@example.com"), key("ada@example.com"));
    }

    #[test]
    fn v35_what_another_parser_could_read_differently_is_no_address() {
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a@evil.example@example.com",
            "\"a@b\"@c",
            "a b@c.d",
            "a@b c",
            "a@b..c",
            "a@.b",
            "a@b.",
            ".a@b",
            "a@-b",
            "a@b\r\nBcc: c@d",
            "a@b,c@d",
            "<a@b>",
            "a@[127.0.0.1]",
            "a\0@b",
            &format!("{}@b", "a".repeat(65)),
            &format!("a@{}", "b".repeat(253)),
            &"a".repeat(100_000),
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_domain_is_compared_whole_and_in_lower_case() {
        let domain = |text: &str| EmailAddress::parse(text).unwrap().domain();

        assert_eq!(domain("a@EXAMPLE.com"), "example.com");
        assert_ne!(domain("a@evilexample.com"), "example.com");
        assert_ne!(domain("a@example.com.evil.example"), "example.com");
        assert_eq!(
            domains(&["Example.COM".to_owned()]).unwrap(),
            ["example.com"]
        );
        for name in ["", "com", "@example.com", "*.example.com", "a b.c"] {
            assert!(domains(&[name.to_owned()]).is_err(), "{name:?}");
        }
    }
}
