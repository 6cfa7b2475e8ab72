//! Walks through a line.

use super::GrammarError;

/// Walks through a line once.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Where the walk stands: at the first byte of a character, or at the end.
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns how many bytes have been passed.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns the whole line.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Reads a text in quotes.
    pub(super) fn quoted(&mut self) -> Result<String, GrammarError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            text.push_str(self.run(|c| matches!(c, '"' | '\\')));
            if self.eat('"') {
                return Ok(text);
            }
            if !self.eat('\\') {
                return Err(GrammarError::new(
                    "this quote is never closed",
                    start,
                    self.text.len(),
                ));
            }
            match self.peek() {
                Some(escaped @ ('"' | '\\')) => {
                    self.eat(escaped);
                    text.push(escaped);
                }
                // Whoever quotes a path of another system does not double it.
                _ => text.push('\\'),
            }
        }
    }

    /// Passes a word in capitals, if it is there.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let is_there = self.is_keyword(word);
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    pub(super) fn is_keyword(&self, word: &str) -> bool {
        let rest = self.rest().strip_prefix(word);
        rest.is_some_and(|rest| rest.chars().next().is_none_or(is_boundary))
    }

    pub(super) fn skip_space(&mut self) {
        self.run(|c| !c.is_whitespace());
    }

    /// Goes on to the first character that ends the run, and returns what was passed.
    pub(super) fn run(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let (run, _) = rest
            .split_at_checked(rest.find(ends).unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        self.at += run.len();
        run
    }

    /// Passes a character, if it is there.
    pub(super) fn eat(&mut self, c: char) -> bool {
        let is_there = self.peek() == Some(c);
        if is_there {
            self.at += c.len_utf8();
        }
        is_there
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// Tells whether a character ends a word.
pub(super) fn is_boundary(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}
