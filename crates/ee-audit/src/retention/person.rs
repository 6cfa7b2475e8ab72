//! Whom events speak of.

use std::fmt;

use ee_core::{AuditEvent, AuditResource, Error, storage::AuditRecord};
use serde_json::Value;

/// Kinds of things that are persons.
const PERSONS: [&str; 2] = ["account", "user"];

/// Somebody who wants to be forgotten, by his id, his e-mail address, or both.
#[derive(Clone, Eq, PartialEq)]
pub struct Person {
    /// In lower case.
    email: Option<String>,
    id: Option<String>,
}

impl Person {
    /// Names somebody.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) where nothing names him, and for what is no e-mail
    /// address.
    pub fn new(id: Option<&str>, email: Option<&str>) -> Result<Self, Error> {
        let given = |text: Option<&str>| {
            let text = text.map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let (id, email) = (given(id), given(email));
        if id.is_none() && email.is_none() {
            let message = "a person is named by an id, an e-mail address, or both";
            return Err(Error::invalid_field("id", message));
        }
        let is_address = |text: &String| {
            let parts = text.split_once('@');
            let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
            parts.is_some_and(|(local, domain)| is_part(local) && is_part(domain))
        };
        if !email.as_ref().is_none_or(is_address) {
            return Err(Error::invalid_field("email", "is no e-mail address"));
        }
        let email = email.map(|email| email.to_lowercase());
        Ok(Self { email, id })
    }

    /// Tells whether an event speaks of him.
    pub(super) fn is_in(&self, record: &AuditRecord) -> bool {
        let by_id = self
            .id
            .as_deref()
            .is_some_and(|id| is_part_of(id, &record.event));
        by_id
            || record
                .personal
                .as_deref()
                .is_some_and(|it| self.is_in_values(it))
    }

    /// Tells whether what can be erased of an event has his address, or his id as a value.
    fn is_in_values(&self, personal: &str) -> bool {
        let may_be = |text: &String| {
            let written = Value::from(text.as_str()).to_string();
            personal.to_lowercase().contains(written.trim_matches('"'))
        };
        let email = self.email.as_ref().filter(|email| may_be(email));
        let id = self.id.as_ref().filter(|id| may_be(&id.to_lowercase()));
        if email.is_none() && id.is_none() {
            return false;
        }
        let is_it = |text: &str| {
            email.is_some_and(|email| mentions(text, email)) || id.is_some_and(|id| names(text, id))
        };
        // What cannot be read is nobody's loss.
        serde_json::from_str(personal).is_ok_and(|value| any_text(&value, &is_it))
    }

    /// Tells whether what was hashed of an event has his address: it can never be erased.
    pub(super) fn is_hashed_in(&self, canonical: &str) -> bool {
        let email = self.email.as_deref();
        email.is_some_and(|email| canonical.contains('@') && mentions(canonical, email))
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").finish_non_exhaustive()
    }
}

/// Tells whether somebody with this id acted, had somebody act for him, or was acted upon.
fn is_part_of(id: &str, event: &AuditEvent) -> bool {
    let parties = event.on_behalf_of.iter().chain(&event.impersonated_by);
    let is_person = |thing: &AuditResource| PERSONS.contains(&&*thing.kind) && thing.id == id;
    event.actor.id == id
        || parties.into_iter().any(|party| party.id == id)
        || event.resource.iter().chain(&event.targets).any(is_person)
}

/// Tells whether a text is an id, also behind what says what it is the id of, such as `user:`.
fn names(text: &str, id: &str) -> bool {
    let before = text.strip_suffix(id);
    before.is_some_and(|before| before.is_empty() || before.ends_with([':', '/']))
}

/// Tells whether an e-mail address stands in a text, and not just the end or the start of another one.
fn mentions(text: &str, email: &str) -> bool {
    let text = text.to_lowercase();
    text.match_indices(email).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let (_, after) = rest.split_at(email.len());
        let mut after = after.chars();
        let begins = before.chars().next_back().is_none_or(|c| !is_local(c));
        let ends = match after.next() {
            None => true,
            Some('.') => after.next().is_none_or(|c| !c.is_alphanumeric()),
            Some(c) => !c.is_alphanumeric() && !matches!(c, '-' | '_'),
        };
        begins && ends
    })
}

/// Tells whether a character before an address is a part of it. Some that may be are rather what separates.
fn is_local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-')
}

fn any_text(value: &Value, is_it: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| any_text(value, is_it)),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| is_it(key) || any_text(value, is_it)),
        Value::String(text) => is_it(text),
        Value::Bool(_) | Value::Null | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_a_part_of_another_one() {
        for (text, expected) in [
            ("ada@example.com", true),
            ("ADA@Example.COM", true),
            ("to <ada@example.com>, urgent", true),
            ("mailto:ada@example.com.", true),
            ("user=ada@example.com&x", true),
            ("nada@example.com", false),
            ("x.ada@example.com", false),
            ("b+ada@example.com", false),
            ("ada@example.com.org", false),
            ("ada@example.community", false),
            ("ada@example.com-x", false),
            ("nada@example.com ada@example.com", true),
            ("ada", false),
        ] {
            assert_eq!(mentions(text, "ada@example.com"), expected, "{text}");
        }
    }

    #[test]
    fn an_id_is_a_whole_value() {
        for (text, expected) in [
            ("u1", true),
            ("user:u1", true),
            ("users/u1", true),
            ("u12", false),
            ("xu1", false),
            ("about u1", false),
        ] {
            assert_eq!(names(text, "u1"), expected, "{text}");
        }
    }

    #[test]
    fn nobody_is_not_a_person() {
        assert!(Person::new(None, None).is_err());
        assert!(Person::new(Some(" "), Some("")).is_err());
        for email in ["ada", "@", "ada@", "@x", "a b@x"] {
            assert!(Person::new(Some("u1"), Some(email)).is_err(), "{email}");
        }
        let person = Person::new(Some("u1"), Some("Ada@Example.com")).unwrap();
        assert!(!format!("{person:?}").to_lowercase().contains("ada"));
    }
}
