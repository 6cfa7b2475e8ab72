//! Where a browser may be sent after sign-in.

use std::{fmt, str::FromStr};

use url::Url;

use crate::{Error, ErrorKind};

const MAX_BYTES: usize = 2_048;

/// A path on our own origin, with query and fragment.
///
/// It is judged by the WHATWG URL parser, the one that browsers use: resolved against any origin, the
/// result stays on that origin. Backslashes, control characters and a second slash are refused before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReturnTo(Box<str>);

impl ReturnTo {
    /// The start page.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Takes the target of a request; anything that is not a path of ours becomes `fallback`.
    ///
    /// An absolute URL is accepted when its origin is `own_origin` and is cut down to its path.
    pub fn or(target: Option<&str>, own_origin: Option<&str>, fallback: &Self) -> Self {
        let Some(target) = target else {
            return fallback.clone();
        };
        let path = own_origin
            .and_then(|origin| target.strip_prefix(origin))
            .map_or(target, |rest| if rest.is_empty() { "/" } else { rest });
        path.parse().unwrap_or_else(|_| fallback.clone())
    }

    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path with one more query pair.
    #[must_use]
    pub fn with_query(&self, key: &str, value: &str) -> Self {
        let Some(mut url) = resolve(&self.0, "https://a.invalid") else {
            return Self::root();
        };
        url.query_pairs_mut().append_pair(key, value);
        Self(relative(&url).into_boxed_str())
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReturnTo {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "the return target is not a path of this server",
            )
        })
    }
}

fn parse(text: &str) -> Option<ReturnTo> {
    let mut chars = text.chars();
    let starts_well = chars.next() == Some('/') && !matches!(chars.next(), Some('/' | '\\'));
    let bad = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || is_invisible(c);
    if !starts_well || text.len() > MAX_BYTES || text.contains(bad) {
        return None;
    }
    // Two origins that have nothing in common: a text that stays on both stays everywhere.
    let (one, two) = (
        resolve(text, "https://a.invalid")?,
        resolve(text, "http://b.invalid:81")?,
    );
    let path = relative(&one);
    let stays = path == relative(&two) && !path.starts_with("//") && path.starts_with('/');
    stays.then(|| ReturnTo(path.into_boxed_str()))
}

/// Characters that some parser or some eye drops.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn resolve(text: &str, origin: &str) -> Option<Url> {
    let base = Url::parse(origin).ok()?;
    let url = base.join(text).ok()?;
    (url.origin() == base.origin() && url.username().is_empty() && url.password().is_none())
        .then_some(url)
}

fn relative(url: &Url) -> String {
    url[url::Position::BeforePath..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_ours_is_kept() {
        for text in [
            "/",
            "/studio",
            "/studio/agents?q=a%20b&x=1#top",
            "/a/b",
            "/ü",
        ] {
            assert!(text.parse::<ReturnTo>().is_ok(), "{text}");
        }
        let own = ReturnTo::or(
            Some("http://h:1/x?y"),
            Some("http://h:1"),
            &ReturnTo::root(),
        );
        assert_eq!(own.as_str(), "/x?y");
    }

    #[test]
    fn v07_a_target_elsewhere_falls_back() {
        let hostile = [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil",
            "javascript:alert(1)",
            "@evil.example/x",
            "http:evil",
            "evil",
            "",
            " /x",
            "/x y",
            "///evil",
            "/./\\evil",
            "/..//evil.example",
            "/.//evil.example",
            "/%0d%0aLocation:x\r\n",
            "/\u{200b}/evil",
            "/\u{2028}",
        ];
        for text in hostile {
            let target = ReturnTo::or(Some(text), Some("http://h:1"), &ReturnTo::root());
            assert_eq!(target.as_str(), "/", "{text:?}");
        }
    }

    #[test]
    fn an_origin_that_only_begins_like_ours_is_foreign() {
        for text in [
            "http://h:1.evil.example/",
            "http://h:12/",
            "http://h:1@evil.example/",
            "http://h:1evil",
        ] {
            let target = ReturnTo::or(Some(text), Some("http://h:1"), &ReturnTo::root());
            assert_eq!(target.as_str(), "/", "{text:?}");
        }
    }

    #[test]
    fn a_query_pair_is_added_to_an_existing_query() {
        let target: ReturnTo = "/x?a=1#f".parse().unwrap();

        assert_eq!(
            target.with_query("error", "no & no").as_str(),
            "/x?a=1&error=no+%26+no#f"
        );
    }
}
