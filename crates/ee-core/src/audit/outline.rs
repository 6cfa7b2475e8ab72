//! A kept event, read as it lies there: nothing is copied.
//!
//! What is not as nearly every event is cannot be read so; whoever meets it takes the long way.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::Value;

use super::record::{COMMITMENT, SALT, VALUE, escaped};

/// What stands before and behind a digest.
const BEFORE: &str = "{\"$commit\":\"";
const BEHIND: &str = "\"}";

/// Where the commitments of an event are.
#[derive(Debug)]
pub(super) struct Outline<'a, 'k> {
    /// In the order of the text.
    pub(super) commitments: Vec<Commitment<'a>>,
    kept: &'k Personal<'a>,
}

/// A digest in place of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commitment<'a> {
    pub(super) digest: &'a str,
    /// Which of the kept values it stands for.
    opened: usize,
}

impl<'a, 'k> Outline<'a, 'k> {
    /// Reads the canonical form. `None` for one that is not as others are, also when a value is gone.
    pub(super) fn read(canonical: &'a str, kept: &'k Personal<'a>) -> Option<Self> {
        let mut outline = Self {
            commitments: Vec::with_capacity(kept.values.len()),
            kept,
        };
        let node = Node {
            outline: &mut outline,
            path: None,
        };
        let mut json = serde_json::Deserializer::from_str(canonical);
        node.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(outline)
    }

    /// Returns each digest with what it stands for.
    pub(super) fn opened(&self) -> impl Iterator<Item = (&'a str, &'k Opened<'a>)> {
        let commitments = self.commitments.iter();
        commitments.filter_map(|it| Some((it.digest, self.kept.values.get(it.opened)?)))
    }

    /// Writes the event with the values in place of the commitments.
    pub(super) fn fill(&self, canonical: &str) -> Option<String> {
        let mut text = String::with_capacity(canonical.len() + self.kept.length);
        let mut rest = canonical;
        for (digest, opened) in self.opened() {
            // Within a text, a quote does not stand alone.
            let (before, behind) = rest.split_once(BEFORE)?;
            rest = behind.strip_prefix(digest)?.strip_prefix(BEHIND)?;
            text.push_str(before);
            opened.value.write(&mut text);
        }
        text.push_str(rest);
        Some(text)
    }

    /// Finds what the commitment at a place stands for.
    fn open(&mut self, digest: &'a str, path: Option<&Path<'_, 'a>>) -> Option<()> {
        let (path, values) = (path?, &self.kept.values);
        let is_there = |at: usize| values.get(at).is_some_and(|it| path.is(it.pointer));
        // Nearly always they stand in one order.
        let next = self.commitments.len();
        let opened = if is_there(next) {
            next
        } else {
            (0..values.len()).find(|at| is_there(*at))?
        };
        let is_new = self.commitments.iter().all(|it| it.opened != opened);
        self.commitments.push(Commitment { digest, opened });
        is_new.then_some(())
    }
}

/// Where something stands.
#[derive(Clone, Copy)]
pub(super) struct Path<'p, 'a> {
    pub(super) parent: Option<&'p Self>,
    pub(super) step: Step<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    At(usize),
    Key(&'a str),
}

impl Path<'_, '_> {
    /// Tells whether a pointer points here.
    pub(super) fn is(&self, pointer: &str) -> bool {
        let Some((before, last)) = pointer.rsplit_once('/') else {
            return false;
        };
        let is_last = match self.step {
            Step::At(at) => last.parse() == Ok(at),
            Step::Key(key) if last.contains('~') => escaped(key) == last,
            Step::Key(key) => key == last,
        };
        is_last
            && match self.parent {
                Some(parent) => parent.is(before),
                None => before.is_empty(),
            }
    }
}

/// Walks through a value.
struct Node<'w, 'a, 'k> {
    outline: &'w mut Outline<'a, 'k>,
    path: Option<&'w Path<'w, 'a>>,
}

impl<'a> DeserializeSeed<'a> for Node<'_, 'a, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

/// Takes what is looked at no further.
macro_rules! pass_over {
    ($($visit:ident($type:ty)),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<(), E> {
            Ok(())
        })*
    };
}

impl<'a> Visitor<'a> for Node<'_, 'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    pass_over!(
        visit_bool(bool),
        visit_f64(f64),
        visit_i64(i64),
        visit_str(&str),
        visit_u64(u64)
    );

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut values: A) -> Result<(), A::Error> {
        for at in 0.. {
            let path = Path {
                parent: self.path,
                step: Step::At(at),
            };
            let node = Node {
                outline: &mut *self.outline,
                path: Some(&path),
            };
            if values.next_element_seed(node)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut values: A) -> Result<(), A::Error> {
        let (mut count, mut has_digest) = (0_usize, false);
        while let Some(key) = values.next_key::<&'a str>()? {
            count += 1;
            match key {
                COMMITMENT => {
                    has_digest = true;
                    let opened = self.outline.open(values.next_value()?, self.path);
                    opened
                        .ok_or_else(|| A::Error::custom("what a commitment stands for is gone"))?;
                }
                key => {
                    let path = Path {
                        parent: self.path,
                        step: Step::Key(key),
                    };
                    values.next_value_seed(Node {
                        outline: &mut *self.outline,
                        path: Some(&path),
                    })?;
                }
            }
        }
        if has_digest && count > 1 {
            return Err(A::Error::custom("a commitment has something beside it"));
        }
        Ok(())
    }
}

/// What the commitments of an event stand for.
#[derive(Debug, Default)]
pub(super) struct Personal<'a> {
    length: usize,
    pub(super) values: Vec<Opened<'a>>,
}

/// What one commitment stands for.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub(super) pointer: &'a str,
    pub(super) salt: &'a str,
    pub(super) value: Committed<'a>,
}

impl<'a> Personal<'a> {
    /// Reads what is kept. `None` for what is not as it is written.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(text);
        let values = json.deserialize_map(Openings).ok()?;
        json.end().ok()?;
        // Each is there once.
        let is_sorted = values.is_sorted_by(|one, next| one.pointer < next.pointer);
        is_sorted.then_some(Self {
            length: text.len(),
            values,
        })
    }
}

struct Openings;

impl<'a> Visitor<'a> for Openings {
    type Value = Vec<Opened<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what commitments stand for")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::with_capacity(8);
        while let Some(pointer) = map.next_key()? {
            values.push(map.next_value_seed(Opening { pointer })?);
        }
        Ok(values)
    }
}

struct Opening<'a> {
    pointer: &'a str,
}

impl<'a> DeserializeSeed<'a> for Opening<'a> {
    type Value = Opened<'a>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Opened<'a>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Opening<'a> {
    type Value = Opened<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a salt and a value")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Opened<'a>, A::Error> {
        let (mut salt, mut value) = (None, None);
        while let Some(key) = map.next_key::<&'a str>()? {
            match key {
                SALT if salt.is_none() => salt = Some(map.next_value()?),
                VALUE if value.is_none() => value = Some(map.next_value_seed(Committing)?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(A::Error::custom("something beside a salt and a value"));
                }
            }
        }
        Ok(Opened {
            pointer: self.pointer,
            salt: salt.ok_or_else(|| A::Error::missing_field(SALT))?,
            value: value.ok_or_else(|| A::Error::missing_field(VALUE))?,
        })
    }
}

/// A value that can be erased.
#[derive(Debug)]
pub(super) enum Committed<'a> {
    /// One that is canonical as it lies there, since nothing in it is escaped.
    Text(&'a str),
    Number(u64),
    Other(Value),
}

impl Committed<'_> {
    /// Writes it as JSON.
    fn write(&self, text: &mut String) {
        match self {
            Self::Text(value) => text.extend(["\"", value, "\""]),
            Self::Number(value) => text.push_str(&value.to_string()),
            Self::Other(value) => text.push_str(&value.to_string()),
        }
    }
}

struct Committing;

impl<'a> DeserializeSeed<'a> for Committing {
    type Value = Committed<'a>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Committed<'a>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Committing {
    type Value = Committed<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Committed::Other(value.into()))
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<Self::Value, E> {
        Ok(Committed::Text(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Committed::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Committed::Other(value.into()))
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Self::Value, A::Error> {
        let value = serde::Deserialize::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Committed::Other(value))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, values: A) -> Result<Self::Value, A::Error> {
        let value = serde::Deserialize::deserialize(SeqAccessDeserializer::new(values))?;
        Ok(Committed::Other(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Committed::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Committed::Number(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Committed::Other(Value::Null))
    }
}
