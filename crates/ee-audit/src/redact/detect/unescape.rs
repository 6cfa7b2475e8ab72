//! Reads what is written with percent signs (RFC 3986 §2.1) or backslashes (RFC 8259 §7).

use std::ops::Range;

/// What a text says, and where it says so.
pub(super) struct Unescaped {
    /// Where each byte comes from, and the end.
    origins: Vec<usize>,
    pub(super) text: Vec<u8>,
}

impl Unescaped {
    /// Returns from where in the text a part comes.
    pub(super) fn origin(&self, at: Range<usize>) -> Range<usize> {
        let origin = |at: usize| self.origins.get(at).or(self.origins.last());
        let [start, end] = [at.start, at.end].map(|at| origin(at).copied().unwrap_or_default());
        start..end
    }
}

/// Reads a text. `None` when it reads as it is written.
pub(super) fn unescape(text: &[u8]) -> Option<Unescaped> {
    let mut read = Unescaped {
        origins: Vec::with_capacity(text.len() + 1),
        text: Vec::with_capacity(text.len()),
    };
    let mut at = 0;
    let mut is_changed = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (byte, length) = match rest {
            [b'%', high, low, ..] => hex(&[*high, *low]).map_or((b'%', 1), |byte| (byte, 3)),
            [b'\\', b'u', a, b, c, d, ..] => {
                ascii([*a, *b, *c, *d]).map_or((b'\\', 1), |byte| (byte, 6))
            }
            [b'\\', b'n', ..] => (b'\n', 2),
            [b'\\', b'r', ..] => (b'\r', 2),
            [b'\\', b't', ..] => (b'\t', 2),
            [b'\\', sign @ (b'"' | b'\'' | b'/' | b'\\'), ..] => (*sign, 2),
            [byte, ..] => (*byte, 1),
            [] => break,
        };
        is_changed |= length > 1;
        read.origins.push(at);
        read.text.push(byte);
        at += length;
    }
    read.origins.push(text.len());
    is_changed.then_some(read)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u8::from_str_radix(text, 16).ok()
}

/// Other characters are no part of anything that is looked for.
fn ascii([a, b, c, d]: [u8; 4]) -> Option<u8> {
    hex(&[c, d]).filter(|byte| byte.is_ascii() && (a, b) == (b'0', b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_found_again() {
        for (written, said) in [
            ("a%20b", "a b"),
            ("%7b%22A%22%7D", "{\"A\"}"),
            (r#"{\"a\":\"\u0062\\n\"}"#, r#"{"a":"b\n"}"#),
            (r"a\/b\tc", "a/b\tc"),
            ("100%2", "100%2"),
            (r"%zz\x\u00e", r"%zz\x\u00e"),
        ] {
            let read = unescape(written.as_bytes());
            let text = read.as_ref().map_or(written.as_bytes(), |read| &read.text);
            assert_eq!(text, said.as_bytes());
            if let Some(read) = read {
                assert_eq!(read.origin(0..said.len()), 0..written.len());
            } else {
                assert_eq!(written, said);
            }
        }
        assert_eq!(unescape(b"a%20b").unwrap().origin(1..2), 1..4);
    }
}
