//! Cases for an [`AuditSearch`]: what it finds is what [`AuditFilter::matches`] says.

#![expect(
    clippy::indexing_slicing,
    reason = "a case stops at the first thing that is not so"
)]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ee_core::{
    AuditEvent, AuditField, AuditFilter, AuditPlace, AuditQuery, AuditTest, ErrorKind,
    storage::{AuditBucket, AuditIndex, AuditSearch, AuditSpans, AuditStore},
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    audit_samples::{LOG, event, record, records},
    dice::Dice,
    hard_texts,
    samples::{TICK, assert_kind, at},
};

/// Makes the tests of an [`AuditSearch`]. The setup is a future of a [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! audit_search_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(audit_search, $setup =>
            every_filter_finds_what_it_fits,
            a_thousand_hostile_values_are_values,
            pages_hold_each_event_once_also_while_others_are_added,
            events_of_one_moment_come_by_their_ids,
            a_page_has_as_many_as_were_asked_for,
            conditions_may_be_many_and_deep,
            words_are_found_before_they_are_indexed_and_behind,
            words_of_many_events_are_found_page_by_page,
            counting_ends_where_it_is_told_to,
            hours_are_counted_as_their_events_are,
            a_histogram_has_no_end_of_parts,
        );
    };
}

/// Fewer than all of the random filters that a quick store is asked: each is another statement.
const FILTERS: u64 = 100;

/// A question, with everything about it that chance decides.
pub(crate) struct Asked {
    field: AuditField,
    filter: AuditFilter,
    is_ascending: bool,
    spans: AuditSpans,
}

impl Asked {
    pub(crate) fn of(filter: AuditFilter, number: u64) -> Self {
        let mut dice = Dice(number);
        Self {
            field: *dice.pick(&AuditField::ALL),
            filter,
            is_ascending: dice.roll(2) == 0,
            spans: AuditSpans::of(*dice.pick(&[1, 60, 3_600, 7_200, 86_400, 7]))
                .ahead_by(*dice.pick(&[0, 7_200, -34_200, 20_700])),
        }
    }
}

fn place(event: &AuditEvent) -> AuditPlace {
    AuditPlace {
        timestamp: event.timestamp,
        id: event.id,
    }
}

fn values(field: AuditField, event: &AuditEvent) -> Vec<String> {
    let values = field.values(event).into_iter().map(|value| match field {
        AuditField::Email => value.to_lowercase(),
        _ => value.into_owned(),
    });
    values
        .map(|value| value.chars().take(200).collect())
        .collect()
}

fn facet(field: AuditField, fitting: &[&AuditEvent]) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for value in fitting.iter().flat_map(|event| values(field, event)) {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

fn histogram(field: AuditField, spans: AuditSpans, fitting: &[&AuditEvent]) -> Vec<AuditBucket> {
    let width = i64::from(spans.seconds) * 1_000_000;
    let ahead = i64::from(spans.offset) * 1_000_000;
    let mut counts: BTreeMap<(i64, String), u64> = BTreeMap::new();
    for event in fitting {
        let micros = event.timestamp.as_microsecond();
        for value in values(field, event) {
            let start = (micros + ahead).div_euclid(width) * width - ahead;
            *counts.entry((start, value)).or_default() += 1;
        }
    }
    let buckets = counts.into_iter();
    let bucket = |((start, value), count)| AuditBucket {
        start: Timestamp::from_microsecond(start).unwrap(),
        count,
        value,
    };
    buckets.map(bucket).collect()
}

/// Asserts that a store answers as somebody who looks at every event.
pub(crate) async fn same(store: &impl AuditSearch, asked: &Asked, events: &[AuditEvent]) {
    let Asked {
        field,
        filter,
        is_ascending,
        spans,
    } = asked;
    let mut fitting: Vec<&AuditEvent> = events.iter().filter(|it| filter.matches(it)).collect();
    fitting.sort_by_key(|event| place(event));
    if !is_ascending {
        fitting.reverse();
    }
    let mut query = AuditQuery::newest(filter.clone(), AuditQuery::MAX_LIMIT);
    query.is_ascending = *is_ascending;

    let found = store.search(&query).await.unwrap();
    let found: Vec<&AuditEvent> = found.iter().map(|entry| &entry.record.event).collect();
    assert_eq!(found, fitting, "{filter:?}");

    let count = store.count(filter, 1_000).await.unwrap();
    assert_eq!(count.counted, fitting.len() as u64, "{filter:?}");
    let mut facets = store.facet(filter, *field, 1_000).await.unwrap();
    // Those that are as frequent come by the value; texts that no text should have come anywhere among them.
    facets.sort_by(|(a, many), (b, more)| (Reverse(many), a).cmp(&(Reverse(more), b)));
    assert_eq!(facets, facet(*field, &fitting), "{filter:?}");
    let mut parts = store.histogram(filter, *field, *spans).await.unwrap();
    parts.sort_by(|a, b| (a.start, &a.value).cmp(&(b.start, &b.value)));
    assert_eq!(parts, histogram(*field, *spans, &fitting), "{filter:?}");
}

async fn add(store: &impl AuditStore, events: &[AuditEvent]) {
    let records = events.iter().cloned().map(record).collect();
    store.append(LOG, records, at(0)).await.unwrap();
}

/// Random filters over random events in two logs: none of them in an index, some and all.
///
/// Phase 5: `LibSQL` and `PostgreSQL` storage adapters are available.
pub async fn every_filter_finds_what_it_fits(
    store: Arc<impl AuditIndex + AuditSearch + AuditStore>,
) {
    let mut dice = Dice(7);
    let mut events: Vec<AuditEvent> = (0..80).map(|_| dice.event()).collect();
    add(&*store, &events[..60]).await;
    let others = events[60..].iter().cloned().map(record).collect();
    store.append("another", others, at(0)).await.unwrap();

    for number in 0..FILTERS {
        let filter = Dice(number).filter(&events, 3);
        same(&*store, &Asked::of(filter, number), &events).await;
    }
    store.index_events(45).await.unwrap();
    for number in FILTERS..2 * FILTERS {
        let filter = Dice(number).filter(&events, 3);
        same(&*store, &Asked::of(filter, number), &events).await;
    }
    while store.index_events(50).await.unwrap() > 0 {}
    let late: Vec<AuditEvent> = (0..20).map(|_| dice.event()).collect();
    add(&*store, &late).await;
    events.extend(late);
    for number in 2 * FILTERS..3 * FILTERS {
        let filter = Dice(number).filter(&events, 3);
        same(&*store, &Asked::of(filter, number), &events).await;
    }
}

/// Wildcards, quotes, operators of searches for words and what else means something to a database.
pub async fn a_thousand_hostile_values_are_values(
    store: Arc<impl AuditIndex + AuditSearch + AuditStore>,
) {
    let mut values = hard_texts();
    let parts = [
        "%", "_", "'", "\"", "*", "\\", ")", "OR", "NEAR", "\0", ":*", "|", "--", "[", "^",
    ];
    for one in parts {
        for other in parts {
            values.push(format!("{one}a{other}"));
        }
    }
    let events = values.iter().step_by(3).map(|value| {
        let mut event = event(0);
        event.actor.id.clone_from(value);
        event.actor.email = Some(value.clone());
        event.reason = Some(value.clone());
        event
    });
    let events: Vec<AuditEvent> = events.collect();
    for part in events.chunks(40) {
        add(&*store, part).await;
    }
    while store.index_events(1_000).await.unwrap() > 0 {}

    let mut asked = 0;
    for value in &values {
        for filter in [
            AuditFilter::is(AuditField::ActorId, value),
            AuditFilter::Field(AuditField::Email, AuditTest::StartsWith(value.clone())),
            AuditFilter::Field(AuditField::ActorId, AuditTest::EndsWith(value.clone())),
            AuditFilter::Words(vec![value.clone(), "a".to_owned()]),
            AuditFilter::is(AuditField::Action, value),
        ] {
            let fits = |event: &&AuditEvent| filter.matches(event);
            let expected = events.iter().filter(fits).count() as u64;
            let count = store.count(&filter, 10_000).await.unwrap();
            assert_eq!(count.counted, expected, "{filter:?}");
            asked += 1;
        }
    }
    assert!(asked >= 1_000, "{asked}");
}

/// Whoever goes from page to page meets whatever was there when he began.
pub async fn pages_hold_each_event_once_also_while_others_are_added(
    store: Arc<impl AuditSearch + AuditStore>,
) {
    let times = |number: i64| at(0) + TICK * i32::try_from(number % 3).unwrap();
    let events = |count: i64| {
        let events = (0..count).map(|number| {
            let mut event = event(0);
            event.timestamp = times(number);
            event
        });
        events.collect::<Vec<AuditEvent>>()
    };
    let old = events(100);
    add(&*store, &old).await;
    let old: BTreeSet<Uuid> = old.iter().map(|event| event.id).collect();

    for is_ascending in [false, true] {
        let mut query = AuditQuery::newest(AuditFilter::EVERYTHING, 9);
        query.is_ascending = is_ascending;
        let mut seen = Vec::new();
        loop {
            let page = store.search(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some(place(&last.record.event));
            seen.extend(page.iter().map(|entry| place(&entry.record.event)));
            if seen.len() < 100 {
                add(&*store, &events(2)).await;
            }
        }

        let mut sorted = seen.clone();
        sorted.sort();
        if !is_ascending {
            sorted.reverse();
        }
        assert_eq!(seen, sorted);
        let ids: BTreeSet<Uuid> = seen.iter().map(|place| place.id).collect();
        assert_eq!(ids.len(), seen.len());
        assert!(ids.is_superset(&old));
    }
}

/// Also where all are of one moment, in both directions.
pub async fn events_of_one_moment_come_by_their_ids(store: Arc<impl AuditSearch + AuditStore>) {
    let mut dice = Dice(11);
    let mut events: Vec<AuditEvent> = (0..40).map(|_| dice.event()).collect();
    for event in &mut events {
        event.timestamp = at(5);
    }
    add(&*store, &events).await;
    let mut expected: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    expected.sort();

    for is_ascending in [true, false] {
        let mut query = AuditQuery::newest(AuditFilter::EVERYTHING, 7);
        query.is_ascending = is_ascending;
        let mut seen = Vec::new();
        loop {
            let page = store.search(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some(place(&last.record.event));
            seen.extend(page.iter().map(|entry| entry.record.event.id));
        }
        assert_eq!(seen, expected);
        expected.reverse();
    }
}

/// Never more.
pub async fn a_page_has_as_many_as_were_asked_for(store: Arc<impl AuditSearch + AuditStore>) {
    store.append(LOG, records(1_100), at(0)).await.unwrap();
    let mut query = AuditQuery::newest(AuditFilter::EVERYTHING, 1);

    for (limit, expected) in [
        (0, 0),
        (1, 1),
        (17, 17),
        (129, 129),
        (1_000, 1_000),
        (u32::MAX, 1_000),
    ] {
        query.limit = limit;
        let page = store.search(&query).await.unwrap();
        assert_eq!(page.len(), expected);
        let newest: Vec<i64> = page
            .iter()
            .map(|it| it.record.event.timestamp.as_second())
            .collect();
        let first = at(1_099).as_second();
        let expected = (0..).take(expected).map(|it| first - it);
        assert_eq!(newest, expected.collect::<Vec<i64>>());
    }
}

/// As many as a request may hold.
pub async fn conditions_may_be_many_and_deep(store: Arc<impl AuditSearch + AuditStore>) {
    store.append(LOG, records(3), at(0)).await.unwrap();
    let is = |value: String| AuditFilter::is(AuditField::ActorId, value);
    let many: Vec<AuditFilter> = (0..2_000).map(|it| is(it.to_string())).collect();
    let anna = is("anna".to_owned());
    let mixed = (0..300).map(|it| {
        let field = AuditField::ALL[it % AuditField::ALL.len()];
        AuditFilter::Field(field, AuditTest::StartsWith(format!("{it}")))
    });
    let mixed: Vec<AuditFilter> = mixed.collect();
    let mut deep = anna.clone();
    for _ in 0..50 {
        deep = AuditFilter::Not(Box::new(AuditFilter::Any(vec![
            deep.clone(),
            is("x".to_owned()),
        ])));
    }

    for (filter, expected) in [
        (AuditFilter::Any(many.clone()), 0),
        (
            AuditFilter::Any(many.into_iter().chain([anna.clone()]).collect()),
            3,
        ),
        (
            AuditFilter::Any(mixed.iter().cloned().chain([anna]).collect()),
            3,
        ),
        (AuditFilter::All(mixed), 0),
        (deep, 3),
        (AuditFilter::All(Vec::new()), 3),
        (AuditFilter::Any(Vec::new()), 0),
    ] {
        let count = store.count(&filter, 10).await.unwrap();
        assert_eq!(count.counted, expected);
        let query = AuditQuery::newest(filter, 10);
        let found = store.search(&query).await.unwrap();
        assert_eq!(found.len() as u64, expected);
    }
}

/// In both directions, in logs that are not in the order of time, also where many events are of one moment.
pub async fn words_of_many_events_are_found_page_by_page(
    store: Arc<impl AuditIndex + AuditSearch + AuditStore>,
) {
    let mut dice = Dice(23);
    let reasons = [
        "Rate limit reached",
        "rates are limited",
        "rate",
        "limit",
        "none",
    ];
    let events = (0..3_000).map(|number| {
        let mut event = event(i64::try_from(dice.roll(1_000)).unwrap());
        event.reason = Some((*dice.pick(&reasons)).to_owned());
        event
            .metadata
            .insert("tag".to_owned(), format!("w{number}").into());
        event
    });
    let events: Vec<AuditEvent> = events.collect();
    for (number, part) in events.chunks(500).enumerate() {
        let records = part.iter().cloned().map(record).collect();
        let log = if number == 2 { "another" } else { LOG };
        store.append(log, records, at(0)).await.unwrap();
        if number < 5 {
            while store.index_events(1_000).await.unwrap() > 0 {}
        }
    }

    let words =
        |words: &[&str]| AuditFilter::Words(words.iter().map(|&it| it.to_owned()).collect());
    let times = AuditFilter::Since(at(200)).and(AuditFilter::Before(at(900)));
    for filter in [
        words(&["rate", "limit"]),
        words(&["w1"]),
        words(&["rate", "w2"]),
        words(&["unheard"]),
        words(&["limit"]).and(times.clone()),
        times
            .and(words(&["rates"]))
            .and(AuditFilter::Not(Box::new(words(&["w7"])))),
    ] {
        for is_ascending in [false, true] {
            let mut fitting: Vec<AuditPlace> = events
                .iter()
                .filter(|event| filter.matches(event))
                .map(place)
                .collect();
            fitting.sort();
            if !is_ascending {
                fitting.reverse();
            }
            let mut query = AuditQuery::newest(filter.clone(), 50);
            query.is_ascending = is_ascending;
            for expected in fitting.chunks(50).chain([&[][..]]).take(4) {
                let page = store.search(&query).await.unwrap();
                let page: Vec<AuditPlace> = page.iter().map(|it| place(&it.record.event)).collect();
                assert_eq!(page, expected, "{filter:?}");
                query.after = page.last().copied().or(query.after);
            }
        }
    }
}

/// At once, and the same as later.
pub async fn words_are_found_before_they_are_indexed_and_behind(
    store: Arc<impl AuditIndex + AuditSearch + AuditStore>,
) {
    let with_reason = |seconds, reason: &str| {
        let mut event = event(seconds);
        event.reason = Some(reason.to_owned());
        event
    };
    let reasons = ["Rate limit reached", "a limitation", "Straße", "unrelated"];
    let found = async |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        let query = AuditQuery::newest(AuditFilter::Words(words), 100);
        let page = store.search(&query).await.unwrap();
        page.iter()
            .map(|it| it.record.event.timestamp)
            .collect::<Vec<_>>()
    };
    let events: Vec<AuditEvent> = (0..)
        .zip(reasons)
        .map(|(at, it)| with_reason(at, it))
        .collect();
    add(&*store, &events).await;

    for _ in 0..2 {
        assert_eq!(found(&["limit"]).await, [at(1), at(0)]);
        assert_eq!(found(&["limit", "rate"]).await, [at(0)]);
        assert_eq!(found(&["straß"]).await, [at(2)]);
        assert!(found(&["imit"]).await.is_empty());
        assert!(found(&["Rate"]).await.is_empty());
        while store.index_events(1_000).await.unwrap() > 0 {}
    }
    add(&*store, &[with_reason(9, "limits")]).await;
    assert_eq!(found(&["limit"]).await, [at(9), at(1), at(0)]);
    let not = AuditFilter::Not(Box::new(AuditFilter::Words(vec!["limit".to_owned()])));
    assert_eq!(store.count(&not, 100).await.unwrap().counted, 2);
}

/// And says that there are more.
pub async fn counting_ends_where_it_is_told_to(store: Arc<impl AuditSearch + AuditStore>) {
    store.append(LOG, records(30), at(0)).await.unwrap();

    for (most, counted, is_capped) in [
        (0, 0, true),
        (29, 29, true),
        (30, 30, false),
        (u64::MAX, 30, false),
    ] {
        let count = store.count(&AuditFilter::EVERYTHING, most).await.unwrap();
        assert_eq!((count.counted, count.is_capped), (counted, is_capped));
    }
}

/// Spans that begin and end anywhere, with the parts of hours at their ends.
pub async fn hours_are_counted_as_their_events_are(
    store: Arc<impl AuditIndex + AuditSearch + AuditStore>,
) {
    let mut dice = Dice(13);
    let minute = SignedDuration::from_mins(1);
    let moment = |dice: &mut Dice| at(0) + minute * i32::try_from(dice.roll(3_000)).unwrap();
    let events = (0..150).map(|_| {
        let mut event = dice.event();
        event.timestamp = moment(&mut dice);
        event
    });
    let events: Vec<AuditEvent> = events.collect();
    add(&*store, &events[..100]).await;
    while store.index_events(37).await.unwrap() > 0 {}
    add(&*store, &events[100..]).await;
    store.index_events(10).await.unwrap();

    for number in 0..150 {
        let mut filter = AuditFilter::EVERYTHING;
        if dice.roll(3) > 0 {
            filter = filter.and(AuditFilter::Since(moment(&mut dice)));
        }
        if dice.roll(3) > 0 {
            filter = filter.and(AuditFilter::Before(moment(&mut dice) + TICK));
        }
        let intent = AuditFilter::is(AuditField::Stage, "intent");
        filter = match dice.roll(3) {
            0 => filter.and(AuditFilter::Not(Box::new(intent))),
            1 => filter.and(AuditFilter::is(AuditField::Outcome, "denied")),
            _ => filter,
        };
        same(&*store, &Asked::of(filter, number), &events).await;
    }
}

/// Whoever asks for seconds of years is told so.
pub async fn a_histogram_has_no_end_of_parts(store: Arc<impl AuditSearch + AuditStore>) {
    let everything = AuditFilter::EVERYTHING;
    let by = AuditField::RequestId;
    let none = AuditSpans::of(0);
    let none = store
        .histogram(&everything, AuditField::Outcome, none)
        .await;
    assert_kind(none, ErrorKind::Invalid);
    let events = (0..10_001).map(|number| {
        let mut event = event(number);
        let id = number.to_string();
        let context = ee_core::AuditContext::new(id, "GET".to_owned(), "/".into(), 200);
        event.context = Some(Box::new(context));
        record(event)
    });
    let records: Vec<_> = events.collect();
    for part in records.chunks(1_000) {
        store.append(LOG, part.to_vec(), at(0)).await.unwrap();
    }

    let days = AuditSpans::of(86_400);
    let too_many = store.histogram(&everything, by, days).await;
    assert_kind(too_many, ErrorKind::Invalid);
    let fine = store
        .histogram(&AuditFilter::Before(at(9_000)), by, days)
        .await;
    assert_eq!(fine.unwrap().len(), 9_000);
}
