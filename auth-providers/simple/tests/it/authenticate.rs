use ee_auth_simple::{SimpleAuth, SimpleConfig, SimpleUser};
use ee_core::{AuthProvider as _, Caller, ErrorKind, RequestHead, with_ee};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::run;

const ADA: &str = "sk-3f1b0c5e9a7d4422";
const BOB: &str = "sk-77aa0c5e9a7d9911";

fn auth() -> SimpleAuth {
    let user = |id: &str| SimpleUser::new(id.parse().unwrap());
    let config = SimpleConfig::new()
        .token(ADA, user("ada"))
        .token(BOB, user("bob"))
        .header("X-Api-Token");
    SimpleAuth::new(config).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )
    };
    pairs
        .iter()
        .map(pair)
        .fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
}

/// The id of who shows the headers, or the kind of the refusal.
fn who(pairs: &[(&str, &str)]) -> Result<Option<String>, ErrorKind> {
    let headers = headers(pairs);
    match run(auth().authenticate(&RequestHead::new(&headers, None))) {
        Ok(user) => Ok(user.map(|user| user.id.to_string())),
        Err(err) => Err(err.kind()),
    }
}

/// A caller who is known, as [`who`] tells it.
macro_rules! known {
    ($id:literal) => {
        Ok(Some($id.to_owned()))
    };
}

#[test]
fn a_token_is_read_from_every_place_it_may_be() {
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER"] {
        let with_scheme = format!("{scheme} {ADA}");
        assert_eq!(who(&[("authorization", &with_scheme)]), known!("ada"));
        assert_eq!(who(&[("x-playground-access", &with_scheme)]), known!("ada"));
    }
    assert_eq!(who(&[("x-playground-access", ADA)]), known!("ada"));
    assert_eq!(who(&[("x-api-token", BOB)]), known!("bob"));
    let cookie = format!("a=b; mastra-token={BOB}");
    assert_eq!(who(&[("cookie", &cookie)]), known!("bob"));
}

#[test]
fn what_is_not_there_is_nobody() {
    assert_eq!(who(&[]), Ok(None));
    assert_eq!(who(&[("cookie", "mastra-tokens=x; other=1")]), Ok(None));
    assert_eq!(who(&[("x-other", ADA)]), Ok(None));
    assert_eq!(who(&[("authorization", "Basic YTpi")]), Ok(None));
}

/// Weakness 6 of the original: names of object members signed in.
#[test]
fn names_of_object_members_and_malformed_tokens_sign_nobody_in() {
    let too_long = "x".repeat(4_000);
    let prefix = ADA.get(..ADA.len() - 1).unwrap();
    let longer = format!("{ADA}x");
    let upper = ADA.to_uppercase();
    for token in [
        "constructor",
        "__proto__",
        "prototype",
        "toString",
        "hasOwnProperty",
        "null",
        "undefined",
        "",
        " ",
        "a b",
        "ü",
        &too_long,
        prefix,
        &longer,
        &upper,
    ] {
        let bearer = format!("Bearer {token}");
        let cookie = format!("mastra-token={token}");

        for shown in [
            ("authorization", bearer.as_str()),
            ("x-playground-access", token),
            ("x-playground-access", &bearer),
            ("x-api-token", token),
            ("cookie", &cookie),
        ] {
            let answer = who(&[shown]);
            assert!(
                matches!(answer, Ok(None) | Err(ErrorKind::Unauthenticated)),
                "{shown:?}: {answer:?}"
            );
        }
    }
    for shown in [
        format!("Bearer  {ADA}"),
        format!("Bearer {ADA} "),
        format!("{ADA} {ADA}"),
    ] {
        assert!(
            who(&[("authorization", shown.as_str())]).is_err()
                || who(&[("authorization", shown.as_str())]) == Ok(None)
        );
        assert_eq!(
            who(&[("x-api-token", shown.as_str())]),
            Err(ErrorKind::Unauthenticated)
        );
    }
}

#[test]
fn what_is_shown_first_decides_alone() {
    let (good, wrong) = (format!("Bearer {ADA}"), "Bearer wrong-token-of-nobody");

    assert_eq!(
        who(&[("authorization", &good), ("x-api-token", BOB)]),
        known!("ada")
    );
    assert_eq!(
        who(&[("authorization", wrong), ("x-api-token", BOB)]),
        Ok(None)
    );
    assert_eq!(
        who(&[("x-api-token", BOB), ("x-playground-access", "wrong")]),
        Err(ErrorKind::Unauthenticated)
    );
    assert_eq!(
        who(&[("x-api-token", BOB), ("x-api-token", BOB)]),
        Err(ErrorKind::Unauthenticated)
    );
}

#[test]
fn a_wrong_token_is_refused_and_an_old_cookie_is_not_in_the_way() {
    let auth = with_ee(auth()).build();
    let caller = |pairs: &[(&str, &str)]| {
        let headers = headers(pairs);
        run(auth.identify(
            jiff::Timestamp::UNIX_EPOCH,
            &RequestHead::new(&headers, None),
        ))
        .unwrap()
    };

    for wrong in [
        ("authorization", "Bearer wrong"),
        ("authorization", "Bearer"),
        ("x-playground-access", "wrong"),
        ("x-api-token", ""),
    ] {
        assert!(matches!(caller(&[wrong]), Caller::Refused), "{wrong:?}");
    }
    for stale in ["mastra-token=old", "mastra-token=a; mastra-token=b"] {
        assert!(matches!(caller(&[("cookie", stale)]), Caller::Anonymous));
    }
    assert_eq!(
        caller(&[("x-api-token", ADA)])
            .identity()
            .unwrap()
            .user
            .id
            .as_str(),
        "ada"
    );
}
