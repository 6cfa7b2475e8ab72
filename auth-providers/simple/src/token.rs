//! What a token and an e-mail address look like.

use ee_core::UserId;
use secrecy::{ExposeSecret as _, SecretString};

use crate::SimpleConfigError;

/// Longest token in bytes: longer ones are not worth hashing.
pub(crate) const MAX_TOKEN_BYTES: usize = 1_024;
/// Tokens of fewer characters are warned of.
pub(crate) const GOOD_TOKEN_CHARS: usize = 16;

/// Checks that the token can be shown in a header.
pub(crate) fn check<'a>(
    token: &'a SecretString,
    user: &UserId,
) -> Result<&'a str, SimpleConfigError> {
    let text = token.expose_secret();
    let problem = if text.is_empty() {
        "is empty"
    } else if text.len() > MAX_TOKEN_BYTES {
        "is longer than 1024 bytes"
    } else if text.chars().any(char::is_whitespace) {
        "holds white space"
    } else if text.chars().any(char::is_control) {
        "holds control characters"
    } else if !text.is_ascii() {
        "holds characters beyond ASCII, which no header carries"
    } else {
        return Ok(text);
    };
    let user = user.clone();
    Err(SimpleConfigError::Token { problem, user })
}

/// Tells whether the text is `local@domain` as addresses go. Whether it exists is another matter.
pub(crate) fn looks_like_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let in_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let in_domain = |c: char| c.is_alphanumeric() || c == '-';
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(in_domain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && local.chars().all(in_local)
        && local.split('.').all(|part| !part.is_empty())
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_no_header_carries_are_refused() {
        let user = UserId::new("ada").unwrap();

        for text in [
            "",
            " ",
            "a b",
            "a\tb",
            "a\n",
            "a\u{a0}b",
            "a\0",
            "a\u{7f}",
            "tökén",
            &"x".repeat(1_025),
        ] {
            let refused = check(&text.into(), &user).unwrap_err();
            assert!(
                text.is_empty() || text == " " || !refused.to_string().contains(text),
                "{refused}"
            );
        }
        for text in ["t", "a:b/c+d=", "constructor", &"x".repeat(1_024)] {
            assert_eq!(check(&text.into(), &user).unwrap(), text);
        }
    }

    #[test]
    fn addresses_are_told_from_other_texts() {
        for text in [
            "a@b",
            "ada@example.com",
            "a.b+c@sub.example.co",
            "jörg@größe.de",
        ] {
            assert!(looks_like_email(text), "{text}");
        }
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c.d",
            "a@b c",
            "a@b..c",
            "a@.b",
            ".a@b",
            "a@-b",
            "a@b\n",
            "a@b,c@d",
            "<a@b>",
            &format!("{}@b", "a".repeat(65)),
            &format!("a@{}", "b".repeat(253)),
        ] {
            assert!(!looks_like_email(text), "{text:?}");
        }
    }
}
