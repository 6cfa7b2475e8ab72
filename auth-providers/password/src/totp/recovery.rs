//! Codes for the day when the authenticator is lost.

use ee_core::{
    Error, RecoveryCodes, TokenHash, UserId, fill_random,
    storage::{OneTimeToken, TokenPurpose},
};
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::base32;

/// How many a person gets.
const COUNT: usize = 10;
/// Bytes of a code: 80 bits.
const BYTES: usize = 10;
/// Letters of a code.
const LETTERS: usize = 16;
/// They end when new ones are made; the store wants a moment all the same.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 20);

/// Makes ten codes and what the store keeps of them.
pub(crate) fn fresh(
    user: &UserId,
    now: Timestamp,
) -> Result<(RecoveryCodes, Vec<OneTimeToken>), Error> {
    let mut codes = Vec::with_capacity(COUNT);
    let mut tokens = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let mut bytes = Zeroizing::new([0; BYTES]);
        fill_random(bytes.as_mut())?;
        let letters = Zeroizing::new(base32(bytes.as_ref()));
        let end = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let hash = hash(user, &letters);
        let mut token = OneTimeToken::new(TokenPurpose::RecoveryCode, hash, now, end);
        token.user_id = Some(user.clone());
        tokens.push(token);
        codes.push(grouped(&letters).into());
    }
    Ok((RecoveryCodes::new(codes), tokens))
}

/// Returns what the store keeps of a typed code, if it can be one: case, spaces and hyphens do not matter.
pub(crate) fn hash_of(user: &UserId, typed: &str) -> Option<TokenHash> {
    if typed.len() > 4 * LETTERS {
        return None;
    }
    let letters: Zeroizing<String> = Zeroizing::new(
        typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| match c.to_ascii_uppercase() {
                // No code holds these digits, so the letters are meant.
                '0' => 'O',
                '1' => 'I',
                '8' => 'B',
                letter => letter,
            })
            .collect(),
    );
    let is_letter = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    let fits = letters.len() == LETTERS && letters.bytes().all(is_letter);
    fits.then(|| hash(user, &letters))
}

/// The account is hashed with the code, so that a code fits its own account alone.
fn hash(user: &UserId, letters: &str) -> TokenHash {
    TokenHash::of(&format!("recovery code of {user}: {letters}"))
}

fn grouped(letters: &str) -> String {
    let mut text = String::with_capacity(letters.len() + 3);
    for (at, letter) in letters.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use secrecy::{ExposeSecret as _, SecretString};

    use super::*;

    #[test]
    fn ten_different_codes_of_eighty_bits_fit_their_account_alone() {
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());

        let (codes, tokens) = fresh(&ada, Timestamp::UNIX_EPOCH).unwrap();

        let texts: HashSet<&str> = codes
            .expose()
            .iter()
            .map(SecretString::expose_secret)
            .collect();
        assert_eq!((texts.len(), tokens.len()), (10, 10));
        for (code, token) in codes.expose().iter().zip(&tokens) {
            let code = code.expose_secret();
            assert_eq!(code.len(), 19);
            assert_eq!(hash_of(&ada, code), Some(token.hash));
            let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
            assert_eq!(hash_of(&ada, &typed), Some(token.hash));
            assert_ne!(hash_of(&bob, code), Some(token.hash));
            assert!(!format!("{codes:?} {token:?}").contains(code));
        }
    }

    #[test]
    fn digits_that_no_code_holds_are_read_as_letters() {
        let ada = "ada".parse().unwrap();

        assert_eq!(
            hash_of(&ada, "OIBA-OIBA-OIBA-OIBA"),
            hash_of(&ada, "018a018a018a018a")
        );
        for text in [
            "",
            "AAAA",
            "AAAA-AAAA-AAAA-AAA9",
            "AAAAAAAAAAAAAAAAA",
            "ÄAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(hash_of(&ada, text), None, "{text:?}");
        }
    }
}
