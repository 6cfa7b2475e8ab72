//! Goes through JSON.

use std::{collections::HashMap, mem};

use ee_core::RedactionMethod;
use serde_json::{Map, Value, json};

use super::{
    ContentMode, Redactor, deep,
    detect::{self, CARD, SECRET, Sort},
    found::Found,
    names::Class,
    path::Path,
    size,
};

/// How deep members may lie.
const DEEPEST: usize = 32;
/// Longest name of a member in bytes.
const LONGEST_NAME: usize = 256;
/// Room at the end of a name that was cut.
const ROOM: usize = 32;
/// Longest text that is read as JSON.
const LONGEST_JSON: usize = 1 << 20;

/// Goes through the values of one event.
pub(super) struct Walk<'a> {
    found: &'a mut Found,
    /// Where the text stands that is being read as JSON: nothing in it has a place of its own.
    inside: Option<String>,
    redactor: &'a Redactor,
    /// What texts are taken for unless their names say something else.
    sort: Sort,
    weight: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(redactor: &'a Redactor, found: &'a mut Found) -> Self {
        Self {
            found,
            inside: None,
            redactor,
            sort: Sort::Text,
            weight: 0,
        }
    }

    pub(super) fn found(&mut self) -> &mut Found {
        self.found
    }

    /// About how many bytes were seen: never fewer.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Goes through what was said to a model, or what it said.
    pub(super) fn content(&mut self, value: &mut Value, path: &Path<'_>, mode: ContentMode) {
        if mode == ContentMode::Full {
            self.sort = Sort::Known;
        }
        self.value(value, path, Class::Open, 0);
        self.sort = Sort::Text;
    }

    /// Goes through a value whose name says what it is.
    pub(super) fn value(&mut self, value: &mut Value, path: &Path<'_>, class: Class, depth: usize) {
        if depth > DEEPEST && !is_scalar(value) {
            if !size::is_cut(value) {
                // Without a digest of it: nobody has looked for secrets there.
                let bytes = deep::bury(value.take());
                *value = json!({"$truncated": {"bytes": bytes}});
                self.note(path, RedactionMethod::Truncated);
            }
            self.weight += 64;
            return;
        }
        match value {
            Value::Array(values) => {
                self.weight += 2;
                self.entries(values, path, class, depth);
            }
            Value::Object(map) => self.members(map, path, class, depth),
            scalar => {
                self.scalar(scalar, path, class, depth);
                self.weight += scalar.as_str().map_or(24, size::weight_of);
            }
        }
    }

    /// Goes through an object.
    pub(super) fn members(
        &mut self,
        map: &mut Map<String, Value>,
        path: &Path<'_>,
        class: Class,
        depth: usize,
    ) {
        if map
            .keys()
            .any(|name| name.len() > LONGEST_NAME || detect::holds_secret(name))
        {
            self.rename(map, path);
        }
        let named = self.class_of_pair(map);
        self.weight += 2;
        for (name, value) in map {
            self.weight += size::weight_of(name);
            let own = match named {
                Some(named) if is_value(name) => named,
                _ => self.redactor.names.class_of(name),
            };
            let inherits = matches!(class, Class::Countable | Class::Secret)
                && own != Class::Id
                && own < class;
            let class = if inherits { class } else { own };
            self.value(value, &path.name(name), class, depth + 1);
        }
    }

    fn entries(&mut self, values: &mut [Value], path: &Path<'_>, class: Class, depth: usize) {
        for (index, entry) in values.iter_mut().enumerate() {
            let path = path.at(index);
            // A list of pairs of names and values.
            if let Value::Array(pair) = entry
                && let [Value::String(name), value] = pair.as_mut_slice()
            {
                let named = self.redactor.names.class_of(name);
                if named > class && named >= Class::Countable {
                    self.value(value, &path.at(1), named, depth + 2);
                }
            }
            self.value(entry, &path, class, depth + 1);
        }
    }

    fn scalar(&mut self, value: &mut Value, path: &Path<'_>, class: Class, depth: usize) {
        if self.inside.is_none()
            && self.redactor.is_digested(path)
            && let Some(key) = &self.redactor.key
        {
            let is_done = value.as_str().is_some_and(|text| key.is_digest(text));
            if let Some(digest) = key.digest(value).filter(|_| !is_done) {
                *value = digest.into();
                self.note(path, RedactionMethod::Hmac);
            }
            return;
        }
        if is_secret(value, class) {
            *value = SECRET.into();
            self.note(path, RedactionMethod::Removed);
        } else if let Value::String(text) = value {
            self.text(text, path, class, depth);
        } else if self.sort != Sort::Known && is_card(value) {
            *value = CARD.into();
            self.note(path, RedactionMethod::Removed);
        }
    }

    fn text(&mut self, text: &mut String, path: &Path<'_>, class: Class, depth: usize) {
        if let Some(network) = self.redactor.config.addresses.keep_text(text) {
            *text = network;
            self.note(path, RedactionMethod::Truncated);
            return;
        }
        if self.json_in(text, path, depth) {
            return;
        }
        let sort = match class {
            _ if self.sort == Sort::Known => Sort::Known,
            Class::Digest => Sort::Digest,
            Class::Id => Sort::Id,
            _ => Sort::Text,
        };
        if detect::redact(text, sort) {
            self.note(path, RedactionMethod::Removed);
        }
    }

    /// Reads a text that is JSON, for what only its structure tells. Tells whether that was all of the text.
    fn json_in(&mut self, text: &mut String, path: &Path<'_>, depth: usize) -> bool {
        let is_json = text.starts_with(['{', '[']) && text.ends_with(['}', ']']);
        if !is_json || text.len() > LONGEST_JSON {
            return false;
        }
        let Ok(before) = serde_json::from_str::<Value>(text) else {
            return false;
        };
        // Of members with one name only the last is read.
        let is_whole = before.to_string().len() == size::length_without_blanks(text);
        let mut value = before.clone();
        let outer = self.inside.clone();
        self.inside.get_or_insert_with(|| path.pointer());
        let weight = self.weight;
        self.value(&mut value, path, Class::Open, depth + 1);
        self.weight = weight;
        self.inside = outer;
        if value != before {
            *text = value.to_string();
            return true;
        }
        is_whole
    }

    /// Gives members another name whose names hold secrets, or are very long.
    fn rename(&mut self, map: &mut Map<String, Value>, path: &Path<'_>) {
        let mut renamed = Map::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for (mut name, value) in mem::take(map) {
            let is_redacted = detect::redact(&mut name, Sort::Text);
            let is_cut = name.len() > LONGEST_NAME;
            if is_cut {
                size::cut(&mut name, LONGEST_NAME - ROOM);
                detect::redact(&mut name, Sort::Text);
            }
            if is_redacted || is_cut {
                let plain = name.clone();
                let number = numbers.entry(plain.clone()).or_insert(1);
                while renamed.contains_key(&name) {
                    *number += 1;
                    name = format!("{plain}#{number}");
                }
            }
            if is_redacted {
                self.note(&path.name(&name), RedactionMethod::Removed);
            }
            if is_cut {
                self.note(&path.name(&name), RedactionMethod::Truncated);
            }
            renamed.insert(name, value);
        }
        *map = renamed;
    }

    /// Of `{"name": "password", "value": …}` and the like, what the value is.
    fn class_of_pair(&self, map: &Map<String, Value>) -> Option<Class> {
        let mut classes = map.iter().filter_map(|(name, value)| {
            let is_name = matches!(
                &**name,
                "env"
                    | "field"
                    | "header"
                    | "key"
                    | "name"
                    | "param"
                    | "parameter"
                    | "path"
                    | "property"
                    | "variable"
            );
            let text = value.as_str().filter(|_| is_name)?;
            Some(self.redactor.names.class_of_pointer(text))
        });
        classes.find(|class| *class >= Class::Countable)
    }

    fn note(&mut self, path: &Path<'_>, method: RedactionMethod) {
        match &self.inside {
            Some(pointer) => self.found.add_pointer(pointer.clone(), method),
            None => self.found.add(path, method),
        }
    }
}

/// What stands beside a name in a pair.
fn is_value(name: &str) -> bool {
    matches!(
        name,
        "after"
            | "before"
            | "content"
            | "data"
            | "default"
            | "from"
            | "new"
            | "newValue"
            | "old"
            | "oldValue"
            | "to"
            | "val"
            | "value"
            | "values"
    )
}

/// Whether a value goes for its name. Truth values tell too little to be secret.
fn is_secret(value: &Value, class: Class) -> bool {
    match (class, value) {
        (Class::Secret, Value::Number(_)) => true,
        (Class::Secret, Value::String(text)) => !text.is_empty() && !detect::is_mark(text),
        (Class::Countable, Value::String(text)) => {
            !super::names::is_count(text.as_bytes()) && !detect::is_mark(text)
        }
        (Class::Session, Value::String(text)) => {
            !super::names::is_session_id(text.as_bytes()) && !detect::is_mark(text)
        }
        _ => false,
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// Numbers of cards that are written as numbers.
fn is_card(value: &Value) -> bool {
    let number = value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        // A whole one that is as long as a number of a card.
        (float.fract() == 0.0 && (1e12..1e19).contains(&float))
            .then(|| format!("{float:.0}").parse().ok())?
    });
    number.is_some_and(|number| {
        number >= 1_000_000_000_000 && detect::is_card(number.to_string().as_bytes())
    })
}
