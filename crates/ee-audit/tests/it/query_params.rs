//! The parameters of searches.

use ee_audit::query::{
    Context, Counting, MAX_TERMS, MAX_TEXT_BYTES, MastraPage, MastraSearch, Order, Search, parse,
};
use ee_core::{AuditField, AuditFilter, AuditQuery, Error, ErrorKind};
use jiff::tz::{TimeZone, offset};

use crate::query_samples::{context, now};

pub(crate) fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    query.iter().map(owned).collect()
}

fn read(query: &[(&str, &str)]) -> Search {
    Search::read(&pairs(query), &context()).unwrap_or_else(|err| panic!("{query:?}: {err}"))
}

fn mastra(query: &[(&str, &str)]) -> MastraSearch {
    MastraSearch::read(&pairs(query), &context()).unwrap_or_else(|err| panic!("{query:?}: {err}"))
}

fn filter(line: &str) -> AuditFilter {
    parse(line, &context()).unwrap()
}

/// Fails unless it is a 400 that names the parameter.
#[track_caller]
fn assert_names<T: std::fmt::Debug>(result: Result<T, Error>, name: &str) {
    let err = result.expect_err(name);
    assert_eq!(err.kind(), ErrorKind::Invalid, "{err}");
    assert_eq!(err.issues()[0].field, name, "{err}");
}

#[test]
fn without_parameters_it_is_the_newest_results() {
    let mut search = Search::new(filter("is:result"), now());
    assert_eq!(read(&[]), search);
    assert_eq!(
        (search.limit, search.order, search.count),
        (50, Order::Descending, Counting::Capped)
    );

    search.restrict(filter("org:a"));
    assert_eq!(search.filter, filter("is:result org:a"));
}

#[test]
fn parameters_are_terms_of_the_grammar() {
    for (query, line) in [
        (
            vec![("actorId", "a"), ("actorId", "b"), ("outcome", "denied")],
            "actorId:a,b outcome:denied",
        ),
        (
            vec![("outcome", "denied"), ("actorId", "a"), ("actorId", "b")],
            "actorId:a,b outcome:denied",
        ),
        (vec![("actorId", "a,b*")], r#"actorId:"a,b*""#),
        (vec![("actorType", "api-key")], "actorType:apikey"),
        (vec![("email", "Ada@X.com")], "email:ada@x.com"),
        (vec![("action", "agents:create")], "action:agents.create"),
        (vec![("action", "agents.*")], "action:agents.*"),
        (vec![("action", "*.delete")], "action:*.delete"),
        (vec![("action", "*")], "action:*"),
        (vec![("action", "-tools.execute")], "-action:tools.execute"),
        (
            vec![
                ("action", "-tools.*"),
                ("action", "a"),
                ("action", "-b"),
                ("action", "c"),
            ],
            "action:a,c -action:tools.* -action:b",
        ),
        (vec![("code", "MA-2003W")], "code:MA-2003W"),
        (
            vec![("ip", "10.0.0.0/8"), ("ip", "::1")],
            "ip:10.0.0.0/8,::1",
        ),
        (
            vec![("from", "2026-09-01"), ("to", "2026-09-02")],
            "created:>=2026-09-01 created:<=2026-09-02",
        ),
        (vec![("from", "-15m")], "created:>=-15m"),
        (vec![("minDuration", "2s")], "duration:>=2s"),
        (vec![("q", "Rate limit")], "rate limit"),
        (vec![("q", "rate"), ("q", "limit")], "(rate OR limit)"),
        (vec![("filter", "a OR b"), ("org", "x")], "(a OR b) org:x"),
        (vec![("traceId", "%' OR 1=1--")], r#"traceId:"%' OR 1=1--""#),
    ] {
        let line = format!("{line} is:result");
        assert_eq!(read(&query).filter, filter(&line), "{query:?}");
    }
}

#[test]
fn every_field_is_a_parameter() {
    for field in AuditField::ALL {
        let value = match field {
            AuditField::Action => "a",
            AuditField::ActorKind => "human",
            AuditField::ActorType => "user",
            AuditField::Ip => "10.0.0.1",
            AuditField::Outcome => "denied",
            AuditField::Stage => "intent",
            _ => "x",
        };
        let name = field.as_str();
        let expected = match field {
            AuditField::Stage => filter("is:intent"),
            _ => filter(&format!("{name}:{value} is:result")),
        };
        assert_eq!(read(&[(name, value)]).filter, expected);
    }
}

#[test]
fn acts_about_to_be_done_are_left_out_unless_asked_for() {
    assert_eq!(read(&[("stage", "all")]).filter, AuditFilter::EVERYTHING);
    assert_eq!(read(&[("stage", "intent")]).filter, filter("is:intent"));
    assert_eq!(
        read(&[("filter", "is:intent a")]).filter,
        filter("is:intent a")
    );
    assert_eq!(
        read(&[("filter", "-(is:intent OR a)")]).filter,
        filter("-(is:intent OR a)")
    );
    assert_eq!(read(&[("filter", "a")]).filter, filter("a is:result"));
}

#[test]
fn the_part_is_told() {
    let search = read(&[
        ("limit", "1000"),
        ("order", "asc"),
        ("count", "none"),
        ("cursor", "x"),
    ]);

    assert_eq!(
        (search.limit, search.order),
        (AuditQuery::MAX_LIMIT, Order::Ascending)
    );
    assert_eq!(
        (search.count.most(), search.cursor.as_deref()),
        (None, Some("x"))
    );
    assert_eq!(read(&[("count", "exact")]).count.most(), Some(u64::MAX));
    assert_eq!(read(&[("count", "capped")]).count.most(), Some(10_000));
}

#[test]
fn days_are_those_of_the_place() {
    let berlin = Context::new(now()).in_zone(TimeZone::fixed(offset(2)));

    let search =
        Search::read(&pairs(&[("from", "2026-09-01"), ("stage", "all")]), &berlin).unwrap();

    assert_eq!(search.filter, filter("created:>=2026-08-31T22:00:00Z"));
}

#[test]
fn what_is_wrong_is_named() {
    for (name, value) in [
        ("actorid", "a"),
        ("actor", "a"),
        ("created", "2026-09-01"),
        ("", "a"),
        ("constructor", "a"),
        ("actorId", ""),
        ("actorId", "a\0"),
        ("q", ""),
        ("q", "!!!"),
        ("action", "a*b"),
        ("action", "*a*"),
        ("action", "**"),
        ("action", "-"),
        ("action", "a b"),
        ("actorType", "robot"),
        ("actorKind", "Human"),
        ("outcome", "Denied"),
        ("stage", "both"),
        ("code", "2003"),
        ("code", "MA-9000E"),
        ("ip", "10.0.0.0/33"),
        ("ip", "10.*"),
        ("from", "soon"),
        ("from", ">2026-09-01"),
        ("to", "=2026-09-01"),
        ("to", "2026-09-01..2026-09-02"),
        ("minDuration", "-1"),
        ("minDuration", ">=5"),
        ("minDuration", "18446744073709551615"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "+5"),
        ("limit", "5.0"),
        ("limit", "99999999999999999999"),
        ("order", "DESC"),
        ("count", "estimate"),
        ("filter", "actr:a"),
    ] {
        assert_names(Search::read(&pairs(&[(name, value)]), &context()), name);
    }
    for name in [
        "count",
        "cursor",
        "filter",
        "from",
        "limit",
        "minDuration",
        "order",
        "to",
    ] {
        let value = match name {
            "count" => "none",
            "from" | "to" => "2026-09-01",
            "order" => "asc",
            _ => "5",
        };
        let twice = pairs(&[(name, value), (name, value)]);
        assert_names(Search::read(&twice, &context()), name);
    }
    let err = Search::read(&pairs(&[("outcom", "a")]), &context()).unwrap_err();
    assert_eq!(
        err.to_string(),
        "invalid `outcom`: is no parameter; did you mean `outcome`?"
    );
}

#[test]
fn a_request_has_limits() {
    let longest = "x".repeat(MAX_TEXT_BYTES);
    assert!(Search::read(&pairs(&[("actorId", &longest)]), &context()).is_ok());
    let longer = format!("{longest}x");
    assert_names(
        Search::read(&pairs(&[("actorId", &longer)]), &context()),
        "actorId",
    );

    let most = vec![("actorId", "a"); MAX_TERMS];
    assert!(Search::read(&pairs(&most), &context()).is_ok());
    let more = [most, vec![("runId", "a")]].concat();
    assert_names(Search::read(&pairs(&more), &context()), "runId");
    assert_names(
        Search::read(&pairs(&[("q", &"a ".repeat(MAX_TERMS + 1))]), &context()),
        "q",
    );
    let half = "a ".repeat(MAX_TERMS / 2 + 1);
    assert_names(
        Search::read(&pairs(&[("q", &half), ("q", &half)]), &context()),
        "q",
    );
    let many = "a,".repeat(MAX_TERMS) + "a";
    assert_names(
        MastraSearch::read(&pairs(&[("action", &many)]), &context()),
        "action",
    );
    let name = "x".repeat(10_000);
    let err = Search::read(&pairs(&[(&name, "a")]), &context()).unwrap_err();
    assert!(err.to_string().len() < 100);
}

#[test]
fn both_generations_of_clients_are_understood() {
    let older = mastra(&[
        ("actorType", "api-key"),
        ("action", "agents:*"),
        ("startDate", "2026-09-01T00:00:00.000Z"),
        ("endDate", "2026-09-02"),
        ("offset", "20"),
        ("limit", "10"),
    ]);
    let newer = mastra(&[
        ("action", "a,b"),
        ("action", "c"),
        ("actionPrefix", "auth."),
        ("page", "2"),
        ("perPage", "25"),
    ]);

    assert_eq!(
        older.page,
        MastraPage::Offset {
            offset: 20,
            limit: 10
        }
    );
    let dates = "created:<=2026-09-02 created:>=2026-09-01T00:00:00Z";
    let line = format!("action:agents.* actorType:apikey {dates} is:result");
    assert_eq!(older.search.filter, filter(&line));
    assert_eq!(
        (older.search.limit, older.search.order),
        (10, Order::Descending)
    );
    assert_eq!(
        newer.page,
        MastraPage::Page {
            page: 2,
            per_page: Some(25)
        }
    );
    assert_eq!((newer.page.offset(), newer.page.limit()), (50, 25));
    assert_eq!(
        newer.search.filter,
        filter("action:a,b,c action:auth.* is:result")
    );
}

#[test]
fn generations_have_the_sizes_that_they_had() {
    assert_eq!(
        mastra(&[]).page,
        MastraPage::Offset {
            offset: 0,
            limit: 100
        }
    );
    assert_eq!(
        mastra(&[("page", "0")]).page,
        MastraPage::Page {
            page: 0,
            per_page: Some(50)
        }
    );
    let all = mastra(&[("perPage", "false")]);
    assert_eq!(
        all.page,
        MastraPage::Page {
            page: 0,
            per_page: None
        }
    );
    assert_eq!(all.search.limit, AuditQuery::MAX_LIMIT);
    assert_eq!(mastra(&[("action", "a"), ("action", "b")]).page.limit(), 50);
}

#[test]
fn what_is_wrong_with_a_request_of_mastra_is_named() {
    for (query, name) in [
        (vec![("cursor", "x")], "cursor"),
        (vec![("q", "x")], "q"),
        (vec![("startDate", "soon")], "startDate"),
        (vec![("endDate", "")], "endDate"),
        (vec![("actorType", "robot")], "actorType"),
        (vec![("action", "a,,b")], "action"),
        (vec![("actionPrefix", "%")], "actionPrefix"),
        (vec![("limit", "0")], "limit"),
        (vec![("limit", "1001")], "limit"),
        (vec![("offset", "-1")], "offset"),
        (vec![("offset", "9999"), ("limit", "2")], "offset"),
        (vec![("page", "200")], "page"),
        (vec![("page", "4294967296")], "page"),
        (vec![("page", "10000"), ("perPage", "1000")], "page"),
        (vec![("perPage", "true")], "perPage"),
        (vec![("perPage", "10"), ("offset", "0")], "offset"),
        (vec![("page", "1"), ("limit", "10")], "limit"),
    ] {
        assert_names(MastraSearch::read(&pairs(&query), &context()), name);
    }
}
