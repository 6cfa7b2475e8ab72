//! Keeps events small: the largest values give way until an event fits.

use std::io;

use ee_core::{AuditEvent, AuditHash, RedactionMethod};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{detect, fields, found::Found, path::Path};

/// Most bytes of an event as JSON.
const MOST: usize = 64 << 10;
/// Most bytes of the metadata.
const MOST_METADATA: usize = 16 << 10;
/// Most members of the metadata.
const MOST_MEMBERS: usize = 64;
/// Most entries of each list of an event that is too large.
const MOST_ENTRIES: usize = 256;
/// Longest text of one that is too large.
const LONGEST_TEXT: usize = 256;
/// What stands in place of a value is not larger than this.
const SMALLEST: usize = 144;
/// What an event has beside texts and values, and their names.
const FRAME: usize = 8 << 10;
/// What stands in place of a value that was too large.
const CUT: &str = "$truncated";

/// How many bytes of JSON a text makes.
pub(super) fn text_length(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..32 => 6,
        _ => 1,
    });
    2 + escaped.sum::<usize>()
}

/// How many bytes of JSON there are without the blanks between its parts.
pub(super) fn length_without_blanks(json: &str) -> usize {
    let (mut is_escaped, mut is_text, mut length) = (false, false, 0);
    for byte in json.bytes() {
        length += usize::from(is_text || !byte.is_ascii_whitespace());
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            _ => {}
        }
    }
    length
}

/// How many bytes of JSON a text and the name in front of it make at most.
pub(super) const fn weight_of(text: &str) -> usize {
    text.len() * 6 + 24
}

/// Cuts metadata that are too many or too large, of which there are at most so many bytes.
pub(super) fn fit_metadata(map: &mut Map<String, Value>, weight: usize, found: &mut Found) {
    let path = Path::top("metadata");
    if map.len() > MOST_MEMBERS {
        keep_first(map, MOST_MEMBERS);
        found.add(&path, RedactionMethod::Truncated);
    }
    if weight <= MOST_METADATA {
        return;
    }
    loop {
        let length = length(map);
        let Some(excess) = length.checked_sub(MOST_METADATA + 1) else {
            return;
        };
        let lengths = map.values().map(self::length).collect();
        let chosen = Chosen::new(lengths, excess + 1);
        if chosen.is_empty() {
            keep_first(map, map.len() - 1);
            found.add(&path, RedactionMethod::Truncated);
            continue;
        }
        for ((name, value), is_chosen) in map.iter_mut().zip(chosen.0) {
            if is_chosen {
                replace_largest(value, &path.name(name), found);
            }
        }
    }
}

/// Cuts an event that is too large, which has texts and values of at most so many bytes.
pub(super) fn fit(event: &mut AuditEvent, weight: usize, found: &mut Found) {
    if weight + FRAME + found.weight() <= MOST || is_small(event, found) {
        return;
    }
    entries(event, MOST_ENTRIES, found);
    while let Some(excess) = excess(event, found) {
        let mut lengths = Vec::new();
        fields::each_text(event, &mut |_, text, _| {
            lengths.push(text_length(text).saturating_sub(LONGEST_TEXT));
        });
        fields::each_value(event, &mut |_, value| lengths.push(length(value)));
        let chosen = Chosen::new(lengths, excess);
        if chosen.is_empty() {
            let longest = event
                .changes
                .len()
                .max(event.targets.len())
                .max(event.actor.roles.len());
            if longest == 0 {
                return;
            }
            entries(event, longest / 2, found);
            continue;
        }
        let mut chosen = chosen.0.into_iter();
        fields::each_text(event, &mut |path, text, sort| {
            if chosen.next() == Some(true) {
                cut(text, LONGEST_TEXT);
                detect::redact(text, sort);
                found.add(path, RedactionMethod::Truncated);
            }
        });
        fields::each_value(event, &mut |path, value| {
            if chosen.next() == Some(true) {
                replace_largest(value, path, found);
            }
        });
    }
}

/// Which of the values give way: the largest ones, until that is enough.
struct Chosen(Vec<bool>);

impl Chosen {
    fn new(lengths: Vec<usize>, excess: usize) -> Self {
        let mut order: Vec<(usize, usize)> = lengths.into_iter().zip(0..).collect();
        let mut chosen = vec![false; order.len()];
        order.sort_unstable_by(|one, other| other.cmp(one));
        let mut saved = 0;
        for (length, at) in order {
            if saved >= excess || length <= SMALLEST {
                break;
            }
            saved += length - SMALLEST;
            if let Some(place) = chosen.get_mut(at) {
                *place = true;
            }
        }
        Self(chosen)
    }

    fn is_empty(&self) -> bool {
        !self.0.contains(&true)
    }
}

/// Replaces the largest part of a value: a member or an entry that makes up more than half of it, or all of it.
fn replace_largest(value: &mut Value, path: &Path<'_>, found: &mut Found) {
    let whole = length(value);
    let is_most = |value: &Value| {
        let length = length(value);
        length * 2 > whole && length > SMALLEST && !is_cut(value)
    };
    match value {
        Value::Array(values) => {
            let mut entries = values.iter_mut().enumerate();
            if let Some((index, entry)) = entries.find(|(_, entry)| is_most(entry)) {
                return replace_largest(entry, &path.at(index), found);
            }
        }
        Value::Object(map) => {
            let mut members = map.iter_mut();
            if let Some((name, member)) = members.find(|(_, member)| is_most(member)) {
                return replace_largest(member, &path.name(name), found);
            }
        }
        _ => {}
    }
    let mut hasher = Hasher(Sha256::new());
    // What was a value can be written, and nothing is lost when not.
    let _ = serde_json::to_writer(&mut hasher, value);
    let digest = AuditHash::new(hasher.0.finalize().into());
    *value = json!({CUT: {"bytes": whole, "sha256": digest.to_string()}});
    found.add(path, RedactionMethod::Truncated);
}

/// Tells whether this stands in place of a value that was too large or too deep, and is nothing else.
pub(super) fn is_cut(value: &Value) -> bool {
    let is_only =
        |map: &Map<String, Value>, names: &[&str]| map.keys().all(|name| names.contains(&&**name));
    let Some(cut) = value.as_object().filter(|map| is_only(map, &[CUT])) else {
        return false;
    };
    let Some(cut) = cut.get(CUT).and_then(Value::as_object) else {
        return false;
    };
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit());
    is_only(cut, &["bytes", "sha256"])
        && cut.get("bytes").is_some_and(Value::is_u64)
        && cut
            .get("sha256")
            .is_none_or(|it| it.as_str().is_some_and(is_digest))
}

/// Cuts a text to so many bytes of JSON, and says at its end how many bytes it had.
pub(super) fn cut(text: &mut String, most: usize) {
    let sign = format!("…[truncated:{}]", text.len());
    let most = most.saturating_sub(sign.len());
    let mut kept = 0;
    let mut length = 2;
    for c in text.chars() {
        length += text_length(c.encode_utf8(&mut [0; 4])) - 2;
        if length > most {
            break;
        }
        kept += c.len_utf8();
    }
    text.truncate(kept);
    text.push_str(&sign);
}

fn keep_first(map: &mut Map<String, Value>, count: usize) {
    *map = std::mem::take(map).into_iter().take(count).collect();
}

/// Cuts the lists of an event.
fn entries(event: &mut AuditEvent, most: usize, found: &mut Found) {
    let actor = Path::top("actor");
    let lists = [
        (Path::top("changes"), truncate(&mut event.changes, most)),
        (Path::top("targets"), truncate(&mut event.targets, most)),
        (actor.name("roles"), truncate(&mut event.actor.roles, most)),
    ];
    for (path, is_cut) in lists {
        if is_cut {
            found.add(&path, RedactionMethod::Truncated);
        }
    }
}

fn truncate<T>(list: &mut Vec<T>, most: usize) -> bool {
    let is_cut = list.len() > most;
    list.truncate(most);
    is_cut
}

fn is_small(event: &AuditEvent, found: &Found) -> bool {
    length(event) + found.weight() <= MOST
}

fn excess(event: &AuditEvent, found: &Found) -> Option<usize> {
    let length = length(event) + found.weight();
    length.checked_sub(MOST).filter(|excess| *excess > 0)
}

/// How many bytes something is as JSON.
fn length(value: &(impl Serialize + ?Sized)) -> usize {
    let mut counter = Counter(0);
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
