//! Secrets by the name in front of them: `password=…`, `"apiKey": "…"`, `<token>…</token>`, `--secret …`, `Cookie: …`.
//!
//! Behind a colon without quotes there may be prose, such as `invalid token: signature mismatch`. Words stay there when
//! more words follow, in what reads as a permission (`secrets:read`), and where prose ends so.

use std::ops::Range;

use super::{
    super::names::{self, Class},
    Finder, Kind, MARK, Sort, after_mark, count, ends_with, random,
};

/// Longest name that is looked at.
const LONGEST_NAME: usize = 64;
/// Longest word that may be a scheme or a cookie.
const LONGEST_WORD: usize = 1_024;
/// Most signs between a name and the separator.
const MOST_SIGNS: usize = 8;

/// Schemes whose credentials go on to the end of the line.
const SCHEMES: [&[u8]; 10] = [
    b"apikey",
    b"aws4-hmac-sha256",
    b"basic",
    b"bearer",
    b"digest",
    b"dpop",
    b"hawk",
    b"negotiate",
    b"ntlm",
    b"token",
];
/// What is no secret wherever it stands.
const LITERALS: [&[u8]; 6] = [b"false", b"nil", b"none", b"null", b"true", b"undefined"];
/// What prose says of secrets, at its end.
const PROSE: &str = "absent changed compromised denied disabled empty enabled expired failed hidden incorrect invalid \
                     leaked missing mismatch ok optional present redacted refused rejected removed required reset \
                     revoked rotated unknown unset weak wrong";

/// What a name promises of its value.
#[derive(Clone, Copy, PartialEq)]
enum Promise {
    /// Pairs of cookies up to the end of the line.
    Cookies,
    /// A secret, unless it is a number.
    Countable,
    /// A scheme and credentials up to the end of the line.
    Credentials,
    /// One value.
    Secret,
    /// A secret, unless it is the id of a session.
    Session,
}

impl Promise {
    fn of(name: &[u8]) -> Option<Self> {
        match names::class_of_bytes(name) {
            Class::Countable => Some(Self::Countable),
            Class::Secret if ends_with(name, b"cookie") => Some(Self::Cookies),
            Class::Secret if ends_with(name, b"authorization") => Some(Self::Credentials),
            Class::Secret => Some(Self::Secret),
            Class::Session => Some(Self::Session),
            Class::Digest | Class::Id | Class::Open => None,
        }
    }

    fn is_kept(self, value: &[u8]) -> bool {
        match self {
            Self::Countable => names::is_count(value),
            Self::Session => names::is_session_id(value),
            Self::Cookies | Self::Credentials | Self::Secret => false,
        }
    }
}

/// How a name and its value are written.
#[derive(Clone, Copy)]
struct Form {
    /// Whether the name is one of several things, as those of permissions are.
    is_plural: bool,
    /// Whether the name stood in quotes.
    is_quoted: bool,
    /// Whether blanks stand in front of the value.
    is_spaced: bool,
    promise: Promise,
    separator: u8,
}

impl Finder<'_> {
    /// A separator between a name and a value, perhaps.
    pub(super) fn assignment(&mut self, at: usize, separator: u8) {
        let Some(mut form) = self.name_before(at, separator) else {
            return;
        };
        let rest = self.rest(at + 1);
        let arrow = match (separator, rest) {
            (b'=', [b'=', ..]) | (b':', [b':', ..]) => return,
            (b'=', [b'>', ..]) | (b':', [b'=', ..]) => 1,
            _ => 0,
        };
        let blanks = count(rest.get(arrow..).unwrap_or_default(), is_blank);
        form.is_spaced = blanks > 0;
        let mut start = at + 1 + arrow + blanks;
        let mut is_marked = false;
        while let Some(rest) = after_mark(self.rest(start)) {
            start = self.text.len() - rest.len();
            is_marked = true;
        }
        let inside = if is_marked {
            0..unquoted(self.rest(start), form)
        } else {
            value(self.rest(start), form)
        };
        let at = start + inside.start..start + inside.end;
        if !is_literal(self.part(at.clone())) {
            self.add(at, Kind::Secret);
        }
    }

    /// An option of a command line, such as `--password`, and its value behind a space.
    pub(super) fn option(&mut self, word: &[u8], end: usize) {
        let Some(rest) = self.rest(end).strip_prefix(b" ") else {
            return;
        };
        if self.sort == Sort::Known || Promise::of(word) != Some(Promise::Secret) {
            return;
        }
        let length = count(rest, |it| !it.is_ascii_whitespace() && !is_quote(it));
        let value = rest.get(..length).unwrap_or_default();
        if !value.starts_with(b"-") && after_mark(value).is_none() && !random::is_wordy(value) {
            self.add(end + 1..end + 1 + length, Kind::Secret);
        }
    }

    /// Reads the name in front of a separator.
    fn name_before(&self, at: usize, separator: u8) -> Option<Form> {
        let before = self.part(at.saturating_sub(LONGEST_NAME + MOST_SIGNS)..at);
        let is_sign = |it: &&u8| matches!(it, b' ' | b'"' | b'\'' | b'`' | b'\\' | b']');
        let signs = before
            .iter()
            .rev()
            .take(MOST_SIGNS)
            .take_while(is_sign)
            .count();
        let (before, signs) = before.split_at(before.len() - signs);
        let is_name =
            |it: &&u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.' | 128..);
        let length = before
            .iter()
            .rev()
            .take(LONGEST_NAME)
            .take_while(is_name)
            .count();
        let (before, name) = before.split_at(before.len() - length);
        let is_tag = before.ends_with(b"<") && signs.is_empty();
        if name.len() < 3
            || separator == b'>' && !is_tag
            || before.ends_with(b"hmac-sha256:")
            || before.ends_with(MARK)
        {
            return None;
        }
        // What issuers of authorization codes send back (RFC 6749 §4.1.2).
        let is_code =
            name == b"code" && separator == b'=' && matches!(before.last(), Some(b'?' | b'&'));
        let promise = if is_code {
            Some(Promise::Secret)
        } else {
            Promise::of(name)
        };
        Some(Form {
            is_plural: ends_with(name, b"s"),
            is_quoted: signs.iter().any(|it| is_quote(*it)),
            is_spaced: false,
            promise: promise?,
            separator,
        })
    }
}

/// Returns where the secret is in what follows a separator; nowhere when there is none.
fn value(text: &[u8], form: Form) -> Range<usize> {
    if form.separator == b'>' {
        let length = count(text, |it| it != b'<');
        let is_closed = text
            .get(length..)
            .is_some_and(|rest| rest.starts_with(b"</"));
        return 0..if is_closed { length } else { 0 };
    }
    let slashes = count(text, |it| it == b'\\');
    if let Some(quote) = text.get(slashes).copied().filter(|it| is_quote(*it)) {
        let start = slashes + 1;
        let inside = text.get(start..).unwrap_or_default();
        let length = quoted(inside, quote, slashes > 0);
        let value = inside.get(..length).unwrap_or_default();
        let is_done = after_mark(value).is_some_and(<[u8]>::is_empty);
        let length = if is_done || form.promise.is_kept(value) {
            0
        } else {
            length
        };
        return start..start + length;
    }
    let length = match (form.promise, text.first()) {
        (Promise::Cookies | Promise::Credentials | Promise::Secret, Some(b'[' | b'{'))
            if form.is_quoted =>
        {
            nested(text)
        }
        (Promise::Countable, Some(b'[' | b'{')) => 0,
        (Promise::Cookies, _) if first_word(text).contains(&b'=') => line(text),
        (Promise::Credentials, _) => credentials(text, form),
        _ => unquoted(text, form),
    };
    0..length
}

/// Up to the quote that ends a text. One that stands in a text itself is escaped, and so are its signs.
fn quoted(text: &[u8], quote: u8, is_escaped: bool) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if is_escaped && text.get(at + 1) == Some(&quote) => return at,
            b'\\' => at += 2,
            byte if *byte == quote => return at,
            _ => at += 1,
        }
    }
    text.len()
}

/// Up to the bracket that ends a list or an object.
fn nested(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// Up to the end of a line, or of a quotation around it.
fn line(text: &[u8]) -> usize {
    count(text, |it| !matches!(it, b'\n' | b'\r') && !is_quote(it))
}

fn credentials(text: &[u8], form: Form) -> usize {
    let word = first_word(text);
    if !SCHEMES
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
    {
        return unquoted(text, form);
    }
    match text.get(word.len() + 1..) {
        Some(rest) if !rest.is_empty() && after_mark(rest).is_none() => line(text),
        _ => 0,
    }
}

/// Up to what ends a value without quotes.
fn unquoted(text: &[u8], form: Form) -> usize {
    let is_inside = |it: u8| {
        !it.is_ascii_whitespace() && !is_quote(it) && !matches!(it, b'&' | b';' | b'<' | b'>')
    };
    let is_part = |it: u8| is_inside(it) && !matches!(it, b':' | b',' | b')' | b'}' | b']');
    let word = text.get(..count(text, is_part)).unwrap_or_default();
    let follows = text.get(word.len()..).unwrap_or_default();
    let is_prose = || {
        let more = follows.get(count(follows, is_blank)..).unwrap_or_default();
        let is_led_on = follows.first().is_some_and(|it| is_blank(*it));
        let goes_on = is_led_on && more.first().is_some_and(u8::is_ascii_alphanumeric);
        let is_permission = form.is_plural && !form.is_spaced;
        random::is_wordy(word) && (goes_on || is_permission || says_prose(word))
    };
    let may_be_prose = form.separator == b':' && !form.is_quoted;
    if form.promise.is_kept(word) || may_be_prose && is_prose() {
        return 0;
    }
    count(text, is_inside)
}

fn says_prose(word: &[u8]) -> bool {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let mut prose = PROSE.split(' ').map(str::as_bytes);
    prose.any(|it| word.eq_ignore_ascii_case(it))
}

fn first_word(text: &[u8]) -> &[u8] {
    let text = text.get(..text.len().min(LONGEST_WORD)).unwrap_or_default();
    let length = count(text, |it| !it.is_ascii_whitespace());
    text.get(..length).unwrap_or_default()
}

fn is_literal(value: &[u8]) -> bool {
    let end = value
        .iter()
        .rposition(|it| !matches!(it, b',' | b'}' | b']' | b')'));
    let value = end.and_then(|end| value.get(..=end)).unwrap_or_default();
    value.is_empty() || LITERALS.iter().any(|it| value.eq_ignore_ascii_case(it))
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}
