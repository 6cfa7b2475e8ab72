//! Which searches a store cannot answer by looking at little.

use ee_core::{AuditField, AuditFilter, AuditTest, Error};
use jiff::{SignedDuration, Timestamp};

/// How much time anything may be searched for in.
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Reads the parameter that permits a search of everything.
pub(super) const ALLOW: &str = "allowScan";

/// How much a search looks at of what fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// The part that it shows, in the order of time.
    InOrder,
    /// All of it.
    Whole,
}

/// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for a search of more than 90 days that no index
/// narrows down.
pub(super) fn check(filter: &AuditFilter, look: Look, now: Timestamp) -> Result<(), Error> {
    let is_narrow = is_indexed(filter)
        || span(filter, now).is_some_and(|span| span <= LONGEST)
        || look == Look::InOrder && is_in_order(filter);
    if is_narrow {
        return Ok(());
    }
    let message = "must be `true` for a search of more than 90 days that names no action, actor, resource, \
                   request, run, session, thread or word";
    Err(Error::invalid_field(ALLOW, message))
}

/// Tells whether an index finds what fits.
fn is_indexed(filter: &AuditFilter) -> bool {
    match filter {
        AuditFilter::All(parts) => parts.iter().any(is_indexed),
        AuditFilter::Any(parts) => !parts.is_empty() && parts.iter().all(is_indexed),
        AuditFilter::Field(AuditField::Action, AuditTest::StartsWith(start)) => !start.is_empty(),
        AuditFilter::Field(AuditField::Outcome, AuditTest::Is(outcome)) => outcome != "success",
        AuditFilter::Field(
            AuditField::Action
            | AuditField::ActorId
            | AuditField::RequestId
            | AuditField::ResourceId
            | AuditField::RunId
            | AuditField::SessionId
            | AuditField::ThreadId,
            AuditTest::Is(_),
        )
        | AuditFilter::Words(_) => true,
        _ => false,
    }
}

/// Tells whether the order of time alone finds what fits: nearly everything within the bounds does.
fn is_in_order(filter: &AuditFilter) -> bool {
    match filter {
        AuditFilter::All(parts) => parts.iter().all(is_in_order),
        AuditFilter::Before(_)
        | AuditFilter::Since(_)
        | AuditFilter::Field(AuditField::Stage, AuditTest::Is(_)) => true,
        _ => false,
    }
}

/// Returns how much time the bounds of the filter leave. `None` without a beginning.
pub(super) fn span(filter: &AuditFilter, now: Timestamp) -> Option<SignedDuration> {
    let (since, before) = bounds(filter);
    // Nothing happens later than now, but for clocks that go wrong.
    let end = before.unwrap_or(now).min(now);
    since.map(|since| end.duration_since(since))
}

/// Returns since when, and before when, everything happened that fits.
pub(super) fn bounds(filter: &AuditFilter) -> (Option<Timestamp>, Option<Timestamp>) {
    match filter {
        AuditFilter::All(parts) => parts.iter().map(bounds).fold((None, None), |all, part| {
            let since = all.0.max(part.0);
            let before = [all.1, part.1].into_iter().flatten().min();
            (since, before)
        }),
        AuditFilter::Before(end) => (None, Some(*end)),
        AuditFilter::Since(start) => (Some(*start), None),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use ee_audit::query::{Context, parse};

    use super::*;

    fn is_permitted(line: &str, look: Look) -> bool {
        let now = "2026-09-01T00:00:00Z".parse().unwrap();
        let filter = parse(line, &Context::new(now)).unwrap();
        check(&filter, look, now).is_ok()
    }

    #[test]
    fn a_long_search_needs_an_index() {
        for line in [
            "action:agents.create",
            "action:agents.*",
            "actor:ada",
            "resource:agent/a",
            "outcome:denied",
            "(actor:ada OR runId:r1)",
            "\"rate limit\"",
            "created:>=-90d ip:10.0.0.0/8",
            "created:>=2026-01-01 created:<2026-03-01 ip:10.0.0.0/8",
            "ip:10.0.0.0/8 requestId:r",
        ] {
            assert!(is_permitted(line, Look::Whole), "{line}");
        }
        for line in [
            "ip:10.0.0.0/8",
            "outcome:success",
            "-actor:ada",
            "action:*.delete",
            "(actor:ada OR ip:10.0.0.0/8)",
            "created:>=-91d ip:10.0.0.0/8",
            "created:<2026-03-01 ip:10.0.0.0/8",
            "(created:>=-1d OR ip:10.0.0.0/8)",
        ] {
            assert!(!is_permitted(line, Look::Whole), "{line}");
            assert!(!is_permitted(line, Look::InOrder), "{line}");
        }
        for line in ["", "stage:result", "created:>=2020-01-01"] {
            assert!(!is_permitted(line, Look::Whole), "{line}");
            assert!(is_permitted(line, Look::InOrder), "{line}");
        }
    }
}
