//! Secrets that were used, and a search for them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use base64::{Engine as _, engine::general_purpose};
use serde_json::Value;

/// Shorter texts are found by chance.
const LEAST_BYTES: usize = 12;

/// How many bytes of a needle are looked for first.
const START: usize = 3;

/// Secrets by what they are.
#[derive(Debug, Default)]
pub struct Vault {
    secrets: BTreeMap<String, String>,
}

impl Vault {
    /// Keeps a secret; `what` tells of it without telling it.
    pub fn keep(&mut self, what: impl Into<String>, secret: impl Into<String>) {
        let (what, secret) = (what.into(), secret.into());
        assert!(
            secret.len() >= LEAST_BYTES,
            "{what} is too short to be a secret"
        );
        self.secrets.insert(secret, what);
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.secrets.len()
    }

    /// Prepares a search for all of them in every spelling.
    pub fn search(&self) -> Search {
        let mut search = Search {
            begins: vec![false; 1 << (8 * START)],
            needles: HashMap::new(),
        };
        for (secret, what) in &self.secrets {
            for (spelling, needle) in spellings(secret) {
                let start = start(&needle);
                search.begins[start] = true;
                let same_start = search.needles.entry(start).or_default();
                // Most secrets look the same in most spellings.
                let is_known = same_start.iter().any(|known| known.bytes == needle);
                if needle.len() >= LEAST_BYTES && !is_known {
                    same_start.push(Needle {
                        bytes: needle,
                        what: format!("{what} ({spelling})"),
                    });
                }
            }
        }
        search
    }
}

/// A search for all secrets of a [`Vault`] at once.
#[derive(Debug)]
pub struct Search {
    /// Whether a needle begins with these bytes.
    begins: Vec<bool>,
    needles: HashMap<usize, Vec<Needle>>,
}

#[derive(Debug)]
struct Needle {
    bytes: Vec<u8>,
    what: String,
}

impl Search {
    /// Returns what is found in `hay`, each with some of what stands around the first place.
    pub fn find(&self, hay: &[u8]) -> BTreeMap<&str, String> {
        let mut found = BTreeMap::new();
        for (at, window) in hay.windows(START).enumerate() {
            let start = start(window);
            if self.begins[start] {
                let rest = &hay[at..];
                let hits = self.needles[&start]
                    .iter()
                    .filter(|it| rest.starts_with(&it.bytes));
                for hit in hits {
                    found.entry(hit.what.as_str()).or_insert_with(|| {
                        let around = at.saturating_sub(300)..hay.len().min(at + 100);
                        String::from_utf8_lossy(&hay[around]).into_owned()
                    });
                }
            }
        }
        found
    }
}

fn start(bytes: &[u8]) -> usize {
    let bytes = bytes[..START].iter();
    bytes.fold(0, |start, byte| start << 8 | usize::from(*byte))
}

/// Writes a secret in every way that programs write bytes.
fn spellings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let hex = |digits: fn(&mut String, u8)| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            digits(&mut text, *byte);
            text
        })
    };
    let json = escaped(secret);
    let utf16 = secret.encode_utf16().flat_map(u16::to_le_bytes);
    let mut spellings = vec![
        ("as it is", secret.to_owned()),
        ("JSON in JSON", escaped(&json)),
        ("JSON", json),
        ("hex", hex(|text, byte| write!(text, "{byte:02x}").unwrap())),
        ("HEX", hex(|text, byte| write!(text, "{byte:02X}").unwrap())),
        (
            "percent",
            hex(|text, byte| write!(text, "%{byte:02x}").unwrap()),
        ),
        (
            "PERCENT",
            hex(|text, byte| write!(text, "%{byte:02X}").unwrap()),
        ),
        ("form", hex(form)),
        ("path", hex(path)),
        ("list", list(bytes)),
    ];
    for (name, engine) in [
        ("base64", &general_purpose::STANDARD_NO_PAD),
        ("base64url", &general_purpose::URL_SAFE_NO_PAD),
    ] {
        spellings.extend((0..3).map(|before| (name, middle(engine, bytes, before))));
    }
    let mut spellings: Vec<_> = spellings
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    spellings.push(("UTF-16", utf16.collect()));
    spellings
}

/// Returns what every base64 text has in common that holds these bytes after so many others.
fn middle(engine: &general_purpose::GeneralPurpose, bytes: &[u8], before: usize) -> String {
    let padded = [&[0; 2][..before], bytes].concat();
    let whole = padded.len() / 3 * 3;
    let text = engine.encode(&padded[..whole]);
    // The first digits hold bits of what stands before.
    text[if before == 0 { 0 } else { 4 }..].to_owned()
}

fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn form(text: &mut String, byte: u8) {
    if byte == b' ' {
        text.push('+');
    } else {
        path(text, byte);
    }
}

fn path(text: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte) {
        text.push(byte.into());
    } else {
        write!(text, "%{byte:02X}").unwrap();
    }
}

fn list(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = r#"s3cret "of" \ every+kind% & more"#;

    fn is_found(hay: &str) -> bool {
        let mut vault = Vault::default();
        vault.keep("the secret", SECRET);
        !vault.search().find(hay.as_bytes()).is_empty()
    }

    #[test]
    fn a_secret_is_found_however_it_is_spelt() {
        let json = Value::from(format!("a {SECRET} b")).to_string();
        let debug = format!("{:?}", SECRET.as_bytes());
        for hay in [
            format!("before {SECRET} after"),
            Value::from(json.as_str()).to_string(),
            json,
            debug,
            "x=s3cret+%22of%22+%5C+every%2Bkind%25+%26+more&y=1".to_owned(),
            "/s3cret%20%22of%22%20%5C%20every%2Bkind%25%20%26%20more/".to_owned(),
            "7333637265742022".to_owned()
                + "6f6622205c206576657279"
                + "2b6b696e6425"
                + "2026206d6f7265",
        ] {
            assert!(is_found(&hay), "{hay}");
        }
        for before in ["", "a", "ab", "abc", "abcd"] {
            let text = format!("{before}{SECRET} after");
            let base64 = general_purpose::STANDARD.encode(text.as_bytes());
            assert!(is_found(&base64), "{before}: {base64}");
        }
    }

    #[test]
    fn what_is_no_secret_is_not_found() {
        assert!(!is_found("s3cret"));
        assert!(!is_found(r#"s3cret "of" \ every+kind% & mor"#));
        assert!(!is_found(""));
    }
}
