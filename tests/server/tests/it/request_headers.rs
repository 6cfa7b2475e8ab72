//! Headers that would like to decide something (V2 to V4, V8, V32).

use ee::server::Op;
use server_tests::{Call, Setup, TestServer, Who};

/// Names that some server or proxy takes for an identity, an address, an origin or a mode.
const NAMES: [&str; 32] = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-uri",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-method",
    "x_forwarded_for",
    "x_forwarded_user",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-original-url",
    "x-rewrite-url",
    "x-original-uri",
    "x-original-method",
    "x-http-method-override",
    "x-mastra-public-host",
    "x-mastra-client-type",
    "x-mastra-dev-playground",
    "x-user-id",
    "x-auth-request-user",
    "remote-user",
    "x-remote-user",
    "x-authenticated-user",
    "x-role",
    "x-permissions",
    "referer",
];

const VALUES: [&str; 9] = [
    "owner",
    "127.0.0.1",
    "1.1.1.1, 127.0.0.1",
    "true",
    "studio",
    "localhost:4111",
    "http://localhost:4111/",
    "/api/auth/capabilities",
    "for=127.0.0.1;host=localhost;proto=https",
];

#[tokio::test]
async fn v02_v03_v04_no_header_of_a_stranger_changes_who_he_is_or_where_he_is() {
    let server = Setup::https().sso().proxy("10.0.0.0/8").start().await;
    let mut combinations = 0;

    for peer in ["203.0.113.9", "10.0.0.1"] {
        for name in NAMES {
            for value in VALUES {
                for twice in [false, true] {
                    combinations += 1;
                    let ask = |target: &str| {
                        let ask = server.get(target).peer(peer).header(name, value);
                        if twice {
                            ask.header(&name.to_uppercase(), "owner")
                        } else {
                            ask
                        }
                    };
                    let what = format!("{name}: {value} from {peer}");

                    assert_eq!(ask("/api/agents").send().await.code(), 401, "{what}");
                    let event = server.audit.take_one();
                    assert_eq!(event.actor.id, "anonymous", "{what}");
                    let judged = event.actor.ip.unwrap().to_string();
                    if peer != "10.0.0.1" || name != "x-forwarded-for" {
                        assert_eq!(judged, peer, "{what}");
                    }

                    let viewer = ask("/api/auth/roles/viewer/permissions")
                        .by(Who::Viewer)
                        .send()
                        .await;
                    assert_eq!(viewer.code(), 403, "{what}");
                    assert_eq!(server.audit.take_one().actor.id, "viewer", "{what}");

                    let sso = ask("/api/auth/sso/login").send().await;
                    let url = sso.json()["url"].as_str().unwrap().to_owned();
                    let own =
                        "redirect_uri=https%3A%2F%2Fagents.example%2Fapi%2Fauth%2Fsso%2Fcallback";
                    assert!(
                        url.starts_with("https://idp.example/") && url.contains(own),
                        "{what}: {url}"
                    );
                    server.audit.take();
                }
            }
        }
    }
    assert!(combinations >= 1_000, "{combinations}");
}

#[tokio::test]
async fn v02_a_trusted_proxy_says_where_the_client_is_and_nothing_else() {
    let server = Setup::https().proxy("10.0.0.0/8").start().await;

    for (peer, forwarded, judged) in [
        ("10.0.0.1", &["198.51.100.7"][..], "198.51.100.7"),
        ("10.0.0.1", &["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        (
            "10.0.0.1",
            &["1.1.1.1", "198.51.100.7, 10.0.0.2"],
            "198.51.100.7",
        ),
        ("10.0.0.1", &["198.51.100.7, garbage"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7:1234"], "10.0.0.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        ("::ffff:10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
        ("203.0.113.9", &["198.51.100.7"], "203.0.113.9"),
        ("11.0.0.1", &["10.0.0.1"], "11.0.0.1"),
    ] {
        let mut ask = server.get("/api/agents").peer(peer);
        for value in forwarded {
            ask = ask.header("x-forwarded-for", value);
        }
        ask.send().await;

        let ip = server.audit.take_one().actor.ip.unwrap();
        assert_eq!(ip.to_string(), judged, "{peer} {forwarded:?}");
    }
}

#[tokio::test]
async fn v04_no_mode_header_or_user_agent_opens_a_route() {
    let server = TestServer::start().await;

    let modes = [
        ("x-mastra-dev-playground", "true"),
        ("x-mastra-client-type", "studio"),
        ("referer", "http://localhost:4111/studio"),
        ("origin", "http://127.0.0.1:4111"),
        ("user-agent", "kube-probe/1.30"),
        ("user-agent", "GoogleHC/1.0"),
        ("user-agent", "ELB-HealthChecker/2.0"),
        ("x-playground-access", ""),
        ("x-api-key", "owner"),
        ("host", "localhost"),
        ("upgrade", "websocket"),
        ("x-forwarded-for", "127.0.0.1"),
        ("purpose", "prefetch"),
    ];
    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().access.is_public())
    {
        let call = Call::prepare(&server, op, Who::Owner).await;
        for (name, value) in modes {
            let ask = call.ask(&server).without(name).header(name, value);
            assert_eq!(ask.send().await.code(), 401, "{op:?} {name}: {value}");
        }
        let mut all = call.ask(&server).peer("127.0.0.1");
        for (name, value) in modes {
            all = all.replace(name, value);
        }
        assert_eq!(all.send().await.code(), 401, "{op:?} all");
    }
}

#[tokio::test]
async fn v08_links_come_from_the_configured_origin_whatever_the_host_says() {
    let server = Setup::https().sso().start().await;

    for host in [
        "evil.example",
        "agents.example.evil.example",
        "agents.example:1",
        "agents.example@evil.example",
        "localhost",
        "127.0.0.1",
        "evil.example:443",
        "AGENTS.EXAMPLE",
        "agents.example.",
        "xn--gents-9ra.example",
        "agents.example, evil.example",
        " evil.example",
    ] {
        let ask = server.get("/api/auth/sso/login").replace("host", host);
        let answer = ask.header("x-forwarded-host", host).send().await;
        let url = answer.json()["url"].as_str().unwrap().to_owned();
        assert!(
            url.contains("=https%3A%2F%2Fagents.example%2Fapi%2F"),
            "{host}: {url}"
        );
        assert!(!url.contains("evil"), "{host}: {url}");
    }
}
