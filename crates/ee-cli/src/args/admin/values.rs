//! Values as people write them.

use clap::ValueEnum;
use ee::storage::{AccountKind, AccountStatus};
use jiff::{SignedDuration, Span, SpanRelativeTo};

/// What an account is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// An agent of its own
    Agent,
    /// Somebody
    Person,
    /// A program
    Service,
}

impl From<Kind> for AccountKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Agent => Self::Agent,
            Kind::Person => Self::Person,
            Kind::Service => Self::Service,
        }
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Status {
    /// It may
    Active,
    /// It may not
    Disabled,
}

impl From<Status> for AccountStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Disabled => Self::Disabled,
        }
    }
}

/// One thing, as `TYPE:ID`. An id may hold colons.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Thing {
    pub(crate) kind: String,
    pub(crate) id: String,
}

impl std::str::FromStr for Thing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(Self {
                kind: kind.to_owned(),
                id: id.to_owned(),
            }),
            _ => Err("must be `TYPE:ID`, such as `agents:writer`".to_owned()),
        }
    }
}

/// Reads a time such as `7d`, `12h` or `1h 30m`. A day has 24 hours.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let refused = || "must be a time such as `30m`, `12h`, `7d` or `2w`".to_owned();
    let span: Span = text.parse().map_err(|_| refused())?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let length = length.map_err(|_| refused())?;
    if length.is_positive() {
        Ok(length)
    } else {
        Err("must be longer than nothing".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, hours) in [
            ("7d", 168),
            ("12h", 12),
            ("2w", 336),
            ("1d 2h", 26),
            ("PT3H", 3),
        ] {
            assert_eq!(
                duration(text),
                Ok(SignedDuration::from_hours(hours)),
                "{text}"
            );
        }
        for text in [
            "",
            "7",
            "soon",
            "0s",
            "-1h",
            "1mo",
            "1y",
            "9999999999999999w",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_thing_has_a_type_and_an_id() {
        let thing: Thing = "agents:a:b".parse().unwrap();
        assert_eq!((&*thing.kind, &*thing.id), ("agents", "a:b"));

        for text in ["", "agents", "agents:", ":a"] {
            assert!(text.parse::<Thing>().is_err(), "{text}");
        }
    }
}
