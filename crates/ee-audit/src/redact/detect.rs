//! Finds secrets in texts.
//!
//! | Kind | What is found |
//! | --- | --- |
//! | `basic` | what stands behind `Basic` and is a name and a password in base64 |
//! | `bearer` | what stands behind `Bearer` and is no word |
//! | `card` | numbers of payment cards: length and first digits of a network, and the check digit |
//! | `jwt` | JSON Web Tokens, signed or encrypted |
//! | `key` | keys and tokens that begin as those of a known issuer do, ours among them |
//! | `login` | the password in `scheme://user:password@host` |
//! | `pem` | PEM blocks of any kind |
//! | `secret` | what is assigned to a name that says it is secret: `password=…`, `"apiKey": "…"`, `<token>…`, `Cookie: …` |
//! | `token` | what looks random: see `random` |
//!
//! What is written with percent signs or backslashes is searched as it is and as it reads, up to three times over, and
//! what looks random but is a text in base64 is searched as that text.

mod assigned;
mod card;
mod issuers;
mod random;
mod schemes;
mod unescape;

use std::ops::Range;

pub(super) use card::is_card;

/// What a text is taken for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sort {
    /// A digest, or something public that looks as random as a secret.
    Digest,
    /// The id of a thing, which may look rather random.
    Id,
    /// What somebody wants to read as it is: only what has a known format is found.
    Known,
    /// Any other.
    Text,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Basic,
    Bearer,
    Card,
    Jwt,
    Key,
    Login,
    Pem,
    Secret,
    Token,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Basic,
        Self::Bearer,
        Self::Card,
        Self::Jwt,
        Self::Key,
        Self::Login,
        Self::Pem,
        Self::Secret,
        Self::Token,
    ];

    const fn mark(self) -> &'static str {
        match self {
            Self::Basic => "[redacted:basic]",
            Self::Bearer => "[redacted:bearer]",
            Self::Card => CARD,
            Self::Jwt => "[redacted:jwt]",
            Self::Key => "[redacted:key]",
            Self::Login => "[redacted:login]",
            Self::Pem => "[redacted:pem]",
            Self::Secret => SECRET,
            Self::Token => "[redacted:token]",
        }
    }
}

/// What stands in place of the number of a card.
pub(super) const CARD: &str = "[redacted:card]";
/// What stands in place of a value whose name says that it is secret.
pub(super) const SECRET: &str = "[redacted:secret]";
/// What all of them begin with.
const MARK: &[u8] = b"[redacted:";

/// Shortest text that is searched, such as `pin=1234`.
const SHORTEST: usize = 8;
/// Shortest word that is searched: shorter ones are too easy to guess to be keys.
const SHORTEST_WORD: usize = 16;
/// Shortest word that says what follows: `Basic`.
const SHORTEST_MARK: usize = 5;
/// How many bytes are looked at together.
const BLOCK: usize = 64;
/// How often a text is read in another way.
const DEEPEST: u8 = 3;
/// How often what is left of a text is searched again: nothing new shows up in it but by a freak.
const ROUNDS: u8 = 3;

/// Takes the secrets out of a text, and tells whether there were any.
pub(super) fn redact(text: &mut String, sort: Sort) -> bool {
    let mut was_redacted = false;
    for _ in 0..ROUNDS {
        let spans = find(text.as_bytes(), sort, 0);
        if spans.is_empty() {
            break;
        }
        *text = replace(text, spans);
        was_redacted = true;
    }
    was_redacted
}

/// Tells whether a text holds a secret.
pub(super) fn holds_secret(text: &str) -> bool {
    !find(text.as_bytes(), Sort::Text, 0).is_empty()
}

/// Tells whether this is what stands in place of a secret, and nothing else.
pub(super) fn is_mark(text: &str) -> bool {
    after_mark(text.as_bytes()).is_some_and(<[u8]>::is_empty)
}

/// Tells whether a text begins with what stands in place of a secret.
pub(super) fn begins_with_mark(text: &str) -> bool {
    after_mark(text.as_bytes()).is_some()
}

/// Returns what follows behind a mark that the text begins with.
fn after_mark(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(MARK)?;
    let mut kinds = Kind::ALL.iter();
    kinds.find_map(|kind| text.strip_prefix(kind.mark().as_bytes()))
}

/// Puts marks where the secrets were.
fn replace(text: &str, mut spans: Vec<Span>) -> String {
    spans.sort_by_key(|span| (span.at.start, usize::MAX - span.at.end));
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        if span.at.end <= end {
            continue;
        }
        if span.at.start >= end {
            kept.push_str(slice(text, end..span.at.start));
            kept.push_str(span.kind.mark());
        }
        end = text.ceil_char_boundary(span.at.end);
    }
    kept.push_str(slice(text, end..text.len()));
    kept
}

/// A part of a text, without the character that a limit cuts through.
fn slice(text: &str, at: Range<usize>) -> &str {
    let end = text.floor_char_boundary(at.end);
    text.get(at.start..end).unwrap_or_default()
}

/// A secret in a text.
struct Span {
    at: Range<usize>,
    kind: Kind,
}

/// Finds the secrets in a text that was read in another way so many times.
fn find(text: &[u8], sort: Sort, depth: u8) -> Vec<Span> {
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let mut finder = Finder {
        depth,
        done: 0,
        found: Vec::new(),
        sort,
        text,
    };
    finder.run();
    finder.found
}

struct Finder<'a> {
    depth: u8,
    /// Up to where everything is a secret already.
    done: usize,
    found: Vec<Span>,
    sort: Sort,
    text: &'a [u8],
}

/// Letters, digits, and the signs of keys, numbers and paths.
const WORD: u8 = 1;
/// What stands between a name and its value.
const SEPARATOR: u8 = 2;
/// What says that the text can be read in another way.
const ESCAPE: u8 = 4;

#[expect(clippy::indexing_slicing, reason = "the compiler works it out")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        classes[byte as usize] = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'+' | b'/' | b'~' | b'.' => {
                WORD
            }
            b'=' | b':' | b'>' => SEPARATOR,
            b'%' | b'\\' => ESCAPE,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
}

impl<'a> Finder<'a> {
    fn run(&mut self) {
        let text = self.text;
        let (mut signs, mut start) = (0, 0);
        for (number, block) in text.chunks(BLOCK).enumerate() {
            let mut ends = ends_of(block);
            while ends != 0 {
                let end = number * BLOCK + ends.trailing_zeros() as usize;
                ends &= ends - 1;
                self.word(start..end);
                start = end + 1;
                let byte = text.get(end).copied().unwrap_or_default();
                signs |= class(byte);
                if class(byte) & SEPARATOR != 0 {
                    self.separator(end, byte);
                }
            }
        }
        self.word(start..text.len());
        if self.sort != Sort::Known && card::may_be_in(text) {
            self.cards();
        }
        if signs & ESCAPE != 0 && self.depth < DEEPEST {
            self.read_otherwise();
        }
    }

    /// A run of what keys and tokens are made of.
    fn word(&mut self, at: Range<usize>) {
        if at.len() < SHORTEST_MARK {
            return;
        }
        let word = self.part(at.clone());
        let may_matter = at.len() >= SHORTEST_WORD
            || matches!(word.first(), Some(b'B' | b'b' | b'-'))
            || word.last() == Some(&b'N');
        if may_matter && at.end > self.done {
            self.long_word(word, at);
        }
    }

    fn long_word(&mut self, word: &[u8], at: Range<usize>) {
        match at.len() {
            5 => self.basic(word, at.end),
            6 => self.bearer(word, at.end),
            _ => {}
        }
        if word.starts_with(b"--") {
            self.option(word, at.end);
        }
        if word.ends_with(b"-----BEGIN") {
            self.pem(at.end);
        }
        if at.len() < SHORTEST_WORD || random::is_hex_or_signs(word) {
            return;
        }
        self.keys(word, at.start);
        self.jwts(word, at.start);
        if matches!(self.sort, Sort::Id | Sort::Text) {
            self.tokens(word, at.start);
        }
    }

    fn separator(&mut self, at: usize, byte: u8) {
        if at < self.done {
            return;
        }
        if byte == b':' && self.part(at + 1..at + 3) == b"//" {
            self.login(at);
        } else if self.sort != Sort::Known {
            self.assignment(at, byte);
        }
    }

    /// What the text says in another way of writing.
    fn read_otherwise(&mut self) {
        let Some(read) = unescape::unescape(self.text) else {
            return;
        };
        let spans = find(&read.text, self.sort, self.depth + 1);
        let spans = spans.into_iter().map(|span| Span {
            at: read.origin(span.at),
            kind: span.kind,
        });
        self.found.extend(spans);
    }

    fn add(&mut self, at: Range<usize>, kind: Kind) {
        if !at.is_empty() {
            self.done = self.done.max(at.end);
            self.found.push(Span { at, kind });
        }
    }

    /// A part of the text, or nothing.
    fn part(&self, at: Range<usize>) -> &'a [u8] {
        self.text.get(at).unwrap_or_default()
    }

    /// What begins there.
    fn rest(&self, at: usize) -> &'a [u8] {
        self.text.get(at..).unwrap_or_default()
    }
}

/// Returns a bit for each byte that is no part of a word. Most of the time goes by here, so there are no branches.
fn ends_of(block: &[u8]) -> u64 {
    let is_end = |byte: &u8| class(*byte) & WORD == 0;
    let of_part = |part: &[u8]| {
        part.iter()
            .rev()
            .fold(0_u64, |ends, byte| ends << 1 | u64::from(is_end(byte)))
    };
    block
        .chunks(8)
        .rev()
        .fold(0, |ends, part| ends << 8 | of_part(part))
}

/// How many bytes at the beginning fit.
fn count(text: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| fits(**byte)).count()
}

/// Finds a text in another.
fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

/// Tells how a text ends, whatever the case.
fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let tail = text
        .len()
        .checked_sub(end.len())
        .and_then(|start| text.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}
