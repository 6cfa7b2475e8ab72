//! What was redacted.

use ee_core::{AuditRedaction, RedactionMethod};

use super::{path::Path, size::text_length};

/// Most places that are listed one by one. Beyond, only the part of the event is named.
const MOST: usize = 64;
/// Most parts that are named then.
const MOST_PARTS: usize = 24;
/// Longest pointer in bytes of JSON; a longer one gives way to that of something around it.
const LONGEST: usize = 256;

/// What was redacted, each place once.
#[derive(Default)]
pub(super) struct Found(Vec<AuditRedaction>);

impl Found {
    /// Notes that something was done at a place.
    pub(super) fn add(&mut self, path: &Path<'_>, method: RedactionMethod) {
        self.add_pointer(path.pointer(), method);
    }

    /// Notes that something was done at the place of a JSON pointer.
    pub(super) fn add_pointer(&mut self, mut pointer: String, method: RedactionMethod) {
        while text_length(&pointer) > LONGEST {
            pointer.truncate(pointer.rfind('/').unwrap_or_default());
        }
        if self
            .0
            .iter()
            .any(|it| it.path == pointer && it.method == method)
        {
            return;
        }
        if self.0.len() >= MOST {
            let part = pointer.get(1..).and_then(|rest| rest.find('/'));
            pointer.truncate(part.map_or(pointer.len(), |length| length + 1));
        }
        let redaction = AuditRedaction::new(pointer, method);
        if self.0.len() < MOST + MOST_PARTS && !self.0.contains(&redaction) {
            self.0.push(redaction);
        }
    }

    /// How many bytes of JSON the list makes at most.
    pub(super) fn weight(&self) -> usize {
        let lengths = self
            .0
            .iter()
            .map(|redaction| text_length(&redaction.path) + 40);
        lengths.sum()
    }

    /// Returns the list.
    pub(super) fn into_list(self) -> Vec<AuditRedaction> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_short_whatever_was_found() {
        let mut found = Found::default();
        let metadata = Path::top("metadata");
        for index in 0..10_000 {
            found.add(&metadata.at(index % 5_000), RedactionMethod::Removed);
        }
        let long = "xä".repeat(1_000);
        found.add(&metadata.name(&long).name("a"), RedactionMethod::Truncated);
        let list = found.into_list();

        assert_eq!(list.len(), MOST + 2);
        assert_eq!(list[0].path, "/metadata/0");
        assert_eq!(list[MOST].path, "/metadata");
        let mut again = Found::default();
        for redaction in list.clone() {
            again.add_pointer(redaction.path, redaction.method);
        }
        assert_eq!(again.into_list(), list);
    }

    #[test]
    fn a_long_pointer_gives_way_to_a_shorter_one() {
        let mut found = Found::default();
        let long = "ä".repeat(400);
        let path = Path::top("metadata");
        found.add(&path.name("a").name(&long), RedactionMethod::Removed);
        found.add(&path.name("b/c").name("~d"), RedactionMethod::Removed);
        let list = found.into_list();

        assert_eq!(list[0].path, "/metadata/a");
        assert_eq!(list[1].path, "/metadata/b~1c/~0d");
    }
}
