//! The one-line grammar of searches.

use ee_audit::query::{GrammarError, MAX_DEPTH, MAX_TERMS, MAX_TEXT_BYTES, normal, parse, to_text};
use ee_core::{
    AuditField::{self, *},
    AuditFilter, AuditTest, Error, ErrorKind,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::query_samples::{context, event, filter};

fn read(text: &str) -> AuditFilter {
    parse(text, &context()).unwrap_or_else(|err| panic!("{text}: {err:?}"))
}

fn refused(text: &str) -> GrammarError {
    parse(text, &context()).expect_err(text)
}

fn is(field: AuditField, value: &str) -> AuditFilter {
    AuditFilter::is(field, value)
}

fn starts(field: AuditField, value: &str) -> AuditFilter {
    AuditFilter::Field(field, AuditTest::StartsWith(value.to_owned()))
}

fn ends(field: AuditField, value: &str) -> AuditFilter {
    AuditFilter::Field(field, AuditTest::EndsWith(value.to_owned()))
}

fn not(filter: AuditFilter) -> AuditFilter {
    AuditFilter::Not(Box::new(filter))
}

fn words(words: &[&str]) -> AuditFilter {
    AuditFilter::Words(words.iter().map(|&word| word.to_owned()).collect())
}

fn all(parts: impl Into<Vec<AuditFilter>>) -> AuditFilter {
    AuditFilter::All(parts.into())
}

fn any_of(parts: impl Into<Vec<AuditFilter>>) -> AuditFilter {
    AuditFilter::Any(parts.into())
}

#[test]
fn the_line_of_the_manual_is_read() {
    let line = r#"action:agents.* actor:ada@x outcome:denied -ip:10.0.0.0/8 created:>=2026-09-01 (resource:agent/a OR resource:agent/b) "rate limit""#;

    let agent = |id| all([is(ResourceType, "agent"), is(ResourceId, id)]);
    let expected = all([
        starts(Action, "agents."),
        any_of([is(ActorId, "ada@x"), is(Email, "ada@x")]),
        is(Outcome, "denied"),
        not(AuditFilter::Addresses {
            first: "10.0.0.0".parse().unwrap(),
            last: "10.255.255.255".parse().unwrap(),
        }),
        AuditFilter::Since("2026-09-01T00:00:00Z".parse().unwrap()),
        any_of([agent("a"), agent("b")]),
        words(&["rate", "limit"]),
    ]);
    assert_eq!(read(line), expected);
    assert_eq!(
        to_text(&expected),
        r#"action:agents.* (actorId:ada@x OR email:ada@x) outcome:denied -ip:10.0.0.0/8 created:>=2026-09-01T00:00:00Z ((resourceType:agent resourceId:a) OR (resourceType:agent resourceId:b)) "rate limit""#
    );
}

#[test]
fn every_key_is_read() {
    for field in AuditField::ALL {
        let value = match field {
            Action => "agents.create",
            ActorKind => "api_key",
            ActorType => "apikey",
            Ip => continue,
            Outcome => "failure",
            Stage => "intent",
            _ => "x-1/é@y:z",
        };
        assert_eq!(
            read(&format!("{}:{value}", field.as_str())),
            is(field, value)
        );
    }
    for (text, filter) in [
        ("actor:ada", is(ActorId, "ada")),
        (
            "actor:ad*",
            any_of([starts(ActorId, "ad"), starts(Email, "ad")]),
        ),
        (
            "code:MA-2003W",
            all([is(Action, "agents.delete"), is(Outcome, "denied")]),
        ),
        ("code:ma-2003", is(Action, "agents.delete")),
        ("duration:>=2s", AuditFilter::AtLeast(2_000)),
        ("is:intent", is(Stage, "intent")),
        ("resource:a", is(ResourceId, "a")),
        (
            "resource:agent/a/b",
            all([is(ResourceType, "agent"), is(ResourceId, "a/b")]),
        ),
        (
            "resource:agent/*",
            all([is(ResourceType, "agent"), starts(ResourceId, "")]),
        ),
        ("actorType:api-key", is(ActorType, "apikey")),
        ("actorType:api_key", is(ActorType, "apikey")),
        ("action:agents:create", is(Action, "agents.create")),
        ("email:Ada@Example.COM", is(Email, "ada@example.com")),
        (
            "outcome:*",
            any_of(["denied", "failure", "success"].map(|it| is(Outcome, it))),
        ),
    ] {
        assert_eq!(read(text), filter, "{text}");
    }
}

#[test]
fn values_are_whole_or_have_a_star_at_one_end() {
    for (text, filter) in [
        ("model:a*", starts(Model, "a")),
        ("model:*a", ends(Model, "a")),
        ("model:*", starts(Model, "")),
        ("-model:*", not(starts(Model, ""))),
        (r#"model:"a b""#, is(Model, "a b")),
        (r#"model:"a*""#, is(Model, "a*")),
        (r#"model:"a b"*"#, starts(Model, "a b")),
        (r#"model:*"a b""#, ends(Model, "a b")),
        (r#"model:"""#, is(Model, "")),
        (r#"model:"a\"b\\c\d""#, is(Model, r#"a"b\c\d"#)),
        ("model:a,b*", any_of([is(Model, "a"), starts(Model, "b")])),
        (
            r#"model:a,"b,c""#,
            any_of([is(Model, "a"), is(Model, "b,c")]),
        ),
        ("-model:a,b", not(any_of([is(Model, "a"), is(Model, "b")]))),
        ("model:-a", is(Model, "-a")),
        ("model:a=b", is(Model, "a=b")),
    ] {
        assert_eq!(read(text), filter, "{text}");
    }
    for text in [
        "model:a*b",
        "model:*a*",
        "model:**",
        r#"model:*"a"*"#,
        r#"model:"a"b"#,
        r#"model:a"b""#,
    ] {
        assert!(refused(text).message.starts_with("`model` "), "{text}");
    }
    assert_eq!(refused("model:a,").message, "`model` has no value");
    assert_eq!(refused("model: a").message, "`model` has no value");
}

#[test]
fn and_binds_stronger_than_or_and_brackets_strongest() {
    let (a, b, c) = (words(&["a"]), words(&["b"]), words(&["c"]));
    for (text, filter) in [
        ("", AuditFilter::EVERYTHING),
        ("  ", AuditFilter::EVERYTHING),
        ("*", AuditFilter::EVERYTHING),
        ("a b", words(&["a", "b"])),
        ("a AND b", words(&["a", "b"])),
        ("a OR b c", any_of([a.clone(), words(&["b", "c"])])),
        (
            "(a OR b) c",
            all([any_of([a.clone(), b.clone()]), c.clone()]),
        ),
        (
            "(a OR b)c",
            all([any_of([a.clone(), b.clone()]), c.clone()]),
        ),
        ("a OR (b OR c)", any_of([a.clone(), b.clone(), c.clone()])),
        ("-(a OR b)", not(any_of([a.clone(), b.clone()]))),
        ("--a", a.clone()),
        ("-a -b", all([not(a.clone()), not(b.clone())])),
        (r#"-"a b""#, not(words(&["a", "b"]))),
        ("or and not", words(&["or", "and", "not"])),
        (r#""OR""#, words(&["or"])),
        ("ORacle", words(&["oracle"])),
        ("rate-limit*", words(&["rate", "limit"])),
        ("a(b)", words(&["a", "b"])),
    ] {
        assert_eq!(read(text), filter, "{text}");
    }
}

/// The page underlines what is between the marks.
#[test]
fn an_error_marks_what_is_wrong() {
    for (marked, message) in [
        ("a [actr]:b", "`actr` is no key; did you mean `actor`?"),
        (
            "[http]://x",
            "`http` is no key; put text with a colon into quotes",
        ),
        ("[]:x", "`` is no key; put text with a colon into quotes"),
        (
            "a outcome:[denid] b",
            "`outcome` must be one of `denied`, `failure`, `success`",
        ),
        (
            "outcome:denied,[x]",
            "`outcome` must be one of `denied`, `failure`, `success`",
        ),
        ("is:[late]", "`is` must be one of `intent`, `result`"),
        (
            "-ip:[10.0.0.0/40]",
            "`ip` must be an address or a network such as `10.0.0.0/8`",
        ),
        (
            "ip:[x*]",
            "`ip` must be an address or the beginning or end of one",
        ),
        (
            "é created:[soon]",
            "`created` must be a day, a time such as `2026-09-01T10:00:00Z`, or one before now such as `-15m`",
        ),
        (
            "created:[2026-09-02..2026-09-01]",
            "`created` ends before it begins",
        ),
        (
            "duration:[long]",
            "`duration` must be milliseconds, or a time such as `2s`",
        ),
        ("code:[2003]", "`code` must be like `MA-2003W`"),
        ("code:[MA-1999]", "`code` is the code of no action"),
        (
            "code:[MA-9000I]",
            "`code` is the number of every action of others; search for the `action`",
        ),
        ("code:[MA-2003*]", "`code` takes no `*`"),
        ("resource:[/a]", "`resource` has no type before the `/`"),
        (
            "resource:[agent/]",
            "`resource` has no id behind the `/`; write `*` for any",
        ),
        (
            "action:[agents!]",
            "`action` is not like an action, such as `agents.create` or `agents.*`",
        ),
        (
            "model:[a*b] c",
            "`model` has a `*` or a quote in the middle; a `*` stands at one end, quotes around it all",
        ),
        (
            "model:[*b*]",
            "`model` can have a `*` at one end only; quotes make it a plain star",
        ),
        ("a [(]b", "this bracket is never closed"),
        ("a b[)]", "this bracket closes nothing"),
        ("([)]", "there is nothing before this bracket"),
        ("a [\"b c]", "this quote is never closed"),
        (
            "a [-] b",
            "there is nothing to negate right behind this `-`",
        ),
        (
            "[OR] a",
            "there is nothing before this `OR`; quote it if it is a word",
        ),
        (
            "a OR [OR] b",
            "there is nothing before this `OR`; quote it if it is a word",
        ),
        ("a O[R] ", "something is missing behind this"),
        ("a AN[D]", "something is missing behind this"),
        ("[NOT] a", "`NOT` is written as a `-` right before the term"),
        ("a [!!!] b", "there is no letter and no digit to search for"),
        ("[*a]", "a `*` stands at the end of a word only"),
        ("a[\0]", "a search holds no NUL character"),
    ] {
        let text = marked.replacen(['[', ']'], "", 2);
        let start = marked.find('[').unwrap();
        let end = marked.find(']').unwrap() - 1;

        let err = refused(&text);

        assert_eq!(err.message, message, "{text}");
        assert_eq!((err.start, err.end), (start, end), "{text}");
        let err = Error::from(err);
        assert_eq!(err.kind(), ErrorKind::Invalid);
        assert_eq!(err.issues()[0].field, "filter");
    }
}

#[test]
fn lines_have_limits() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(read(&nested(MAX_DEPTH)), words(&["a"]));
    assert!(refused(&nested(MAX_DEPTH + 1)).message.contains("deep"));
    assert!(
        refused(&"-".repeat(MAX_TEXT_BYTES))
            .message
            .contains("deep")
    );
    assert!(
        refused(&"(".repeat(MAX_TEXT_BYTES))
            .message
            .contains("deep")
    );

    let most = vec!["a"; MAX_TERMS].join(" ");
    assert!(parse(&most, &context()).is_ok());
    for text in [
        format!("{most} a"),
        format!("\"{most} a\""),
        format!("model:{}", vec!["a"; MAX_TERMS + 1].join(",")),
        vec!["duration:1"; MAX_TERMS + 1].join(" OR "),
        vec!["*"; MAX_TERMS + 1].join(" "),
    ] {
        assert!(refused(&text).message.contains("terms"), "{text}");
    }

    let longest = "é".repeat(MAX_TEXT_BYTES / 2);
    assert!(parse(&longest, &context()).is_ok());
    let err = refused(&format!("{longest}é"));
    assert_eq!((err.start, err.end), (MAX_TEXT_BYTES, MAX_TEXT_BYTES + 2));
}

#[test]
fn no_message_repeats_a_value() {
    for text in [
        "outcome:hunter2",
        "ip:hunter2",
        "created:hunter2",
        "code:hunter2",
        "duration:hunter2",
    ] {
        assert!(!refused(text).to_string().contains("hunter2"), "{text}");
    }
    let err = refused(&format!("{}:a", "x".repeat(1_000)));
    assert!(err.message.len() < 200);
}

/// The lower case of some letters is no letter, or hangs on what stands beside them.
#[test]
fn words_of_every_script_are_read_again() {
    for text in [
        "İstanbul",
        "ΑΣ ΑΣΑ",
        "ẞ ß ſ",
        "ǅ ﬁ",
        "ＡＢＣ",
        "𝐀𝐁",
        "中文",
        "Ⅷ ½",
        "e\u{301}",
    ] {
        let filter = read(text);
        assert_eq!(read(&to_text(&filter)), filter, "{text}");
    }
}

/// Pieces of lines, right and wrong.
const PIECES: [&str; 34] = [
    "action:",
    "actor:",
    "code:",
    "created:",
    "duration:",
    "ip:",
    "is:",
    "model:",
    "outcome:",
    "resource:",
    "denied",
    "agents.*",
    "MA-2003W",
    ">=",
    "<",
    "..",
    "-15m",
    "2026-01-01",
    "10.0.0.0/8",
    "500",
    "OR",
    "AND",
    "NOT",
    "(",
    ")",
    "\"",
    "\\",
    "*",
    ",",
    ":",
    "-",
    " ",
    "é",
    "\0",
];

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(select(PIECES.as_slice()), 0..16).prop_map(|pieces| pieces.concat()),
        vec(select(PIECES.as_slice()), 0..16).prop_map(|pieces| pieces.join(" ")),
        "\\PC*",
        ".*",
    ]
}

fn is_limit(err: &GrammarError) -> bool {
    err.message.contains("at most")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn what_is_written_is_read_again(filter in filter()) {
        let text = to_text(&filter);

        match parse(&text, &context()) {
            Ok(read) => prop_assert_eq!(read, normal(filter), "{}", text),
            Err(err) => prop_assert!(is_limit(&err), "{text}: {err:?}"),
        }
    }

    #[test]
    fn the_normal_form_fits_the_same_events_and_has_no_other(filter in filter(), events in vec(event(), 3)) {
        let normal_form = normal(filter.clone());

        for event in events {
            prop_assert_eq!(normal_form.matches(&event), filter.matches(&event), "{:?}", event);
        }
        prop_assert_eq!(normal(normal_form.clone()), normal_form);
    }

    #[test]
    fn no_line_makes_it_panic_and_every_error_has_a_place(line in line()) {
        match parse(&line, &context()) {
            Ok(filter) => {
                prop_assert_eq!(normal(filter.clone()), filter.clone());
                match parse(&to_text(&filter), &context()) {
                    Ok(again) => prop_assert_eq!(again, filter),
                    Err(err) => prop_assert!(is_limit(&err), "{err:?}"),
                }
            }
            Err(err) => {
                prop_assert!(err.start <= err.end);
                prop_assert!(line.get(err.start..err.end).is_some(), "{:?}", err);
            }
        }
    }
}
