//! The words of a name.

/// Most bytes of a name that are looked at, from its end.
const LONGEST: usize = 64;
/// Most words, of one letter each.
const MOST: usize = LONGEST / 2 + 1;

/// The words of a name, in small letters.
pub(super) struct Words {
    count: usize,
    ends: [u8; MOST],
    length: u8,
    text: [u8; LONGEST],
}

#[derive(Clone, Copy, PartialEq)]
enum Letter {
    Capital,
    Other,
    Small,
}

impl Words {
    pub(super) fn of(name: &[u8]) -> Self {
        let mut words = Self {
            count: 0,
            ends: [0; MOST],
            length: 0,
            text: [0; LONGEST],
        };
        let name = name
            .get(name.len().saturating_sub(LONGEST)..)
            .unwrap_or_default();
        let mut before = Letter::Other;
        for (at, byte) in name.iter().enumerate() {
            let letter = match byte {
                b'A'..=b'Z' => Letter::Capital,
                b'0'..=b'9' | b'a'..=b'z' | 128.. => Letter::Small,
                _ => Letter::Other,
            };
            let is_last_capital = || name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            match (before, letter) {
                (_, Letter::Other) | (Letter::Small, Letter::Capital) => words.end(),
                (Letter::Capital, Letter::Capital) if is_last_capital() => words.end(),
                _ => {}
            }
            if letter != Letter::Other {
                words.push(byte.to_ascii_lowercase());
            }
            before = letter;
        }
        words.end();
        words
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.text.get_mut(usize::from(self.length)) {
            *place = byte;
            self.length += 1;
        }
    }

    /// Ends a word, without the digits at its end.
    fn end(&mut self) {
        let start = self.start(self.count);
        let word = self
            .text
            .get(start..usize::from(self.length))
            .unwrap_or_default();
        let digits = word
            .iter()
            .rev()
            .take_while(|it| it.is_ascii_digit())
            .count();
        let length = word.len() - digits;
        let end = u8::try_from(start + length).unwrap_or(u8::MAX);
        self.length = end;
        if length > 0
            && let Some(place) = self.ends.get_mut(self.count)
        {
            *place = end;
            self.count += 1;
        }
    }

    fn start(&self, at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|at| self.ends.get(at));
        before.copied().map_or(0, usize::from)
    }

    /// Returns the words one after another.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map(|at| {
            let end = self.ends.get(at).copied().map_or(0, usize::from);
            self.text.get(self.start(at)..end).unwrap_or_default()
        })
    }
}
