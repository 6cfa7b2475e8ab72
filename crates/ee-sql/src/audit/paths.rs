//! How a search gets at its events without a look at most others.

use std::collections::BTreeSet;

use ee_core::{AuditField, AuditFilter, AuditOutcome, AuditTest, Error};

use super::{
    actions::is_of_action,
    conditions::{Sql, of_one_field},
    near::Near,
    tail::Tail,
    texts::{kept, list},
    words::{self, Manner, Sought},
};
use crate::{Database, Dialect, SqlStore, Statement, store::column};

/// Most ways of one search.
const MOST: usize = 32;

/// Characters of a text that stand in an index.
const INDEXED: usize = 200;

/// Most events that are found by their words first and put in order then.
const FEW: u64 = 2_000;

/// How much longer it takes to see whether one event has words than to list one that has, for a page.
const PROBES: u64 = 1_500;

/// Conditions each of which goes along one index, in the order of time. No event meets two of them.
#[derive(Debug, Default)]
pub(super) struct Way<'a> {
    pub(super) manner: Manner,
    pub(super) paths: Vec<String>,
    /// A part of the filter that all events on the way meet.
    pub(super) settled: Option<&'a AuditFilter>,
}

impl Way<'_> {
    fn of(paths: impl IntoIterator<Item = String>) -> Self {
        Self {
            paths: paths.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Goes through all times.
    fn through_time(manner: Manner) -> Self {
        Self {
            manner,
            ..Self::of(["1 = 1".to_owned()])
        }
    }
}

/// Returns what all has to be so.
pub(super) fn conjuncts(filter: &AuditFilter) -> Vec<&AuditFilter> {
    match filter {
        AuditFilter::All(all) => all.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// Indexed fields with their columns, those that tell events apart best first.
const FIELDS: [(AuditField, &str); 6] = [
    (AuditField::RequestId, "e.request_id"),
    (AuditField::RunId, "e.run_id"),
    (AuditField::ThreadId, "e.thread_id"),
    (AuditField::SessionId, "e.session_id"),
    (AuditField::ResourceId, "e.resource_id"),
    (AuditField::ActorId, "e.actor_id"),
];

/// Returns the values of a field when it has to have one of a few.
fn values(filter: &AuditFilter, wanted: AuditField) -> Option<Vec<&str>> {
    let (field, values) = match filter {
        AuditFilter::Any(any) => of_one_field(any)?,
        AuditFilter::Field(field, AuditTest::Is(value)) => (*field, vec![&**value]),
        _ => return None,
    };
    (field == wanted).then_some(values)
}

/// Goes along the index of a field.
fn of_field<'a>(conjuncts: &[&AuditFilter], sql: &mut Sql) -> Option<Way<'a>> {
    let by_field = FIELDS.iter().find_map(|(field, column)| {
        let values = conjuncts.iter().filter_map(|it| values(it, *field));
        values.min_by_key(Vec::len).map(|values| (*column, values))
    });
    let (column, values) = by_field?;
    let starts = values.iter().map(|value| {
        let value = kept(value);
        let end = value
            .char_indices()
            .nth(INDEXED)
            .map_or(value.len(), |(at, _)| at);
        value.get(..end).unwrap_or_default().to_owned()
    });
    let starts: BTreeSet<String> = starts.collect();
    if starts.len() > MOST {
        return None;
    }
    let paths = starts.into_iter().map(|start| {
        let start = sql.bind(start);
        let is_there = match column {
            "e.actor_id" => String::new(),
            column => format!(" AND {column} IS NOT NULL"),
        };
        format!("substr({column}, 1, {INDEXED}) = {start}{is_there}")
    });
    Some(Way::of(paths))
}

/// Goes along the index of outcomes, which leaves out the ones that nearly all have.
fn of_outcome<'a>(conjuncts: &[&AuditFilter], sql: &mut Sql) -> Option<Way<'a>> {
    let wanted = conjuncts.iter().find_map(|filter| {
        let values = values(filter, AuditField::Outcome)?;
        let is_rare = |value: &&str| *value != AuditOutcome::Success.as_str();
        values.iter().all(is_rare).then_some(values)
    })?;
    let wanted: BTreeSet<&str> = wanted.into_iter().collect();
    if wanted.len() > MOST {
        return None;
    }
    let paths = wanted.into_iter().map(|outcome| {
        let outcome = sql.bind(&*kept(outcome));
        format!("e.outcome = {outcome} AND e.outcome <> 'success'")
    });
    Some(Way::of(paths))
}

/// Returns the words that a search begins with, when nothing is in a better index.
pub(super) fn words_lead(filter: &AuditFilter, dialect: Dialect) -> Option<Led<'_>> {
    let conjuncts = conjuncts(filter);
    let mut unused = Sql::default();
    if of_field(&conjuncts, &mut unused)
        .or_else(|| of_outcome(&conjuncts, &mut unused))
        .is_some()
    {
        return None;
    }
    let led = conjuncts.into_iter().find_map(|filter| match filter {
        AuditFilter::Words(words) => Some((filter, words)),
        _ => None,
    });
    let (filter, words) = led?;
    let sought = Sought::new(words, dialect);
    (sought != Sought::Everything).then_some(Led {
        filter,
        sought,
        words,
    })
}

/// What a search begins with.
#[derive(Debug)]
pub(super) struct Led<'a> {
    filter: &'a AuditFilter,
    sought: Sought,
    words: &'a [String],
}

impl<D: Database> SqlStore<D> {
    /// Finds the way of a search, within a span of time if there is one. Without any, no event fits.
    pub(super) async fn paths<'a>(
        &self,
        filter: &'a AuditFilter,
        near: Option<Near>,
        tail: &Tail,
        sql: &mut Sql,
    ) -> Result<Way<'a>, Error> {
        if let Some(led) = words_lead(filter, self.database().dialect()) {
            return match (&led.sought, near) {
                (Sought::Index(question), None) => self.of_words(&led, question, tail, sql).await,
                (Sought::Index(question), Some(near)) => {
                    self.of_words_near(&led, question, near, tail, sql).await
                }
                (Sought::Everything | Sought::Nothing, _) => Ok(Way::default()),
            };
        }
        let conjuncts = conjuncts(filter);
        if let Some(paths) = of_field(&conjuncts, sql).or_else(|| of_outcome(&conjuncts, sql)) {
            return Ok(paths);
        }
        for filter in conjuncts.into_iter().filter(|it| is_of_action(it)) {
            let actions = self.actions(filter).await?;
            if actions.len() <= MOST {
                let paths = actions.into_iter().map(|action| {
                    let action = sql.bind(action);
                    format!("e.action = {action}")
                });
                return Ok(Way::of(paths));
            }
        }
        Ok(Way::through_time(Manner::List))
    }

    /// Begins with the events that have the words, when these are few.
    async fn of_words<'a>(
        &self,
        led: &Led<'a>,
        question: &str,
        tail: &Tail,
        sql: &mut Sql,
    ) -> Result<Way<'a>, Error> {
        let dialect = self.database().dialect();
        let all =
            Statement::new("SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM ee_audit_heads");
        let all = self.few("look for words", all, column::<u64>).await?.pop();
        // The rarer the words, the longer the list takes less and the look at each event more.
        let many = (all.unwrap_or_default() * PROBES).isqrt().max(FEW);
        let count = words::count(dialect, question.to_owned(), many + 1);
        let count = self
            .along("look for words", count, column::<u64>)
            .await?
            .pop();
        let count = count.unwrap_or_default();
        let numbers = tail.numbers(led.words, true);
        if count + numbers.len() as u64 > FEW {
            let manner = if count > many {
                Manner::Probe
            } else {
                Manner::List
            };
            return Ok(Way::through_time(manner));
        }
        let found = words::numbers(dialect, &sql.bind(question));
        Ok(Way {
            settled: Some(led.filter),
            ..Way::of([among(&found, numbers, sql)])
        })
    }

    /// Goes through the events of a span of time.
    async fn of_words_near<'a>(
        &self,
        led: &Led<'a>,
        question: &str,
        near: Near,
        tail: &Tail,
        sql: &mut Sql,
    ) -> Result<Way<'a>, Error> {
        let is_near = near.condition(sql);
        let dialect = self.database().dialect();
        let (number, question) = match dialect {
            Dialect::Postgres => ("number", question.to_owned()),
            Dialect::Sqlite => ("rowid", self.in_whole_words(led.words).await?),
        };
        let found = words::numbers(dialect, &sql.bind(question));
        let found = format!("{found} AND {}", near.numbers(number, sql));
        let path = among(&found, tail.numbers(led.words, true), sql);
        Ok(Way {
            settled: Some(led.filter),
            ..Way::of([format!("{path} AND {is_near}")])
        })
    }
}

/// Writes the condition that an event is among those found, or among those listed.
fn among(found: &str, listed: Vec<String>, sql: &mut Sql) -> String {
    let listed = sql.bind(list(listed));
    format!("e.number IN ({found} UNION SELECT CAST(value AS BIGINT) FROM json_each({listed}))")
}
