//! Words that stand near: those of the product and of the person.

use super::fold::fold;

/// Shorter words are in every second password by chance.
const MIN_WORD_CHARS: usize = 3;
/// How many letters and digits must be left when the words are taken away.
const MIN_LEFT: usize = 8;
/// How alike a whole password and a whole word may be (Damerau-Levenshtein, normalised).
const MAX_LIKENESS: f64 = 0.8;

/// Words of the product itself.
const PRODUCT: [&str; 6] = [
    "mastra",
    "mastraee",
    "enterprise",
    "studio",
    "agent",
    "password",
];

/// Words in the form in which they are looked for, longest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<Vec<char>>);

impl Words {
    /// Takes the words of the product and further ones of the configuration.
    pub(super) fn of_product(more: &[String]) -> Self {
        let more = more.iter().flat_map(|text| parts(text));
        Self::new(PRODUCT.map(str::to_owned).into_iter().chain(more))
    }

    /// Takes an address apart: what stands before the `@`, and the domain without its last label.
    pub(super) fn of_email(email: &str) -> Self {
        let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
        let domain = domain.rsplit_once('.').map_or(domain, |(rest, _)| rest);
        Self::new([local, domain].into_iter().flat_map(parts))
    }

    /// Takes a name apart.
    pub(super) fn of_name(name: &str) -> Self {
        Self::new(parts(name).into_iter())
    }

    /// Puts two lists together.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut words = [self.0.as_slice(), &other.0].concat();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Self(words)
    }

    fn new(texts: impl Iterator<Item = String>) -> Self {
        let mut words: Vec<Vec<char>> = texts
            .map(|text| letters(&fold(&text)))
            .filter(|word| word.len() >= MIN_WORD_CHARS)
            .collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        Self(words)
    }
}

/// Tells whether little is left of a folded password without the words, forwards or backwards, also with digits and
/// signs in the place of letters.
pub(super) fn is_made_of(folded: &str, words: &Words) -> bool {
    let plain = letters(folded);
    let spelt = letters(&folded.chars().map(spelt).collect::<String>());
    [&plain, &spelt].into_iter().any(|password| {
        let backwards: Vec<char> = password.iter().rev().copied().collect();
        is_mostly(password, words) || is_mostly(&backwards, words)
    })
}

fn is_mostly(password: &[char], words: &Words) -> bool {
    let mut left = password.to_vec();
    for word in &words.0 {
        take_out(&mut left, word);
    }
    let is_shorter = left.len() < password.len();
    let is_like = |word: &Vec<char>| {
        let (word, password): (String, String) = (word.iter().collect(), password.iter().collect());
        strsim::normalized_damerau_levenshtein(&word, &password) > MAX_LIKENESS
    };
    (is_shorter && left.len() < MIN_LEFT) || words.0.iter().any(is_like)
}

/// Takes every occurrence of the word out.
fn take_out(text: &mut Vec<char>, word: &[char]) {
    let mut from = 0;
    while let Some(window) = text.get(from..from + word.len()) {
        if window == word {
            text.drain(from..from + word.len());
        } else {
            from += 1;
        }
    }
}

/// Splits a text at everything that is no letter or digit, and keeps the whole as well.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_owned)
        .collect();
    parts.push(text.to_owned());
    parts
}

fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Returns the letter that a digit or sign often stands for.
const fn spelt(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    }
}
