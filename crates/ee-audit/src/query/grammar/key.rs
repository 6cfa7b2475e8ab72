//! The keys of the grammar.

use ee_core::AuditField;

/// What a term is about.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Actor,
    Code,
    Created,
    Duration,
    Field(AuditField),
    Resource,
}

/// Keys that are no fields.
const KEYS: [(&str, Key); 6] = [
    ("actor", Key::Actor),
    ("code", Key::Code),
    ("created", Key::Created),
    ("duration", Key::Duration),
    ("is", Key::Field(AuditField::Stage)),
    ("resource", Key::Resource),
];

impl Key {
    /// Finds the key of a name.
    pub(super) fn find(name: &str) -> Option<Self> {
        let key = KEYS.into_iter().find(|(known, _)| *known == name);
        let field = || AuditField::find(name).map(Self::Field);
        key.map(|(_, key)| key).or_else(field)
    }

    /// Lists the names of all keys.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        let keys = KEYS.into_iter().map(|(name, _)| name);
        keys.chain(AuditField::ALL.into_iter().map(AuditField::as_str))
    }

    /// Tells whether values are compared: then there is one, and it may begin with `>=`.
    pub(super) fn is_compared(self) -> bool {
        matches!(self, Self::Created | Self::Duration)
    }
}
