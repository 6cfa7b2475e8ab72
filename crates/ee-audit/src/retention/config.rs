//! How long events stay.

use std::path::PathBuf;

use ee_core::{AuditAction, AuditEvent, AuditField, AuditFilter, Error};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::floor;
use crate::query::{Context, parse};

/// Longer than this nobody means: a hundred years.
const MOST_DAYS: u32 = 36_525;

/// How long events stay, and what happens to them then.
///
/// The first rule that fits an event counts, and without one `days`. Events of agents, workflows and tools stay for
/// [`AI_DAYS`](super::AI_DAYS) at least, and events that say why something is missing stay for good.
///
/// ```
/// let config: ee_audit::retention::RetentionConfig = toml::from_str(
///     r#"
///     days = 400
///     [[rules]]
///     category = "auth"
///     days = 800
///     [[rules]]
///     match = "org:acme -category:agents,tools,workflows"
///     days = 90
///     "#,
/// ).unwrap();
/// assert_eq!(config.rules.len(), 2);
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Section")]
#[non_exhaustive]
pub struct RetentionConfig {
    /// Where archives are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<PathBuf>,
    /// For how many days events stay that no rule fits: 400, or what the preset says if that is more.
    pub days: u32,
    /// What others demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Whether events that are removed are gone for good, with nothing but a line of the log that says so.
    pub prune_without_archive: bool,
    /// Events that stay longer, or shorter, than the rest.
    pub rules: Vec<RetentionRule>,
}

/// A rule of somebody else: nothing stays shorter than it says.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Preset {
    /// Six years (45 CFR 164.316).
    Hipaa,
    /// Twelve months, leap years included (PCI DSS 10.5.1).
    Pci,
}

impl Preset {
    /// Returns for how many days every event stays at least.
    pub const fn days(self) -> u32 {
        match self {
            Self::Hipaa => 2_190,
            Self::Pci => 366,
        }
    }
}

/// How long some events stay.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RetentionRule {
    /// Which events: the first part of their action, such as `auth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// For how many days.
    pub days: u32,
    /// Which events, in the grammar of the search.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

impl RetentionRule {
    /// A rule for a category.
    pub fn of_category(category: impl Into<String>, days: u32) -> Self {
        Self {
            category: Some(category.into()),
            days,
            filter: None,
        }
    }

    /// A rule for what fits a line of the grammar of the search.
    pub fn matching(filter: impl Into<String>, days: u32) -> Self {
        Self {
            category: None,
            days,
            filter: Some(filter.into()),
        }
    }

    fn filter(&self, now: Timestamp) -> Result<AuditFilter, Error> {
        match (&self.category, &self.filter) {
            (Some(category), None) => {
                let is_category = AuditAction::new(category).is_ok() && !category.contains('.');
                if is_category {
                    return Ok(AuditFilter::is(AuditField::Category, category));
                }
                let message = "is not the first part of an action, such as `auth`";
                Err(Error::invalid_field("category", message))
            }
            (None, Some(text)) if text.trim().is_empty() => {
                let message =
                    "is empty: what every event has is said by `days` outside of the rules";
                Err(Error::invalid_field("match", message))
            }
            (None, Some(text)) => parse(text, &Context::new(now))
                .map_err(|err| Error::invalid_field("match", err.to_string())),
            _ => {
                let message = "a rule names its events by either `category` or `match`";
                Err(Error::invalid_field("rules", message))
            }
        }
    }
}

/// What stands in the file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Section {
    archive: Option<PathBuf>,
    days: Option<u32>,
    preset: Option<Preset>,
    prune_without_archive: bool,
    rules: Vec<RetentionRule>,
}

impl TryFrom<Section> for RetentionConfig {
    type Error = Error;

    fn try_from(section: Section) -> Result<Self, Error> {
        let least = section.preset.map_or(0, Preset::days);
        let config = Self {
            archive: section.archive,
            days: section.days.unwrap_or_else(|| Self::DAYS.max(least)),
            preset: section.preset,
            prune_without_archive: section.prune_without_archive,
            rules: section.rules,
        };
        config.check()?;
        Ok(config)
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            archive: None,
            days: Self::DAYS,
            preset: None,
            prune_without_archive: false,
            rules: Vec::new(),
        }
    }
}

impl RetentionConfig {
    /// For how many days events stay when nobody says otherwise.
    pub const DAYS: u32 = 400;

    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for a rule that cannot be read, and for one that
    /// lets events go before they may. What is read from a file was checked.
    pub fn check(&self) -> Result<(), Error> {
        // What is told from now on is read from any moment on.
        let rules = self.filters(Timestamp::UNIX_EPOCH)?;
        let days = rules.iter().map(|(_, days)| *days).chain([self.days]);
        if self.prune_without_archive && self.archive.is_some() {
            let message = "is set, and `archive` names where archives are written: only one of both can be meant";
            return Err(Error::invalid_field("prune_without_archive", message));
        }
        let least = self.preset.map_or(1, Preset::days);
        for days in days {
            if !(least..=MOST_DAYS).contains(&days) {
                let message = format!("{days} is not from {least} to {MOST_DAYS}");
                return Err(Error::invalid_field("days", message));
            }
        }
        let Some((category, rule)) = floor::too_short(&rules, self.days) else {
            return Ok(());
        };
        let (whose, days) = match rules.get(rule) {
            Some((_, days)) => (format!("rule {}", rule + 1), *days),
            None => ("`days`".to_owned(), self.days),
        };
        let message = format!(
            "{whose} would let events of `{category}` go after {days} days: they stay for {} days at least (EU AI Act); \
             put a rule for them before it",
            floor::AI_DAYS
        );
        Err(Error::invalid_field("days", message))
    }

    fn filters(&self, now: Timestamp) -> Result<Vec<(AuditFilter, u32)>, Error> {
        let read = |(at, rule): (usize, &RetentionRule)| {
            let filter = rule.filter(now).map_err(|err| {
                let message = format!("{} (rule {} of the retention)", err.message(), at + 1);
                Error::new(err.kind(), message).with_issues(err.issues().to_vec())
            })?;
            Ok((filter, rule.days))
        };
        self.rules.iter().enumerate().map(read).collect()
    }

    /// Returns what is due at a moment.
    pub(super) fn deadlines(&self, now: Timestamp) -> Result<Deadlines, Error> {
        self.check()?;
        Ok(Deadlines {
            days: self.days,
            now,
            rules: self.filters(now)?,
        })
    }
}

/// Which events have had their time at a moment.
#[derive(Clone, Debug)]
pub(super) struct Deadlines {
    days: u32,
    now: Timestamp,
    rules: Vec<(AuditFilter, u32)>,
}

impl Deadlines {
    /// Tells whether an event has had its time that came to the log at `received_at`.
    pub(super) fn is_over(&self, event: &AuditEvent, received_at: Timestamp) -> bool {
        let rule = self.rules.iter().find(|rule| rule.0.matches(event));
        let days = rule.map_or(self.days, |rule| rule.1);
        let days = days.max(floor::least_days(event.action.category()));
        // The log is hashed with the first of the two times, but not with the second.
        event.timestamp.max(received_at) <= self.before(days)
    }

    /// Returns when the newest events can have come that are due.
    pub(super) fn newest(&self) -> Timestamp {
        let days = self.rules.iter().map(|rule| rule.1).chain([self.days]);
        self.before(days.min().unwrap_or(self.days))
    }

    fn before(&self, days: u32) -> Timestamp {
        let time = SignedDuration::from_hours(24 * i64::from(days));
        self.now.checked_sub(time).unwrap_or(Timestamp::MIN)
    }
}

#[cfg(test)]
mod tests {
    use ee_core::{AuditActor, AuditOutcome};

    use super::*;

    fn read(text: &str) -> Result<RetentionConfig, String> {
        toml::from_str(text).map_err(|err| err.to_string())
    }

    fn at(day: i64) -> Timestamp {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        start + SignedDuration::from_hours(24 * day)
    }

    fn event(action: &str, day: i64) -> AuditEvent {
        let action = AuditAction::new(action).unwrap();
        AuditEvent::new(at(day), AuditActor::system(), action, AuditOutcome::Success)
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        let config = read("").unwrap();

        assert_eq!(config, RetentionConfig::default());
        assert_eq!(config.days, 400);
        assert!(!config.prune_without_archive);
    }

    #[test]
    fn presets_are_a_default_and_a_floor() {
        assert_eq!(read("preset = \"hipaa\"").unwrap().days, 2_190);
        assert_eq!(read("preset = \"pci\"").unwrap().days, 400);
        assert_eq!(read("preset = \"hipaa\"\ndays = 3000").unwrap().days, 3_000);

        let refused = read("preset = \"hipaa\"\ndays = 2189").unwrap_err();
        assert!(refused.contains("2189 is not from 2190 to"), "{refused}");
        let rule = "preset = \"pci\"\n[[rules]]\ncategory = \"auth\"\ndays = 300";
        let refused = read(rule).unwrap_err();
        assert!(refused.contains("300 is not from 366 to"), "{refused}");
    }

    #[test]
    fn nothing_lets_events_of_agents_go_before_half_a_year() {
        for (text, named) in [
            (
                "days = 182",
                "`days` would let events of `agents` go after 182 days",
            ),
            (
                "[[rules]]\ncategory = \"tools\"\ndays = 182",
                "rule 1 would let events of `tools`",
            ),
            (
                "[[rules]]\nmatch = \"org:acme\"\ndays = 1",
                "rule 1 would let events of `agents`",
            ),
            (
                "[[rules]]\nmatch = \"action:*.run\"\ndays = 1",
                "rule 1 would let",
            ),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(named), "{refused}");
            assert!(refused.contains("183 days at least"), "{refused}");
        }
        assert!(read("days = 183").is_ok());
        assert!(read("[[rules]]\ncategory = \"auth\"\ndays = 1").is_ok());
    }

    #[test]
    fn what_is_no_rule_is_refused_by_name() {
        for (text, named) in [
            ("[[rules]]\ndays = 9", "either `category` or `match`"),
            (
                "[[rules]]\ncategory = \"a\"\nmatch = \"b\"\ndays = 9",
                "either `category` or `match`",
            ),
            (
                "[[rules]]\ncategory = \"a.b\"\ndays = 9",
                "first part of an action",
            ),
            (
                "[[rules]]\ncategory = \"\"\ndays = 9",
                "first part of an action",
            ),
            ("[[rules]]\nmatch = \" \"\ndays = 9", "is empty"),
            (
                "[[rules]]\nmatch = \"actr:x\"\ndays = 9",
                "rule 1 of the retention",
            ),
            (
                "[[rules]]\ncategory = \"auth\"\ndays = 0",
                "0 is not from 1 to",
            ),
            ("days = 40000", "40000 is not from 1 to"),
            (
                "prune_without_archive = true\narchive = \"a\"",
                "only one of both",
            ),
            ("day = 400", "unknown field `day`"),
            ("preset = \"sox\"", "unknown variant `sox`"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(named), "{text}: {refused}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts_from_the_later_of_both_times() {
        let config = RetentionConfig {
            rules: vec![
                RetentionRule::of_category("auth", 30),
                RetentionRule::matching("outcome:success action:users.*", 1_000),
            ],
            ..RetentionConfig::default()
        };
        let deadlines = config.deadlines(at(500)).unwrap();
        let is_over = |action, day, received| deadlines.is_over(&event(action, day), at(received));

        assert!(is_over("auth.logout", 470, 470));
        assert!(!is_over("auth.logout", 471, 471));
        assert!(!is_over("auth.logout", 0, 471), "it came late");
        assert!(
            !is_over("auth.logout", 471, 0),
            "the store says that it came before it happened"
        );
        assert!(!is_over("users.create", 0, 0));
        assert!(is_over("roles.create", 100, 100));
        assert!(!is_over("roles.create", 101, 101));
        assert_eq!(deadlines.newest(), at(470));
    }

    #[test]
    fn what_was_put_together_by_hand_is_checked_as_well() {
        let config = RetentionConfig {
            days: 30,
            ..RetentionConfig::default()
        };

        assert!(config.deadlines(at(0)).is_err());
    }
}
