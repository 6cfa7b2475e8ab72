//! One canonical form of a path, or none at all.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Longest path in bytes.
const MAX_BYTES: usize = 4_096;

/// What is written as it is: unreserved characters and the sub-delimiters of RFC 3986 that have no meaning here.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'@')
    .remove(b':')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=');

/// Returns the canonical form: every segment decoded once, checked, and encoded in one way; no slash at the end.
///
/// `None` for whatever two programs could read as two different paths: an empty, `.` or `..` segment; a
/// slash, backslash, percent sign, semicolon, question mark, hash or control character inside a segment, encoded
/// or not; broken encoding; text that is not UTF-8 (over-long forms are not).
pub(crate) fn canonical(path: &str) -> Option<Cow<'_, str>> {
    if path.len() > MAX_BYTES {
        return None;
    }
    let rest = path.strip_prefix('/')?;
    if rest.is_empty() {
        return Some(Cow::Borrowed(path));
    }
    let trimmed = rest.strip_suffix('/').unwrap_or(rest);
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'~' | b'@' | b':')
    };
    // Nearly every path is plain: one look at each byte, and at the slashes that make a segment empty.
    let last = trimmed.bytes().try_fold(b'/', |before, byte| {
        (plain(byte) && (before, byte) != (b'/', b'/')).then_some(byte)
    });
    if last.is_some_and(|byte| byte != b'/') {
        return Some(Cow::Borrowed(path.strip_suffix('/').unwrap_or(path)));
    }
    let mut whole = String::with_capacity(path.len());
    for segment in trimmed.split('/') {
        let text = decode(segment)?;
        whole.push('/');
        whole.extend(utf8_percent_encode(&text, PLAIN));
    }
    Some(Cow::Owned(whole))
}

fn decode(segment: &str) -> Option<Cow<'_, str>> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let broken = byte == b'%' && !(is_hex(bytes.next()) && is_hex(bytes.next()));
        if broken {
            return None;
        }
    }
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    let forbidden = |c: char| c.is_control() || matches!(c, '/' | '\\' | '%' | ';' | '?' | '#');
    let fits = !text.is_empty() && text != "." && text != ".." && !text.contains(forbidden);
    fits.then_some(text)
}

fn is_hex(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_path_stays_and_costs_nothing() {
        for path in ["/", "/api/agents", "/api/agents/a:b", "/health/live"] {
            assert!(
                matches!(canonical(path), Some(Cow::Borrowed(same)) if same == path),
                "{path}"
            );
        }
    }

    #[test]
    fn equal_paths_get_one_form() {
        let forms = [
            ("/api/agents/", "/api/agents"),
            ("/api/%61gents", "/api/agents"),
            ("/a%20b", "/a%20b"),
            ("/%c3%bc", "/%C3%BC"),
            ("/a.b", "/a.b"),
            ("/...", "/..."),
            ("/a%40b", "/a@b"),
        ];
        for (path, form) in forms {
            assert_eq!(canonical(path).as_deref(), Some(form), "{path}");
        }
    }

    #[test]
    fn v01_what_could_be_read_in_two_ways_has_no_form() {
        let ambiguous = [
            "",
            "api",
            "*",
            "//",
            "//api",
            "/api//agents",
            "/api/./agents",
            "/api/../agents",
            "/api/.",
            "/api/..",
            "/api/%2e/agents",
            "/api/%2e%2e/agents",
            "/api/.%2e/x",
            "/api%2fagents",
            "/api%5cagents",
            "/api\\agents",
            "/api;x/agents",
            "/api%3bx",
            "/api/%00",
            "/api/agents%0a",
            "/api/%252e",
            "/api/%25",
            "/api/%",
            "/api/%2",
            "/api/%zz",
            "/api/%c0%ae",
            "/api/%c0%af",
            "/api/%e0%80%af",
            "/api/%ff",
            "/api/agents//",
            "/api/%3f",
            "/api/%23",
        ];
        for path in ambiguous {
            assert_eq!(canonical(path), None, "{path}");
        }
        assert_eq!(canonical(&format!("/{}", "a".repeat(5_000))), None);
    }

    #[test]
    fn the_form_of_a_form_is_itself() {
        for path in ["/a%20b/", "/%C3%BC/x.y", "/a+b=c"] {
            let once = canonical(path).unwrap();
            assert_eq!(canonical(&once).unwrap(), once);
        }
    }
}
