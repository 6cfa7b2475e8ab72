//! How many events of an hour, or of a month, have which values: whoever counts those of weeks does not look at each.

use std::collections::BTreeMap;

use ee_core::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditField, AuditFilter, AuditOutcome,
    AuditStage,
};
use jiff::Timestamp;

use super::{
    conditions::{MARK, Sql, micros},
    paths::conjuncts,
    search::value_of,
    texts::{kept, list},
};
use crate::{Rows, Statement};

/// An hour in microseconds.
const HOUR: i64 = 3_600_000_000;

/// What nearly every event may have another value of is counted by the month, which is thirty days here.
const MONTH: i64 = 720 * HOUR;

/// Fewer hours are looked at event by event.
const FEW: i64 = 6;

/// Rows of one statement.
const TOGETHER: usize = 64;

/// Characters of a value that are counted.
const CHARACTERS: usize = 200;

/// Fields that are counted, and how long the spans are.
const FIELDS: [(AuditField, i64); 12] = [
    (AuditField::Action, HOUR),
    (AuditField::ActorId, MONTH),
    (AuditField::ActorKind, HOUR),
    (AuditField::ActorType, HOUR),
    (AuditField::AgentId, HOUR),
    (AuditField::Category, HOUR),
    (AuditField::Model, HOUR),
    (AuditField::Organization, HOUR),
    (AuditField::Outcome, HOUR),
    (AuditField::ResourceType, HOUR),
    (AuditField::Role, HOUR),
    (AuditField::Stage, HOUR),
];

/// Counts events by the span of time in which they happened, and by what nearly every search asks for.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<(&'static str, i64, &'static str, &'static str, String), i64>);

impl Tallies {
    /// Adds an event, or takes it away.
    pub(super) fn add(&mut self, event: &AuditEvent, count: i64) {
        let micros = event.timestamp.as_microsecond();
        let (stage, outcome) = (event.stage.as_str(), event.outcome.as_str());
        for (field, span) in FIELDS {
            let hour = micros - micros.rem_euclid(span);
            for value in field.values(event) {
                let value = kept(&value).chars().take(CHARACTERS).collect();
                let key = (field.as_str(), hour, stage, outcome, value);
                *self.0.entry(key).or_default() += count;
            }
        }
    }

    /// Returns what brings the table up to date, in one order always: nobody waits in a circle.
    pub(super) fn statements(self) -> Vec<Statement> {
        let columns = &["field", "hour", "stage", "outcome", "value", "count"];
        let mut rows = Rows::of("ee_audit_tallies", columns);
        let mut gone = Vec::new();
        for ((field, hour, stage, outcome, value), count) in self.0 {
            // Who has acted is not told when his events are gone.
            if field == AuditField::ActorId.as_str() && count < 0 {
                let none = Statement::new(
                    "DELETE FROM ee_audit_tallies WHERE field = ?1 AND hour = ?2 AND stage = ?3 \
                     AND outcome = ?4 AND value = ?5 AND count <= 0",
                );
                let none = none.bind(field).bind(hour).bind(stage).bind(outcome);
                gone.push(none.bind(&value));
            }
            let row = [
                field.into(),
                hour.into(),
                stage.into(),
                outcome.into(),
                value.into(),
                count.into(),
            ];
            rows.values.extend(row);
        }
        let statements = rows.statements(TOGETHER).map(|mut statement| {
            statement.sql.to_mut().push_str(
                " ON CONFLICT (field, hour, stage, outcome, value) \
                 DO UPDATE SET count = ee_audit_tallies.count + excluded.count",
            );
            statement
        });
        statements.chain(gone).collect()
    }
}

/// Tells whether a filter looks at the stage and the outcome alone.
fn is_of_outcome(filter: &AuditFilter) -> bool {
    match filter {
        AuditFilter::All(filters) | AuditFilter::Any(filters) => filters.iter().all(is_of_outcome),
        AuditFilter::Field(AuditField::Outcome | AuditField::Stage, _) => true,
        AuditFilter::Not(not) => is_of_outcome(not),
        _ => false,
    }
}

/// Returns every stage with every outcome that fits all of the filters.
fn outcomes(filters: &[&AuditFilter]) -> Vec<String> {
    let mut fitting = Vec::new();
    for outcome in AuditOutcome::ALL {
        for stage in [AuditStage::Intent, AuditStage::Result] {
            let (actor, action) = (AuditActor::new(ActorType::System, ""), AuditAction::LOGOUT);
            let mut event = AuditEvent::new(Timestamp::UNIX_EPOCH, actor, action, outcome);
            event.stage = stage;
            if filters.iter().all(|filter| filter.matches(&event)) {
                fitting.push(format!("{} {}", stage.as_str(), outcome.as_str()));
            }
        }
    }
    fitting
}

/// From when to when, in microseconds, where it is bounded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Span {
    since: Option<i64>,
    before: Option<i64>,
}

impl Span {
    /// Takes the times out of what all has to be so. `None` when there is more than times, stages and outcomes.
    fn of(filter: &AuditFilter) -> Option<(Self, Vec<&AuditFilter>)> {
        let mut span = Self::default();
        let mut others = Vec::new();
        for filter in conjuncts(filter) {
            match filter {
                AuditFilter::Before(end) => {
                    let end = micros(*end);
                    span.before = Some(span.before.map_or(end, |before| before.min(end)));
                }
                AuditFilter::Since(start) => {
                    let start = micros(*start);
                    span.since = Some(span.since.map_or(start, |since| since.max(start)));
                }
                other if is_of_outcome(other) => others.push(other),
                _ => return None,
            }
        }
        Some((span, others))
    }

    /// Returns the hours, or the months, that are in it as a whole.
    fn whole(self, unit: i64) -> Self {
        let since = self.since.map(|it| it + (-it).rem_euclid(unit));
        let before = self.before.map(|it| it - it.rem_euclid(unit));
        Self { since, before }
    }

    /// Tells whether so few of them are that it is better to look at each event.
    fn is_short(self, unit: i64) -> bool {
        match self.whole(unit) {
            Self {
                since: Some(since),
                before: Some(before),
            } => before < since + unit.max(FEW * HOUR),
            _ => false,
        }
    }

    /// Returns the condition that a column is within, which begins with `AND`.
    fn condition(self, column: &str, sql: &mut Sql) -> String {
        let mut text = String::new();
        for (bound, sign) in [(self.since, ">="), (self.before, "<")] {
            if let Some(bound) = bound {
                let bound = sql.bind(bound);
                text.extend([" AND ", column, " ", sign, " ", &bound]);
            }
        }
        text
    }
}

/// Selects `ts, value, count` by the hours, or by the months, where a filter asks for nothing that they do not tell, and all these
/// microseconds are whole ones.
pub(super) fn counted(
    filter: &AuditFilter,
    field: AuditField,
    exact: &[i64],
) -> Option<(Sql, String)> {
    let (_, unit) = *FIELDS.iter().find(|(counted, _)| *counted == field)?;
    if exact.iter().any(|micros| micros % unit != 0) {
        return None;
    }
    let (span, others) = Span::of(filter)?;
    if span.is_short(unit) {
        return None;
    }
    let (value, from) = value_of(field).ok()?;
    let mut sql = Sql::default();
    let outcomes = (!others.is_empty()).then(|| sql.bind(list(outcomes(&others))));
    let fits = |of: &str| match &outcomes {
        Some(fitting) => {
            format!("{of}stage || ' ' || {of}outcome IN (SELECT value FROM json_each({fitting}))")
        }
        None => "1 = 1".to_owned(),
    };
    let hours = span.whole(unit);
    let field = sql.bind(field.as_str());
    let within = hours.condition("hour", &mut sql);
    let mut parts = vec![format!(
        "SELECT hour AS ts, value, count FROM ee_audit_tallies \
         WHERE field = {field}{within} AND count > 0 AND {}",
        fits("")
    )];
    // What is before the first hour and behind the last one, as far as it is in them.
    for edge in [(span.since, hours.since), (hours.before, span.before)] {
        let (since @ Some(_), before @ Some(_)) = edge else {
            continue;
        };
        if since < before {
            let within = Span { since, before }.condition("e.ts", &mut sql);
            parts.push(format!(
                "SELECT e.ts AS ts, {value} AS value, 1 AS count FROM ee_audit_events AS e{from} \
                 WHERE {}{within} AND coalesce(e.number <= {MARK}, FALSE)",
                fits("e.")
            ));
        }
    }
    // What is in none yet. The sign keeps databases from going through the times.
    let within = span.condition("+ e.ts", &mut sql);
    parts.push(format!(
        "SELECT e.ts AS ts, {value} AS value, 1 AS count FROM ee_audit_heads AS h \
         LEFT JOIN ee_audit_indexed AS i ON i.log = h.log \
         JOIN ee_audit_events AS e ON e.number > coalesce(i.number, h.log * 1099511627776) \
         AND e.number <= h.log * 1099511627776 + h.size{from} WHERE {}{within}",
        fits("e.")
    ));
    Some((sql, parts.join(" UNION ALL ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(micros).unwrap()
    }

    fn span(since: i64, before: i64) -> Span {
        Span {
            since: Some(since),
            before: Some(before),
        }
    }

    #[test]
    fn the_hours_are_within_the_span() {
        let hours = |since, before| span(since, before).whole(HOUR);
        assert_eq!(hours(1, 3 * HOUR + 1), span(HOUR, 3 * HOUR));
        assert_eq!(hours(0, HOUR), span(0, HOUR));
        assert_eq!(hours(-HOUR - 1, -1), span(-HOUR, -HOUR));
        assert!(span(1, 6 * HOUR).is_short(HOUR));
        assert!(!span(0, 6 * HOUR).is_short(HOUR));
        assert!(span(1, 2 * MONTH - 1).is_short(MONTH));
        assert!(!span(1, 2 * MONTH).is_short(MONTH));
        assert!(!Span::default().is_short(HOUR));
    }

    #[test]
    fn times_and_outcomes_are_told_by_the_hours() {
        let day = AuditFilter::Since(at(5)).and(AuditFilter::Before(at(30 * HOUR)));
        let results = AuditFilter::Not(Box::new(AuditFilter::is(AuditField::Stage, "intent")));
        let denied = AuditFilter::is(AuditField::Outcome, "denied");

        for filter in [
            AuditFilter::EVERYTHING,
            day.clone(),
            day.clone().and(results.clone()),
        ] {
            assert!(counted(&filter, AuditField::Action, &[]).is_some());
            assert!(counted(&filter, AuditField::Action, &[60_000_000]).is_none());
            assert!(counted(&filter, AuditField::SessionId, &[]).is_none());
            assert!(counted(&filter, AuditField::ActorId, &[24 * HOUR]).is_none());
        }
        assert!(counted(&AuditFilter::EVERYTHING, AuditField::ActorId, &[]).is_some());
        assert!(counted(&day, AuditField::ActorId, &[]).is_none());
        assert_eq!(outcomes(&[&results, &denied]), ["result denied"]);
        let actor = day.and(AuditFilter::is(AuditField::ActorId, "a"));
        assert!(counted(&actor, AuditField::Action, &[]).is_none());
    }
}
