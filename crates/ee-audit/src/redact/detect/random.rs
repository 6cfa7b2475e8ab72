//! Tells what is random from words, names and ids.
//!
//! A run is made of letters, digits and `-`, `_`, `+`, `/`, `~`; the pieces of a run stand between those signs. Two
//! neighbours in a piece are *odd* when one is a letter and the other a digit, or when both are letters which seldom
//! follow each other in words and identifiers ([`FOLLOWERS`]). Neither a capital behind a small letter is odd, nor are
//! doubled letters and neighbours of the alphabet. In random text more than half of the pairs are odd, in words and
//! identifiers hardly one of twenty.
//!
//! A run is a secret when it has two of small letters, capitals and digits, and
//!
//! 1. pieces with a fifth of odd pairs, one of them eight long, hold more bits than an id does (136, or 190 where an id
//!    stands: UUIDs, ULIDs and the like have up to 130, ids of model providers up to 172), or
//! 2. has small letters and capitals and a quarter of odd pairs, and holds as many bits with its signs, or
//! 3. is 43 characters long, as 256 bits in base64 are, has small letters and capitals, and a tenth of odd pairs, or
//! 4. has slashes or pluses as base64 has, 32 characters or more, small letters and capitals, a fifth of odd pairs, and no word
//!    of 20 letters.
//!
//! Of a path, which has steps of small letters alone, each step is judged for itself.
//!
//! Not counted are pieces of eight and more hexadecimal digits of one case (UUIDs, digests, traces), a piece of up to 29
//! characters behind a short word and an underscore (`thread_…`) unless the limit for ids is passed, and what has
//! `sha256:`, `hmac-sha256:…:` or the like in front. What reads as a text in base64 is judged by that text.

use std::ops::Range;

use super::{
    DEEPEST, Finder, Kind, Sort, count, ends_with, find, position, schemes::text_from_base64,
};

/// Most bits of an id.
const BITS: usize = 136;
/// Most bits of an id where one stands.
const BITS_OF_IDS: usize = 190;
/// Fewest characters that hold more.
const SHORTEST: usize = 23;
/// Characters of 256 bits in base64url: the session ids, links and keys of this product.
const OURS: usize = 43;
/// Fewest characters of base64 with slashes.
const SHORTEST_BASE64: usize = 32;
/// Fewest digits of a digest.
const HEX: usize = 8;
/// What stands in front of digests that are not hexadecimal.
const SHA: [&[u8]; 3] = [b"sha1", b"sha256", b"sha512"];
/// Longest id behind a word and an underscore.
const LONGEST_TYPED: usize = 29;

/// What often follows each letter: 96 % of the pairs in the words of source code and its documentation.
const FOLLOWERS: [&[u8]; 26] = [
    b"abcdfgiklmnprstuvwxy",
    b"abceilorsuy",
    b"acdefhiklorstuy",
    b"abdefilorsu",
    b"abcdefgilmnopqrstuvwxy",
    b"adefilorstu",
    b"aeghilnorsu",
    b"aeiortu",
    b"abcdefglmnoprstvxz",
    b"e",
    b"aeis",
    b"adeilopstuy",
    b"abeilmopsu",
    b"acdefgiklnopstuv",
    b"abcdfgiklmnoprstuvwx",
    b"acehiloprstuy",
    b"u",
    b"acdefgiklmnoprstuvy",
    b"acehiklmnopstuy",
    b"acdefhilmoprstuwy",
    b"abcdefgilmnprst",
    b"aeio",
    b"aehinors",
    b"aceipt",
    b"mnpst",
    b"e",
];

/// The same as a bit for each letter.
#[expect(clippy::indexing_slicing, reason = "the compiler works it out")]
const FOLLOWS: [u32; 26] = {
    let mut follows = [0; 26];
    let mut letter = 0;
    while letter < 26 {
        let followers = FOLLOWERS[letter];
        let mut at = 0;
        while at < followers.len() {
            follows[letter] |= 1 << (followers[at] - b'a');
            at += 1;
        }
        letter += 1;
    }
    follows
};

const SMALL: u8 = 1;
const CAPITAL: u8 = 2;
const DIGIT: u8 = 4;

/// Hundredths of bits of a character, by what there is.
const BITS_EACH: [usize; 8] = [0, 470, 470, 570, 332, 517, 517, 595];

const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'+' | b'/' | b'~')
}

const fn classes(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => SMALL,
        b'A'..=b'Z' => CAPITAL,
        b'0'..=b'9' => DIGIT,
        _ => 0,
    }
}

fn is_odd(one: u8, next: u8) -> bool {
    match (classes(one), classes(next)) {
        (DIGIT, DIGIT) | (SMALL, CAPITAL) => false,
        (DIGIT, _) | (_, DIGIT) => true,
        _ => {
            let (one, next) = (one.to_ascii_lowercase(), next.to_ascii_lowercase());
            let follows = FOLLOWS
                .get(usize::from(one.wrapping_sub(b'a')))
                .copied()
                .unwrap_or_default();
            let is_common = follows >> (next.wrapping_sub(b'a') & 31) & 1 == 1;
            !is_common && one != next && one + 1 != next
        }
    }
}

/// What was counted in a run, or in a part of it.
#[derive(Clone, Copy, Default)]
struct Tally {
    classes: u8,
    length: usize,
    odd: usize,
    pairs: usize,
}

impl Tally {
    fn of(piece: &[u8]) -> Self {
        let odd = piece
            .windows(2)
            .filter(|pair| matches!(pair, [one, next] if is_odd(*one, *next)));
        // The capital at the beginning of a word is nothing strange.
        let rest = piece.get(1..).unwrap_or_default();
        let is_word = !rest.is_empty() && rest.iter().all(u8::is_ascii_lowercase);
        let counted = if is_word { rest } else { piece };
        Self {
            classes: counted.iter().fold(0, |all, byte| all | classes(*byte)),
            length: piece.len(),
            odd: odd.count(),
            pairs: piece.len().saturating_sub(1),
        }
    }

    fn add(&mut self, other: Self) {
        self.classes |= other.classes;
        self.length += other.length;
        self.odd += other.odd;
        self.pairs += other.pairs;
    }

    /// Whether one of so many pairs is odd.
    const fn is_odd(&self, of: usize) -> bool {
        self.odd * of >= self.pairs
    }

    const fn is_mixed(&self) -> bool {
        self.classes & (SMALL | CAPITAL) == SMALL | CAPITAL
    }

    fn holds_more(&self, signs: usize, bits: usize) -> bool {
        let each = BITS_EACH
            .get(usize::from(self.classes))
            .copied()
            .unwrap_or_default();
        self.classes.count_ones() > 1 && (self.length + signs) * each > bits * 100
    }
}

/// What was counted in a whole run.
#[derive(Default)]
struct Run {
    all: Tally,
    /// Its longest odd piece.
    longest: usize,
    /// Its longest piece that is not odd.
    longest_word: usize,
    odd: Tally,
    signs: usize,
}

impl Run {
    fn of(run: &[u8]) -> Self {
        let mut counted = Self::default();
        let mut pieces = 0;
        for piece in run.split(|byte| is_sign(*byte)) {
            pieces += 1;
            if piece.len() >= HEX && is_hex(piece) {
                counted.longest_word = counted.longest_word.max(piece.len());
                continue;
            }
            let tally = Tally::of(piece);
            counted.all.add(tally);
            if piece.len() < 4 {
                counted.odd.add(tally);
            } else if tally.is_odd(5) {
                counted.odd.add(tally);
                counted.longest = counted.longest.max(piece.len());
            } else {
                counted.longest_word = counted.longest_word.max(piece.len());
            }
        }
        counted.signs = pieces - 1;
        counted
    }

    /// The first three rules.
    fn is_secret(&self, bits: usize) -> bool {
        let has_random = self.longest >= 8;
        has_random && self.odd.holds_more(0, bits)
            || has_random
                && self.all.is_mixed()
                && self.all.is_odd(4)
                && self.all.holds_more(self.signs, bits)
            || self.is_ours()
    }

    /// The third.
    const fn is_ours(&self) -> bool {
        self.all.length + self.signs == OURS && self.all.is_mixed() && self.all.is_odd(10)
    }

    /// The fourth.
    const fn is_base64(&self) -> bool {
        self.longest >= 4 && self.longest_word < 20 && self.all.is_mixed() && self.all.is_odd(5)
    }
}

/// Tells whether all of it is hexadecimal, in letters of one case, perhaps with `0x` in front.
fn is_hex(piece: &[u8]) -> bool {
    let digits = piece.strip_prefix(b"0x").unwrap_or(piece);
    digits
        .iter()
        .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        || digits
            .iter()
            .all(|it| matches!(it, b'0'..=b'9' | b'A'..=b'F'))
}

/// Tells at a glance that a word is a UUID, a digest, a date or a line, which most long words are.
pub(super) fn is_hex_or_signs(word: &[u8]) -> bool {
    let length = count(word, |it| matches!(it, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    length == word.len() && !word.ends_with(b"-----")
}

/// Tells whether a text is made of words: letters without a strange order or case, and what stands between words.
pub(super) fn is_wordy(text: &[u8]) -> bool {
    let is_plain = |it: &u8| {
        it.is_ascii_alphabetic()
            || *it >= 128
            || matches!(it, b'-' | b'_' | b'.' | b'!' | b'?' | b'/')
    };
    let mut pieces = text.split(|it| !it.is_ascii_alphabetic());
    text.iter().all(is_plain) && pieces.all(is_word)
}

/// Capitals stand at the beginning of words, and of the parts of names.
fn is_word(piece: &[u8]) -> bool {
    let first = count(piece, |it| it.is_ascii_uppercase());
    let rest = piece.get(first..).unwrap_or_default();
    let capitals = rest.iter().filter(|it| it.is_ascii_uppercase()).count();
    piece.len() < 4 || capitals * 4 <= piece.len() && !Tally::of(piece).is_odd(5)
}

/// Tells whether there are small letters and capitals.
pub(super) fn is_mixed(text: &[u8]) -> bool {
    Tally::of(text).is_mixed()
}

/// Tells whether the end of a key looks as keys do.
pub(super) fn is_keylike(tail: &[u8]) -> bool {
    let run = Run::of(tail);
    let mut pieces = tail.split(|it| !it.is_ascii_alphanumeric());
    pieces.any(|it| it.len() >= 16 && is_hex(it)) || run.longest >= 6 && run.all.is_odd(6)
}

impl Finder<'_> {
    /// What looks random in a word.
    pub(super) fn tokens(&mut self, word: &[u8], start: usize) {
        let mut at = 0;
        for run in word.split(|byte| *byte == b'.') {
            if run.len() >= SHORTEST {
                self.run_of(run, start + at);
            }
            at += run.len() + 1;
        }
    }

    fn run_of(&mut self, run: &[u8], start: usize) {
        let bits = if self.sort == Sort::Id {
            BITS_OF_IDS
        } else {
            BITS
        };
        let is_secret = |piece: &[u8]| {
            let bits = if is_typed(piece) { BITS_OF_IDS } else { bits };
            piece.len() >= SHORTEST && Run::of(piece).is_secret(bits)
        };
        let has_signs = run.iter().any(|byte| matches!(byte, b'/' | b'+'));
        if !has_signs {
            if is_secret(run) && !self.is_digest(start, run) {
                self.token(start..start + run.len());
            }
        } else if is_path(run) {
            let mut at = 0;
            for piece in run.split(|byte| *byte == b'/') {
                if is_secret(piece) {
                    self.token(start + at..start + at + piece.len());
                }
                at += piece.len() + 1;
            }
        } else if (run.split(|byte| *byte == b'/').any(is_secret) || is_base64(run))
            && !self.is_digest(start, run)
        {
            // A slash of base64 is no end.
            self.token(start..start + run.len());
        }
    }

    /// A token, unless it is a text in base64 that is none.
    fn token(&mut self, at: Range<usize>) {
        let padding = count(self.rest(at.end), |it| it == b'=').min(2);
        let at = at.start..at.end + padding;
        if let Some(text) = text_from_base64(self.part(at.clone()))
            && (self.depth >= DEEPEST || find(&text, self.sort, self.depth + 1).is_empty())
        {
            return;
        }
        self.add(at, Kind::Token);
    }

    /// Digests say what they are, and so do public keys of SSH.
    fn is_digest(&self, start: usize, run: &[u8]) -> bool {
        let before = self.part(start.saturating_sub(40)..start);
        let is_led = before.strip_suffix(b":").is_some_and(|before| {
            let name = before
                .rsplit(|byte| *byte == b':')
                .next()
                .unwrap_or_default();
            let name = before.len() - name.len();
            let keyed = before.get(..name).unwrap_or_default();
            ends_with(keyed, b"hmac-sha256:") || SHA.iter().any(|sha| ends_with(before, sha))
        });
        let is_integrity = [b"sha256-", b"sha384-", b"sha512-"]
            .iter()
            .any(|it| run.starts_with(*it));
        let is_ssh = run.starts_with(b"AAAA")
            && run
                .get(..16)
                .is_some_and(|it| position(it, b"NzaC1").is_some());
        is_led || is_integrity || is_ssh
    }
}

/// The third and the fourth rule, for base64 with slashes or pluses.
fn is_base64(run: &[u8]) -> bool {
    run.len() >= SHORTEST_BASE64 && {
        let counted = Run::of(run);
        counted.is_base64() || counted.is_ours()
    }
}

/// Half of the steps of a path are small letters alone, or one is enough when a slash leads; random text has hardly any
/// such piece.
fn is_path(run: &[u8]) -> bool {
    let is_step = |piece: &&[u8]| piece.len() >= 3 && piece.iter().all(u8::is_ascii_lowercase);
    let pieces = || {
        run.split(|byte| *byte == b'/')
            .filter(|piece| !piece.is_empty())
    };
    let steps = pieces().filter(is_step).count();
    let is_word = |piece: &[u8]| !Tally::of(piece).is_odd(5);
    steps * 2 >= pieces().count() || run.starts_with(b"/") && pieces().filter(is_step).any(is_word)
}

/// Ids of many services have their type in front.
fn is_typed(piece: &[u8]) -> bool {
    let word = count(piece, |it| it.is_ascii_lowercase());
    let rest = piece.get(word..).and_then(|rest| rest.strip_prefix(b"_"));
    (2..=12).contains(&word)
        && rest
            .is_some_and(|id| id.len() <= LONGEST_TYPED && id.iter().all(u8::is_ascii_alphanumeric))
}
