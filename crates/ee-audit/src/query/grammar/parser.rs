//! Reads a line of the grammar.

use ee_core::{AuditFilter, AuditTest, words_of};

use super::{
    super::{
        Context, MAX_DEPTH, MAX_TERMS, NUL, clipped, compare,
        normal::{all, any, not},
        suggest::nearest,
        value,
    },
    GrammarError,
    key::Key,
    scanner::{Scanner, is_boundary},
};

/// Reads a line by recursive descent.
pub(super) struct Parser<'a> {
    scan: Scanner<'a>,
    context: &'a Context,
    depth: usize,
    terms: usize,
}

type Parsed<T = AuditFilter> = Result<T, GrammarError>;

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, context: &'a Context) -> Self {
        Self {
            scan: Scanner::new(text),
            context,
            depth: 0,
            terms: 0,
        }
    }

    pub(super) fn parse(mut self) -> Parsed {
        if let Some(at) = self.scan.text().find(NUL) {
            return Err(GrammarError::new(
                "a search holds no NUL character",
                at,
                at + 1,
            ));
        }
        self.scan.skip_space();
        if self.scan.rest().is_empty() {
            return Ok(AuditFilter::EVERYTHING);
        }
        let filter = self.alternatives()?;
        if self.scan.rest().is_empty() {
            Ok(filter)
        } else {
            Err(GrammarError::new(
                "this bracket closes nothing",
                self.scan.at(),
                self.scan.at() + 1,
            ))
        }
    }

    /// Reads what stands between brackets, or the whole line.
    fn alternatives(&mut self) -> Parsed {
        let mut parts = vec![self.conjunction()?];
        while self.scan.keyword("OR") {
            parts.push(self.conjunction()?);
        }
        Ok(any(parts))
    }

    fn conjunction(&mut self) -> Parsed {
        let mut parts = vec![self.term()?];
        loop {
            if self.scan.keyword("AND") {
                parts.push(self.term()?);
                continue;
            }
            let is_over =
                matches!(self.scan.peek(), None | Some(')')) || self.scan.is_keyword("OR");
            if is_over {
                return Ok(all(parts));
            }
            parts.push(self.term()?);
        }
    }

    fn term(&mut self) -> Parsed {
        self.scan.skip_space();
        let start = self.scan.at();
        for word in ["AND", "OR"] {
            if self.scan.is_keyword(word) {
                let message =
                    format!("there is nothing before this `{word}`; quote it if it is a word");
                return Err(GrammarError::new(message, start, start + word.len()));
            }
        }
        if self.scan.is_keyword("NOT") {
            let message = "`NOT` is written as a `-` right before the term";
            return Err(GrammarError::new(message, start, start + 3));
        }
        let filter = match self.scan.peek() {
            None => return Err(self.missing()),
            Some(')') => {
                let message = "there is nothing before this bracket";
                return Err(GrammarError::new(message, start, start + 1));
            }
            Some('-') => self.negation()?,
            Some('(') => self.brackets()?,
            Some('"') => {
                let words = self.scan.quoted()?;
                self.words(&words, start)?
            }
            Some(_) => self.word_or_pair()?,
        };
        self.scan.skip_space();
        Ok(filter)
    }

    fn negation(&mut self) -> Parsed {
        let start = self.scan.at();
        self.scan.eat('-');
        if self
            .scan
            .peek()
            .is_none_or(|c| c.is_whitespace() || c == ')')
        {
            let message = "there is nothing to negate right behind this `-`";
            return Err(GrammarError::new(message, start, start + 1));
        }
        self.deeper(start)?;
        let part = self.term()?;
        self.depth -= 1;
        Ok(not(part))
    }

    fn brackets(&mut self) -> Parsed {
        let start = self.scan.at();
        self.scan.eat('(');
        self.deeper(start)?;
        let inner = self.alternatives()?;
        self.depth -= 1;
        if self.scan.eat(')') {
            return Ok(inner);
        }
        Err(GrammarError::new(
            "this bracket is never closed",
            start,
            start + 1,
        ))
    }

    /// Reads a word, or a key with its values.
    fn word_or_pair(&mut self) -> Parsed {
        let start = self.scan.at();
        let word = self.scan.run(|c| is_boundary(c) || c == ':');
        if !self.scan.eat(':') {
            if word == "*" {
                self.count(1, start)?;
                return Ok(AuditFilter::EVERYTHING);
            }
            if word.trim_end_matches('*').contains('*') {
                let message = "a `*` stands at the end of a word only";
                return Err(GrammarError::new(message, start, self.scan.at()));
            }
            return self.words(word, start);
        }
        let Some(key) = Key::find(word) else {
            let name = clipped(word);
            let message = match nearest(word, Key::names()) {
                Some(known) => format!("`{name}` is no key; did you mean `{known}`?"),
                None => format!("`{name}` is no key; put text with a colon into quotes"),
            };
            return Err(GrammarError::new(message, start, start + word.len()));
        };
        if key.is_compared() {
            return self.compared(key, word);
        }
        let mut parts = vec![self.value(key, word)?];
        while self.scan.eat(',') {
            parts.push(self.value(key, word)?);
        }
        Ok(any(parts))
    }

    /// Reads a value such as `>=2026-09-01`.
    fn compared(&mut self, key: Key, name: &str) -> Parsed {
        let start = self.scan.at();
        let mut text = self.scan.run(is_boundary).to_owned();
        if self.scan.peek() == Some('"') {
            text.push_str(&self.scan.quoted()?);
        }
        self.boundary(name, start)?;
        self.count(1, start)?;
        let filter = match key {
            Key::Created => compare::created(&text, self.context),
            _ => compare::duration(&text),
        };
        filter.map_err(|message| self.wrong(name, &message, start))
    }

    /// Reads one of the values of a key.
    fn value(&mut self, key: Key, name: &str) -> Parsed {
        let start = self.scan.at();
        let test = self.test(name)?;
        self.count(1, start)?;
        let filter = match (key, test) {
            (Key::Actor, test) => value::actor(test),
            (Key::Code, AuditTest::Is(text)) => value::code(&text),
            (Key::Resource, test) => value::resource(test),
            (Key::Field(field), test) => value::read(field, test),
            (Key::Code | Key::Created | Key::Duration, _) => Err("takes no `*`".to_owned()),
        };
        filter.map_err(|message| self.wrong(name, &message, start))
    }

    /// Reads a value and where its star stands.
    fn test(&mut self, name: &str) -> Parsed<AuditTest> {
        let start = self.scan.at();
        let before = self.scan.eat('*');
        let is_quoted = self.scan.peek() == Some('"');
        let text = if is_quoted {
            self.scan.quoted()?
        } else {
            self.scan
                .run(|c| is_boundary(c) || matches!(c, '*' | ','))
                .to_owned()
        };
        let after = self.scan.eat('*');
        if self.scan.peek() != Some(',') {
            self.boundary(name, start)?;
        }
        match (before, after) {
            (true, true) => {
                let message = "can have a `*` at one end only; quotes make it a plain star";
                Err(self.wrong(name, message, start))
            }
            (true, false) => Ok(AuditTest::EndsWith(text)),
            (false, true) => Ok(AuditTest::StartsWith(text)),
            (false, false) if text.is_empty() && !is_quoted => {
                Err(self.wrong(name, "has no value", start))
            }
            (false, false) => Ok(AuditTest::Is(text)),
        }
    }

    fn words(&mut self, text: &str, start: usize) -> Parsed {
        let words: Vec<String> = words_of(text).collect();
        if words.is_empty() {
            let message = "there is no letter and no digit to search for";
            return Err(GrammarError::new(message, start, self.scan.at()));
        }
        self.count(words.len(), start)?;
        Ok(AuditFilter::Words(words))
    }

    fn count(&mut self, terms: usize, start: usize) -> Parsed<()> {
        self.terms += terms;
        if self.terms > MAX_TERMS {
            let message = format!("a search has at most {MAX_TERMS} terms");
            return Err(GrammarError::new(message, start, self.scan.at()));
        }
        Ok(())
    }

    fn deeper(&mut self, start: usize) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("brackets and negations are at most {MAX_DEPTH} deep");
            return Err(GrammarError::new(message, start, start + 1));
        }
        Ok(())
    }

    /// Fails unless a value ends here.
    fn boundary(&mut self, name: &str, start: usize) -> Parsed<()> {
        if self
            .scan
            .peek()
            .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')'))
        {
            return Ok(());
        }
        self.scan
            .run(|c| c.is_whitespace() || matches!(c, '(' | ')'));
        let message =
            "has a `*` or a quote in the middle; a `*` stands at one end, quotes around it all";
        Err(self.wrong(name, message, start))
    }

    fn missing(&self) -> GrammarError {
        let text = self.scan.text().trim_end();
        let start = text
            .char_indices()
            .next_back()
            .map_or(0, |(start, _)| start);
        GrammarError::new("something is missing behind this", start, text.len())
    }

    fn wrong(&self, name: &str, message: &str, start: usize) -> GrammarError {
        GrammarError::new(format!("`{name}` {message}"), start, self.scan.at())
    }
}
