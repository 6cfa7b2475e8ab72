//! How surely which events are kept.

use std::fmt;

use ee_core::{ActionCard, AuditAction, Delivery, Error};
use serde::{Deserialize, Serialize};

/// What is done with an event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As well as it can be without keeping anybody waiting. What is lost is counted.
    BestEffort,
    /// It is not recorded.
    Off,
    /// In the transaction of the change that it describes, where there is one; else like [`Spooled`](Self::Spooled).
    Outbox,
    /// On the disk of this server or in the store before the answer.
    Spooled,
    /// In the store before the act: without it, nothing is done.
    Strict,
}

impl From<Delivery> for Mode {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::BestEffort => Self::BestEffort,
            Delivery::Outbox => Self::Outbox,
            Delivery::Spooled => Self::Spooled,
            Delivery::Strict => Self::Strict,
        }
    }
}

/// Ordered rules; the first that fits counts, and without one what the catalogue says.
///
/// What happens to the record itself (`audit.*`), and refusals, cannot be turned off.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    mode: Mode,
    patterns: Vec<Pattern>,
}

/// An action, or a `*` with a start or an end.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Pattern {
    EndsWith(String),
    Is(String),
    StartsWith(String),
}

impl Policy {
    /// Adds a rule behind those that there are. `patterns` are names of actions, each with a `*` at one end if it
    /// stands for several, with `|` between them: `roles.* | acl.*`.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for what is no pattern, and for a rule that would
    /// leave out what is always recorded.
    pub fn rule(mut self, patterns: &str, mode: Mode) -> Result<Self, Error> {
        let patterns = patterns.split('|').map(|text| Pattern::parse(text.trim()));
        let patterns = patterns.collect::<Result<Vec<_>, _>>()?;
        self.rules.push(Rule { mode, patterns });
        let mut always = ActionCard::ALL.iter().map(|card| card.name);
        match always.find(|name| is_always_recorded(name) && self.mode_of(name) == Some(Mode::Off))
        {
            None => Ok(self),
            Some(name) => {
                let message = format!("`{name}` is always recorded: put a rule for it before");
                Err(Error::invalid_field("match", message))
            }
        }
    }

    /// Returns what is done with events of an action.
    pub fn mode(&self, action: &AuditAction) -> Mode {
        let mode = self.mode_of(action.as_str());
        mode.unwrap_or_else(|| action.card().delivery.into())
    }

    fn mode_of(&self, name: &str) -> Option<Mode> {
        let fits = |rule: &&Rule| rule.patterns.iter().any(|it| it.fits(name));
        self.rules.iter().find(fits).map(|rule| rule.mode)
    }
}

/// Tells whether nobody may turn it off.
fn is_always_recorded(name: &str) -> bool {
    name.starts_with("audit.") || name.starts_with("auth.access.")
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, Error> {
        let is_name = |text: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            text.chars().all(is_plain)
        };
        let pattern = match (text.strip_suffix('*'), text.strip_prefix('*')) {
            (Some(start), _) => (start, Self::StartsWith(start.to_owned())),
            (None, Some(end)) => (end, Self::EndsWith(end.to_owned())),
            (None, None) => (text, Self::Is(text.to_owned())),
        };
        match pattern {
            ("", Self::Is(_)) => Err(Error::invalid_field("match", "names no action")),
            (plain, pattern) if is_name(plain) => Ok(pattern),
            _ => {
                let message = format!("`{text}` is no action, nor one with a `*` at one end");
                Err(Error::invalid_field("match", message))
            }
        }
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::EndsWith(end) => name.ends_with(&**end),
            Self::Is(whole) => name == whole,
            Self::StartsWith(start) => name.starts_with(&**start),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BestEffort => "best_effort",
            Self::Off => "off",
            Self::Outbox => "outbox",
            Self::Spooled => "spooled",
            Self::Strict => "strict",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_counts() {
        let policy = Policy::default()
            .rule("threads.delete", Mode::Strict)
            .and_then(|it| it.rule("threads.* | *.read", Mode::BestEffort))
            .and_then(|it| it.rule("messages.save", Mode::Off))
            .unwrap();

        for (action, mode) in [
            (AuditAction::THREAD_DELETE, Mode::Strict),
            (AuditAction::THREAD_CREATE, Mode::BestEffort),
            (AuditAction::AUDIT_READ, Mode::BestEffort),
            (AuditAction::MESSAGES_SAVE, Mode::Off),
            (AuditAction::ROLE_ASSIGN, Mode::Outbox),
            (AuditAction::new("billing.pay").unwrap(), Mode::Spooled),
        ] {
            assert_eq!(policy.mode(&action), mode, "{action}");
        }
    }

    #[test]
    fn what_must_be_recorded_cannot_be_turned_off() {
        for patterns in [
            "*",
            "audit.*",
            "auth.access.denied",
            "*.denied",
            "a | audit.gap",
        ] {
            let refused = Policy::default().rule(patterns, Mode::Off).unwrap_err();
            assert!(refused.message().contains("always recorded"), "{patterns}");
        }
        let first = Policy::default().rule("audit.* | auth.access.*", Mode::Spooled);
        assert!(first.and_then(|it| it.rule("*", Mode::Off)).is_ok());
    }

    #[test]
    fn what_is_no_pattern_is_refused_by_name() {
        for text in ["", "a.*.b", "a b", "|", "ä.*", "**"] {
            assert!(
                Policy::default().rule(text, Mode::Spooled).is_err(),
                "{text:?}"
            );
        }
    }
}
