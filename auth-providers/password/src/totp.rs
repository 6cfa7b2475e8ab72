//! Codes of authenticators (RFC 6238): SHA-1, 6 digits, 30 seconds.
//!
//! Forty lines over the HMAC of `aws-lc-rs`, the back end that this workspace has (ADR 0009). A
//! crate for them would bring a second HMAC and SHA-1, and has had to be taught constant time
//! (RUSTSEC-2022-0018).

mod base32;
pub(crate) mod recovery;
mod vault;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

pub(crate) use base32::base32;
pub(crate) use vault::{FactorVault, key_uri};

/// Digits of a code.
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
/// Seconds that a code is shown.
const STEP_SECONDS: u64 = 30;

/// Returns the code of a time step (RFC 4226 §5.3 over RFC 6238 §4.2).
fn code(secret: &[u8], step: u64) -> [u8; DIGITS] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let mut number = truncated(tag.as_ref()) % MODULUS;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    digits
}

/// Takes 31 bits from where the last four say (RFC 4226 §5.3).
fn truncated(tag: &[u8]) -> u32 {
    let offset = tag.last().map_or(0, |last| usize::from(last & 0x0f));
    let bytes = tag.get(offset..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes) & 0x7fff_ffff)
}

/// Returns the time steps whose code it is: the present one and its two neighbours, for clocks that differ. All of them
/// are computed whatever is shown.
pub(crate) fn steps_of(secret: &[u8], shown: &str, now: Timestamp) -> Vec<u64> {
    let Some(present) = step_at(now) else {
        return Vec::new();
    };
    let mut steps = Vec::with_capacity(3);
    for step in present.saturating_sub(1)..=present.saturating_add(1) {
        if code(secret, step).ct_eq(shown.as_bytes()).into() {
            steps.push(step);
        }
    }
    steps
}

/// Returns the latest step whose code is taken at this moment.
pub(crate) fn newest_step(now: Timestamp) -> u64 {
    step_at(now).map_or(0, |step| step.saturating_add(1))
}

fn step_at(now: Timestamp) -> Option<u64> {
    let seconds = u64::try_from(now.as_second()).ok()?;
    Some(seconds / STEP_SECONDS)
}

/// Returns the digits of what was typed, if it can be a code: people group digits.
pub(crate) fn read_code(typed: &str) -> Option<String> {
    if typed.len() > 32 {
        return None;
    }
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let is_code = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(digits)
}

/// Returns the code that an authenticator shows, for tests.
#[doc(hidden)]
pub fn totp_for_tests(base32_secret: &str, now: Timestamp) -> Option<String> {
    let secret = base32::unbase32(base32_secret)?;
    String::from_utf8(code(&secret, step_at(now)?).to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238 Appendix B, SHA-1; the last six of its eight digits.
    #[test]
    fn the_vectors_of_rfc_6238() {
        for (second, eight) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = step_at(at(second)).unwrap();
            assert_eq!(code(SECRET, step), eight.as_bytes()[2..], "{second}");
            assert_eq!(steps_of(SECRET, &eight[2..], at(second)), [step]);
        }
    }

    /// RFC 4226 Appendix D: the counters 0 to 9.
    #[test]
    fn the_vectors_of_rfc_4226() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (step, expected) in (0..).zip(codes) {
            assert_eq!(code(SECRET, step), expected.as_bytes());
        }
    }

    #[test]
    fn a_code_is_good_one_step_early_and_one_late() {
        let shown = String::from_utf8(code(SECRET, 100).to_vec()).unwrap();

        for (second, is_good) in [
            (99 * 30 - 1, false),
            (99 * 30, true),
            (101 * 30 + 29, true),
            (102 * 30, false),
        ] {
            let steps = steps_of(SECRET, &shown, at(second));
            assert_eq!(steps == [100], is_good, "{second}");
        }
        assert!(steps_of(SECRET, &shown, at(-1)).is_empty());
        assert!(!steps_of(SECRET, "755224", Timestamp::UNIX_EPOCH).is_empty());
    }

    #[test]
    fn digits_may_be_grouped_and_nothing_else_is_a_code() {
        assert_eq!(read_code(" 123 456\n").as_deref(), Some("123456"));
        for text in [
            "",
            "12345",
            "1234567",
            "12345a",
            "１２３４５６",
            "+12345",
            &" ".repeat(1_000),
        ] {
            assert_eq!(read_code(text), None, "{text:?}");
        }
    }
}
