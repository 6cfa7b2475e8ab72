//! Hostile targets (V7, S3): `Location` stays on our origin or is the configured identity provider.

use server_tests::{FakeIdp, Setup, TestServer, percent_encode};
use url::Url;

/// Targets that some browser or parser takes for another origin, each in some spellings.
pub(crate) fn hostile() -> Vec<String> {
    let hosts = [
        "evil.example",
        "evil.example/%2f..",
        "127.0.0.1.evil.example",
        "127.0.0.1:4111@evil.example",
        "[::ffff:6.6.6.6]",
        "6.6.6.6",
    ];
    let prefixes = [
        "https://",
        "http://",
        "HTTPS://",
        "hTTp:",
        "//",
        "///",
        "////",
        "/\\",
        "\\/",
        "\\\\",
        "/\t/",
        "/\n/",
        "\t//",
        " //",
        "/ /",
        "https:",
        "https:/",
        "https:///",
        "https:\\\\",
        "http:\\",
        "/\u{200b}/",
        "/\u{2028}/",
        "\u{feff}//",
        "/\u{ad}/",
        "/%09/",
        "/%5c",
        "/%2f%2f",
        "/..//",
        "/.//",
        "/./\\",
        "/x/..//",
        "/;//",
        "@",
        "//a@",
        "/@",
        "//127.0.0.1:4111@",
        "/?//",
        "/#//",
        "\u{ff0f}\u{ff0f}",
        "/\u{ff0f}",
    ];
    let mut all = Vec::new();
    for prefix in prefixes {
        for host in hosts {
            all.push(format!("{prefix}{host}"));
        }
    }
    all.extend(
        [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "http://127.0.0.1:4111.evil.example/",
            "http://127.0.0.1:41110/",
            "http://127.0.0.1:4111@evil.example/",
            "http://127.0.0.1:4111\\@evil.example/",
            "http://127.0.0.1:4111#@evil.example/",
            "http://127.0.0.1:4111?@evil.example/",
            "http://127.0.0.1:4111//evil.example",
            "http://127.0.0.1:4111/\\evil.example",
            "/x\r\nLocation: https://evil.example",
            "/x\r\nSet-Cookie: a=b",
            "/x\u{0}",
            "/%0d%0aLocation:%20https://evil.example",
            "https%3a%2f%2fevil.example",
            "%2f%2fevil.example",
            "%5c%5cevil.example",
            "/%00/evil.example",
            "file:///etc/passwd",
            "ftp://evil.example",
            "blob:https://evil.example/x",
            "about:blank",
            "evil.example",
            ".evil.example",
            ":80",
            ":@evil.example",
            "?x=//evil.example",
            "#//evil.example",
            "",
            " ",
            ".",
            "..",
            "../..//evil.example",
            "/studio/../..//evil.example",
        ]
        .map(str::to_owned),
    );
    all
}

/// Resolves as a browser does.
fn resolve(server: &TestServer, location: &str) -> Url {
    let base = format!("{}/api/auth/sso/callback", server.public());
    Url::parse(&base).unwrap().join(location).unwrap()
}

pub(crate) fn assert_ours(server: &TestServer, location: &str, what: &str) {
    let url = resolve(server, location);
    assert_eq!(
        url.origin().ascii_serialization(),
        server.public(),
        "{what:?} leads to {location:?}"
    );
    assert!(
        url.username().is_empty() && url.password().is_none(),
        "{what:?}: {location:?}"
    );
    assert!(
        location.starts_with('/') && !location.starts_with("//") && !location.contains('\\'),
        "{what:?}: {location:?}"
    );
}

#[tokio::test]
async fn v07_after_sso_the_browser_stays_on_our_origin_whatever_was_asked() {
    for setup in [Setup::loopback().sso(), Setup::https().sso()] {
        let server = setup.start().await;
        let all = hostile();
        assert!(all.len() >= 200, "{}", all.len());

        for target in all {
            let ask = server.get(format!(
                "/api/auth/sso/login?redirect_uri={}",
                percent_encode(&target)
            ));
            let started = ask.send().await;
            let url = started.json()["url"].as_str().unwrap().to_owned();
            assert_eq!(
                Url::parse(&url).unwrap().host_str(),
                Some("idp.example"),
                "{target:?}"
            );
            assert!(!url.contains("evil"), "{target:?}: {url}");

            let (code, state) = (server.idp.agree(&url), FakeIdp::state(&url));
            let ask = server.get(format!("/api/auth/sso/callback?code={code}&state={state}"));
            let back = ask
                .cookie(started.cookie_pair("ee_flow_").unwrap())
                .send()
                .await;
            assert_eq!(back.code(), 302, "{target:?}");
            assert!(back.cookie_pair("ee_session").is_some(), "{target:?}");
            assert_ours(&server, back.location(), &target);
        }
    }
}

#[tokio::test]
async fn v07_a_navigating_browser_goes_to_the_configured_provider_whatever_was_asked() {
    let server = Setup::loopback().sso().start().await;

    for target in hostile() {
        let ask = server.get(format!(
            "/api/auth/sso/login?redirect_uri={}",
            percent_encode(&target)
        ));
        let answer = ask.header("sec-fetch-mode", "navigate").send().await;
        let url = Url::parse(answer.location()).unwrap();
        assert_eq!(
            url.origin().ascii_serialization(),
            "https://idp.example",
            "{target:?}"
        );
        assert!(!answer.location().contains("evil"), "{target:?}");
    }
}

#[tokio::test]
async fn v07_a_state_of_a_stranger_leads_to_the_sign_in_page() {
    let server = Setup::loopback().sso().start().await;

    for target in hostile() {
        let uuid = "3f2b8a52-5e0b-4a53-9a51-7a0d5d0a3c11";
        for state in [
            target.clone(),
            format!("{uuid}|{target}"),
            format!("{uuid}|{}", percent_encode(&target)),
        ] {
            for outcome in ["code=x", "error=access_denied"] {
                let query = format!("{outcome}&state={}", percent_encode(&state));
                let answer = server
                    .get(format!("/api/auth/sso/callback?{query}"))
                    .send()
                    .await;
                assert_eq!(answer.code(), 302, "{state:?}");
                assert!(
                    answer.location().starts_with("/studio/login?error="),
                    "{state:?}"
                );
                assert_ours(&server, answer.location(), &state);
                assert!(!answer.location().contains("evil"), "{state:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_path_of_ours_is_kept_and_so_is_our_own_origin() {
    let server = Setup::loopback().sso().start().await;

    for (target, kept) in [
        ("/studio", "/studio"),
        ("/studio/agents?q=a%20b#top", "/studio/agents?q=a%20b#top"),
        ("http://127.0.0.1:4111/studio", "/studio"),
        ("http://127.0.0.1:4111", "/"),
        ("http://localhost:3000/", "/"),
    ] {
        let ask = server.get(format!(
            "/api/auth/sso/login?redirect_uri={}",
            percent_encode(target)
        ));
        let started = ask.send().await;
        let url = started.json()["url"].as_str().unwrap().to_owned();
        let (code, state) = (server.idp.agree(&url), FakeIdp::state(&url));
        let ask = server.get(format!("/api/auth/sso/callback?code={code}&state={state}"));
        let back = ask
            .cookie(started.cookie_pair("ee_flow_").unwrap())
            .send()
            .await;
        assert_eq!(back.location(), kept, "{target}");
    }
}
