//! Values that attackers send: each is taken literally or refused by the name of its parameter.

use ee_audit::query::{MAX_TEXT_BYTES, MastraSearch, Search, hostile_values, parse, to_text};
use ee_core::{AuditField, AuditFilter, AuditTest, Error, ErrorKind, words_of};

use crate::query_samples::context;

const OTHERS: [&str; 10] = [
    "code",
    "count",
    "cursor",
    "filter",
    "from",
    "limit",
    "minDuration",
    "order",
    "q",
    "to",
];
const KEYS: [&str; 6] = ["actor", "code", "created", "duration", "is", "resource"];

/// Fields that take every text.
fn is_open(field: AuditField) -> bool {
    !matches!(
        field,
        AuditField::Action
            | AuditField::ActorKind
            | AuditField::ActorType
            | AuditField::Ip
            | AuditField::Outcome
            | AuditField::Stage
    )
}

fn literal(field: AuditField, value: &str) -> AuditFilter {
    let value = match field {
        AuditField::Email => value.to_lowercase(),
        _ => value.to_owned(),
    };
    AuditFilter::is(field, value)
}

/// Returns all texts that a filter looks for.
fn texts(filter: &AuditFilter) -> Vec<String> {
    match filter {
        AuditFilter::All(parts) | AuditFilter::Any(parts) => parts.iter().flat_map(texts).collect(),
        AuditFilter::Field(
            _,
            AuditTest::EndsWith(text) | AuditTest::Is(text) | AuditTest::StartsWith(text),
        ) => vec![text.clone()],
        AuditFilter::Not(part) => texts(part),
        AuditFilter::Words(words) => words.clone(),
        _ => Vec::new(),
    }
}

#[track_caller]
fn assert_names(err: &Error, name: &str) {
    assert_eq!(err.kind(), ErrorKind::Invalid, "{err}");
    assert_eq!(err.issues()[0].field, name, "{err}");
}

fn read(name: &str, value: &str) -> Result<AuditFilter, Error> {
    let pairs = [
        (name.to_owned(), value.to_owned()),
        ("stage".to_owned(), "all".to_owned()),
    ];
    let pairs = if name == "stage" { &pairs[..1] } else { &pairs };
    Search::read(pairs, &context()).map(|search| search.filter)
}

#[test]
fn every_field_takes_them_literally_or_refuses_them_by_name() {
    for value in hostile_values() {
        for field in AuditField::ALL {
            let is_taken = !value.contains('\0') && value.len() <= MAX_TEXT_BYTES;
            match read(field.as_str(), &value) {
                Ok(filter) if is_open(field) => {
                    assert!(is_taken, "{value:?}");
                    assert_eq!(filter, literal(field, &value));
                }
                Ok(filter) => {
                    // Actions and closed fields: what is looked for has nothing but plain characters.
                    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                    let texts = texts(&filter);
                    assert!(texts.iter().all(|it| it.chars().all(is_plain)), "{value:?}");
                }
                Err(err) => {
                    assert_names(&err, field.as_str());
                    assert!(!is_open(field) || !is_taken, "{field:?} {value:?}: {err}");
                }
            }
        }
    }
}

#[test]
fn every_other_parameter_takes_them_or_refuses_them_by_name() {
    for value in hostile_values() {
        for name in OTHERS {
            match read(name, &value) {
                Ok(filter) if name == "q" => {
                    let words: Vec<String> = words_of(&value).collect();
                    assert_eq!(filter, AuditFilter::Words(words));
                }
                Ok(_) => {}
                Err(err) => assert_names(&err, name),
            }
        }
        let unknown = Search::read(&[(value.clone(), "a".to_owned())], &context()).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::Invalid);
        for name in [
            "actorId",
            "action",
            "actionPrefix",
            "startDate",
            "offset",
            "page",
            "perPage",
        ] {
            let pairs = [(name.to_owned(), value.clone())];
            if let Err(err) = MastraSearch::read(&pairs, &context()) {
                assert_names(&err, name);
            }
        }
    }
}

#[test]
fn the_grammar_takes_them_literally_between_quotes() {
    let fields = AuditField::ALL.into_iter().filter(|field| is_open(*field));
    let fields: Vec<AuditField> = fields.collect();
    for value in hostile_values() {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        for field in &fields {
            let line = format!("{}:\"{quoted}\"", field.as_str());
            let is_taken = !value.contains('\0') && line.len() <= MAX_TEXT_BYTES;

            match parse(&line, &context()) {
                Ok(filter) => {
                    assert_eq!(filter, literal(*field, &value));
                    assert_eq!(parse(&to_text(&filter), &context()), Ok(filter));
                }
                Err(err) => assert!(!is_taken, "{line:?}: {err}"),
            }
        }
    }
}

#[test]
fn the_grammar_reads_them_anywhere_without_a_panic() {
    for value in hostile_values() {
        let names = AuditField::ALL
            .into_iter()
            .map(AuditField::as_str)
            .chain(KEYS);
        let lines = names
            .map(|key| format!("{key}:{value}"))
            .chain([value.clone(), format!("-{value}")]);
        for line in lines {
            if let Err(err) = parse(&line, &context()) {
                assert!(line.get(err.start..err.end).is_some(), "{line:?}: {err:?}");
            }
        }
    }
}
