//! What the law keeps, whatever the configuration says.

use ee_core::{AuditField, AuditFilter, AuditTest};

/// So many days events of agents, workflows and tools stay at least: six months (EU AI Act, article 26(6)).
pub const AI_DAYS: u32 = 183;

/// The first parts of the actions of those events.
const AI: [&str; 3] = ["agents", "tools", "workflows"];

/// Returns how many days events of a category stay at least.
pub(super) fn least_days(category: &str) -> u32 {
    if AI.contains(&category) { AI_DAYS } else { 1 }
}

/// Finds a category of AI events for which ordered rules, and the days of whatever none of them fits, keep some events
/// too short. Returns it with the place of the rule; behind the last one stand the days of the rest.
pub(super) fn too_short(
    rules: &[(AuditFilter, u32)],
    default: u32,
) -> Option<(&'static str, usize)> {
    AI.into_iter()
        .find_map(|category| Some((category, first_short(rules, default, category)?)))
}

fn first_short(rules: &[(AuditFilter, u32)], default: u32, category: &str) -> Option<usize> {
    for (at, (filter, days)) in rules.iter().enumerate() {
        let fit = fit(filter, category);
        if fit != Fit::Never && *days < AI_DAYS {
            return Some(at);
        }
        if fit == Fit::Always {
            return None;
        }
    }
    (default < AI_DAYS).then_some(rules.len())
}

/// Whether a filter fits events of a category. In the order of how sure that is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Fit {
    Never,
    /// It depends on the event.
    Maybe,
    Always,
}

impl Fit {
    const fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Maybe => Self::Maybe,
            Self::Never => Self::Always,
        }
    }
}

impl From<bool> for Fit {
    fn from(fits: bool) -> Self {
        if fits { Self::Always } else { Self::Never }
    }
}

fn fit(filter: &AuditFilter, category: &str) -> Fit {
    let parts = |parts: &[AuditFilter]| parts.iter().map(|part| fit(part, category)).collect();
    match filter {
        AuditFilter::All(all) => {
            let all: Vec<Fit> = parts(all);
            all.into_iter().min().unwrap_or(Fit::Always)
        }
        AuditFilter::Any(any) => {
            let any: Vec<Fit> = parts(any);
            any.into_iter().max().unwrap_or(Fit::Never)
        }
        AuditFilter::Field(AuditField::Action, test) => fit_action(test, category),
        AuditFilter::Field(AuditField::Category, test) => Fit::from(match test {
            AuditTest::EndsWith(end) => category.ends_with(&**end),
            AuditTest::Is(whole) => category == whole,
            AuditTest::StartsWith(start) => category.starts_with(&**start),
        }),
        AuditFilter::Not(part) => fit(part, category).not(),
        _ => Fit::Maybe,
    }
}

fn fit_action(test: &AuditTest, category: &str) -> Fit {
    let is_below = |name: &str| {
        let rest = name.strip_prefix(category);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match test {
        AuditTest::EndsWith(end) if end.is_empty() => Fit::Always,
        AuditTest::EndsWith(_) => Fit::Maybe,
        AuditTest::Is(action) if is_below(action) => Fit::Maybe,
        AuditTest::StartsWith(start) if category.starts_with(&**start) => Fit::Always,
        // `agents.` leaves out an action that is called `agents` alone.
        AuditTest::StartsWith(start) if is_below(start) => Fit::Maybe,
        AuditTest::Is(_) | AuditTest::StartsWith(_) => Fit::Never,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::query::{Context, parse};

    fn filter(text: &str) -> AuditFilter {
        parse(text, &Context::new(Timestamp::UNIX_EPOCH)).unwrap()
    }

    #[test]
    fn whether_a_filter_fits_a_category_is_told_without_events() {
        for (text, expected) in [
            ("*", Fit::Always),
            ("category:agents", Fit::Always),
            ("category:auth", Fit::Never),
            ("category:agents,auth", Fit::Always),
            ("category:age*", Fit::Always),
            ("-category:auth", Fit::Always),
            ("-category:agents", Fit::Never),
            ("action:agents.*", Fit::Maybe),
            ("action:agents.create", Fit::Maybe),
            ("action:agents2.*", Fit::Never),
            ("action:age*", Fit::Always),
            ("action:auth.*", Fit::Never),
            ("action:*.create", Fit::Maybe),
            ("org:acme", Fit::Maybe),
            ("org:acme category:auth", Fit::Never),
            ("org:acme OR category:auth", Fit::Maybe),
            ("org:acme OR category:agents", Fit::Always),
            ("-(org:acme category:auth)", Fit::Always),
        ] {
            assert_eq!(fit(&filter(text), "agents"), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_short_is_found_in_the_order_of_the_rules() {
        let short = |rules: &[(&str, u32)], default| {
            let rules = rules.iter().map(|(text, days)| (filter(text), *days));
            too_short(&rules.collect::<Vec<_>>(), default)
        };

        assert_eq!(short(&[], 183), None);
        assert_eq!(short(&[], 182), Some(("agents", 0)));
        assert_eq!(short(&[("category:auth", 30)], 400), None);
        assert_eq!(
            short(&[("category:auth", 30), ("org:acme", 30)], 400),
            Some(("agents", 1))
        );
        let all = "category:agents,tools,workflows";
        assert_eq!(short(&[(all, 183), ("org:acme", 30)], 30), None);
        assert_eq!(
            short(&[("category:agents,tools", 183)], 30),
            Some(("workflows", 1))
        );
    }
}
