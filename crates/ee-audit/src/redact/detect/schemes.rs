//! Secrets with a frame: schemes of authorization, logins in URLs, PEM blocks and tokens of three parts.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Finder, Kind, after_mark, count, position, random};

/// Farthest that the host of a URL may be from its scheme.
const LONGEST_LOGIN: usize = 512;
/// Shortest first part of a JSON Web Token that names an algorithm.
const SHORTEST_HEADER: usize = 10;
/// Longest name and password behind `Basic`, in base64.
const LONGEST_BASIC: usize = 4_096;
/// Shortest token behind `Bearer`.
const SHORTEST_BEARER: usize = 8;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Reads base64 of either alphabet.
pub(super) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let is_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = if is_safe { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

/// Reads base64 of a text. `None` for anything else: hardly any random bytes are one.
pub(super) fn text_from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let bytes = from_base64(text)?;
    let is_plain = |c: char| !c.is_control() || c.is_whitespace();
    let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| text.chars().all(is_plain));
    is_text.then_some(bytes)
}

/// What `token68` is made of (RFC 9110 §11.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

/// How many bytes stand between a scheme and its token.
fn gap(text: &[u8]) -> usize {
    count(text, |it| matches!(it, b' ' | b'\t' | b'+' | b':' | b'='))
}

impl Finder<'_> {
    /// A name and a password behind `Basic`.
    pub(super) fn basic(&mut self, word: &[u8], end: usize) {
        if !word.eq_ignore_ascii_case(b"basic") {
            return;
        }
        let start = end + gap(self.rest(end));
        let rest = self.part(start..self.text.len().min(start + LONGEST_BASIC));
        let length = count(rest, |it| is_token(it) && it != b'=');
        let padding = count(rest.get(length..).unwrap_or_default(), |it| it == b'=');
        let token = rest.get(..length + padding).unwrap_or_default();
        let is_login = text_from_base64(token).is_some_and(|text| text.contains(&b':'));
        if is_login {
            self.add(start..start + token.len(), Kind::Basic);
        }
    }

    /// A token behind `Bearer`. Much is written of bearer tokens, so words stay.
    pub(super) fn bearer(&mut self, word: &[u8], end: usize) {
        if !word.eq_ignore_ascii_case(b"bearer") {
            return;
        }
        let start = end + gap(self.rest(end));
        let rest = self.rest(start);
        let token = rest.get(..count(rest, is_token)).unwrap_or_default();
        if token.len() >= SHORTEST_BEARER && !random::is_wordy(token) {
            self.add(start..start + token.len(), Kind::Bearer);
        }
    }

    /// The password in `scheme://user:password@host`, whose colon is there. A password may hold what it should not.
    pub(super) fn login(&mut self, colon: usize) {
        let start = colon + 3;
        let text = self.part(start..self.text.len().min(start + LONGEST_LOGIN));
        let is_inside =
            |it: u8| !it.is_ascii_whitespace() && !matches!(it, b'"' | b'\'' | b'<' | b'>' | b'`');
        let text = text.get(..count(text, is_inside)).unwrap_or_default();
        let user = count(text, |it| {
            !matches!(it, b':' | b'/' | b'?' | b'#' | b'@' | b'[')
        });
        let Some(secret) = text.get(user..).and_then(|rest| rest.strip_prefix(b":")) else {
            return;
        };
        let port = count(secret, |it| it.is_ascii_digit());
        let is_port = matches!(
            secret.get(port),
            None | Some(b'/' | b'?' | b'#' | b',' | b')' | b';')
        );
        if is_port || after_mark(secret).is_some_and(|rest| rest.starts_with(b"@")) {
            return;
        }
        let authority = count(secret, |it| !matches!(it, b'/' | b'?' | b'#'));
        let authority = secret.get(..authority).unwrap_or_default();
        let end = authority.iter().rposition(|it| *it == b'@');
        if let Some(length) = end.or_else(|| secret.iter().position(|it| *it == b'@')) {
            let start = start + user + 1;
            self.add(start..start + length, Kind::Login);
        }
    }

    /// A PEM block (RFC 7468), whose first word ends there. One without an end goes to the end of the text.
    pub(super) fn pem(&mut self, end: usize) {
        let start = end - b"-----BEGIN".len();
        let rest = self.rest(end);
        let label = count(rest, |it| {
            it.is_ascii_uppercase() || it.is_ascii_digit() || it == b' '
        });
        if label < 2 || !rest.get(label..).unwrap_or_default().starts_with(b"-----") {
            return;
        }
        let length = position(rest, b"-----END").map_or(rest.len(), |begin| {
            let label = begin + b"-----END".len();
            let tail = rest.get(label..).unwrap_or_default();
            label + position(tail, b"-----").map_or(tail.len(), |length| length + 5)
        });
        self.add(start..end + length, Kind::Pem);
    }

    /// JSON Web Tokens (RFC 7519): base64url of a JSON object, and more of it behind dots.
    pub(super) fn jwts(&mut self, word: &[u8], start: usize) {
        let mut from = 0;
        while let Some(begin) = word.get(from..).and_then(begin_of_object) {
            let begin = from + begin;
            let rest = word.get(begin..).unwrap_or_default();
            let header = count(rest, is_base64url);
            let body = rest.get(header..).unwrap_or_default();
            let is_header = header >= SHORTEST_HEADER
                && body.get(1).is_some_and(|byte| is_base64url(*byte))
                && text_from_base64(rest.get(..header).unwrap_or_default()).is_some();
            from = begin + header.max(1);
            if is_header && body.starts_with(b".") {
                let length = header + count(body, |it| it == b'.' || is_base64url(it));
                self.add(start + begin..start + begin + length, Kind::Jwt);
                from = begin + length;
            }
        }
    }
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Finds base64 of `{"`, or of `{` and a space or a line break.
fn begin_of_object(word: &[u8]) -> Option<usize> {
    let is_begin = |part: &[u8]| match part {
        [b'e', rest @ ..] => matches!(rest, b"yJ" | b"yA" | b"yI" | b"wo" | b"wk" | b"w0"),
        _ => false,
    };
    word.windows(3).position(is_begin)
}
