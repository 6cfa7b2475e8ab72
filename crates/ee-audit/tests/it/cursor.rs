//! Cursors that nobody can make up.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ee_audit::query::{Context, Cursors, Order, Search, parse};
use ee_core::{AuditFilter, AuditPlace, Error, ErrorKind};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    query_params::pairs,
    query_samples::{context, filter, now},
};

const OLD: &str = "an old secret of at least thirty-two bytes";
const NEW: &str = "a new secret of at least thirty-two bytes";

fn cursors(secrets: &[&str]) -> Cursors {
    let secrets: Vec<SecretString> = secrets.iter().map(|text| (*text).into()).collect();
    Cursors::new(&secrets).unwrap()
}

fn place() -> AuditPlace {
    AuditPlace {
        timestamp: "2026-09-01T10:00:00.123456Z".parse().unwrap(),
        id: Uuid::from_u128(0x019a_3c5e_7b1c_7d40_9f0e_2a61_c0d4_e001),
    }
}

fn search(line: &str) -> Search {
    Search::new(parse(line, &context()).unwrap(), now())
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    let err = result.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Invalid);
    assert_eq!(err.issues()[0].field, "cursor");
}

#[test]
fn a_cursor_says_where_its_list_goes_on() {
    let cursors = cursors(&[NEW]);
    let mut search = search("outcome:denied actor:ada");

    search.cursor = Some(cursors.seal(&search, place()).unwrap());
    search.limit = 7;
    let query = cursors.query(&search).unwrap();

    assert_eq!(query.after, Some(place()));
    assert_eq!((query.limit, query.is_ascending), (7, false));
    assert_eq!(query.filter, search.filter);
    search.cursor = None;
    assert_eq!(cursors.query(&search).unwrap().after, None);
}

#[test]
fn a_cursor_is_good_for_one_filter_in_one_order() {
    let cursors = cursors(&[NEW]);
    let search_of = search;
    let search = search_of("outcome:denied");
    let text = cursors.seal(&search, place()).unwrap();

    assert_eq!(cursors.open(&search, &text).unwrap(), place());
    for line in [
        "",
        "outcome:failure",
        "-outcome:denied",
        "outcome:denied a",
        "model:denied",
    ] {
        assert_refused(cursors.open(&search_of(line), &text));
    }
    let mut restricted = search.clone();
    restricted.restrict(AuditFilter::is(ee_core::AuditField::Organization, "other"));
    assert_refused(cursors.open(&restricted, &text));
    let mut turned = search.clone();
    turned.order = Order::Ascending;
    assert_refused(cursors.open(&turned, &text));
}

#[test]
fn changed_and_cut_cursors_are_refused_bit_by_bit() {
    let cursors = cursors(&[NEW, OLD]);
    let search = search("outcome:denied");
    let text = cursors.seal(&search, place()).unwrap();
    assert!(text.len() < 100, "{}", text.len());

    for at in 0..text.len() {
        assert_refused(cursors.open(&search, &text[..at]));
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert_refused(cursors.open(&search, &changed));
            }
        }
    }
    let sealed = URL_SAFE_NO_PAD.decode(&text).unwrap();
    for at in 0..sealed.len() * 8 {
        let mut bytes = sealed.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        assert_refused(cursors.open(&search, &URL_SAFE_NO_PAD.encode(bytes)));
    }
    for changed in [
        format!("{text}A"),
        format!("{text}="),
        format!(" {text}"),
        "A".repeat(1_000_000),
    ] {
        assert_refused(cursors.open(&search, &changed));
    }
}

#[test]
fn keys_are_changed_without_breaking_lists() {
    let search = search("a");
    let of_old = cursors(&[OLD]).seal(&search, place()).unwrap();
    let both = cursors(&[NEW, OLD]);

    assert_eq!(both.open(&search, &of_old).unwrap(), place());
    assert_ne!(both.seal(&search, place()).unwrap(), of_old);
    assert_refused(cursors(&[NEW]).open(&search, &of_old));
    for secrets in [vec![], vec!["short"], vec![NEW, "short"], vec![NEW, NEW]] {
        let secrets: Vec<SecretString> = secrets.into_iter().map(Into::into).collect();
        let err = Cursors::new(&secrets).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Invalid);
        assert!(!err.to_string().contains("short"));
    }
    assert!(!format!("{both:?}").contains("thirty"));
}

/// The filter of `-15m` would be another one for the second part otherwise.
#[test]
fn relative_times_are_those_of_the_first_part() {
    let cursors = cursors(&[NEW]);
    let first = Search::read(&pairs(&[("from", "-15m")]), &context()).unwrap();
    let text = cursors.seal(&first, place()).unwrap();
    let later = Context::new(now() + SignedDuration::from_secs(30));
    let query = pairs(&[("from", "-15m"), ("cursor", &text)]);

    let context = cursors.context(&query, later.clone()).unwrap();
    let second = Search::read(&query, &context).unwrap();

    assert_eq!(context.now, now());
    assert_eq!(second.filter, first.filter);
    assert_eq!(cursors.query(&second).unwrap().after, Some(place()));
    assert_refused(cursors.query(&Search::read(&query, &later).unwrap()));
    assert_refused(cursors.context(&pairs(&[("cursor", "AAAA")]), later.clone()));
    assert_refused(cursors.context(&pairs(&[("cursor", "")]), later.clone()));
    assert_eq!(cursors.context(&[], later.clone()).unwrap().now, later.now);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_flipped_bit_is_refused(
        filter in filter(),
        micros in -62_000_000_000_000_000_i64..253_000_000_000_000_000,
        id in any::<u128>(),
        bit in 0..70 * 8_usize,
    ) {
        let cursors = cursors(&[NEW, OLD]);
        let search = Search::new(filter, now());
        let place = AuditPlace {
            timestamp: Timestamp::from_microsecond(micros).unwrap(),
            id: Uuid::from_u128(id),
        };
        let text = cursors.seal(&search, place).unwrap();

        let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);

        prop_assert_eq!(cursors.open(&search, &text).unwrap(), place);
        prop_assert!(cursors.open(&search, &URL_SAFE_NO_PAD.encode(bytes)).is_err());
    }

    #[test]
    fn no_text_is_a_cursor(text in ".*") {
        prop_assert!(cursors(&[NEW]).open(&search("a"), &text).is_err());
    }
}
