use ee_server::Surface;
use ee_studio::{StudioOp, assets};
use http::{Method, StatusCode};

use crate::{
    browser::{Answer, House},
    doubles::{Accounts, People},
    markup::{attribute, tags},
};

/// The address of a route with things that exist.
fn address(path: &str) -> String {
    path.replace("{agentId}", "support")
        .replace("{sessionId}", &"A".repeat(43))
        .replace("{workflowId}", "triage")
        .replace("{threadId}", "t")
        .replace("{runId}", "r")
}

#[tokio::test]
async fn p7_every_route_but_the_public_ones_refuses_strangers() {
    let house = House::new();
    for op in StudioOp::ALL {
        let route = op.route();
        if route.access.is_public() {
            continue;
        }
        let mut stranger = house.browser();
        let target = address(&route.path);
        let answer = if route.method == Method::GET {
            stranger.get(&target).await
        } else {
            stranger
                .post(&target, &[("name", "x"), ("message", "x"), ("input", "{}")])
                .await
        };
        if route.method == Method::GET {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{op:?}");
            assert!(
                answer
                    .location()
                    .unwrap()
                    .starts_with("/studio/login?redirect="),
                "{op:?}"
            );
        } else {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{op:?}");
        }
    }
    assert_eq!(house.agents.agents.lock().unwrap().len(), 2);
    let unknown = house.browser().get("/studio/unknown").await;
    unknown.leads_to("/studio/login?redirect=%2Fstudio%2Funknown");
    let mut owner = house.as_user("owner").await;
    owner
        .get("/studio/unknown")
        .await
        .shows(404, &["Page not found", "Sign out"]);
}

#[track_caller]
pub(crate) fn keeps_to_the_policy(answer: &Answer, what: &str) {
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        !policy.contains("unsafe") && policy.contains("default-src 'none'"),
        "{what}"
    );
    assert_eq!(
        answer.header("x-content-type-options"),
        Some("nosniff"),
        "{what}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    for (name, rest) in tags(&answer.body) {
        let names = rest.split('"').step_by(2).flat_map(str::split_whitespace);
        for attribute in names {
            let is_code = attribute.starts_with("style") || attribute.starts_with("on");
            assert!(!is_code, "{what}: <{name} {rest}>");
        }
        if name == "script" {
            assert!(attribute(rest, "src").is_some(), "{what}");
        }
        for attr in ["src", "href", "action", "hx-get", "data-stream"] {
            if let Some(url) = attribute(rest, attr) {
                let is_ours = url.starts_with("/studio") || url.starts_with('#');
                assert!(is_ours, "{what}: {url}");
            }
        }
    }
}

#[tokio::test]
async fn every_page_keeps_to_the_content_security_policy() {
    let house = House::with(People::with_accounts(Accounts::default()));
    let mut owner = house.as_user("owner").await;
    let mut stranger = house.browser();
    let mut count = 0;
    for op in StudioOp::ALL {
        let route = op.route();
        if route.method != Method::GET || route.surface != Surface::Page || *op == StudioOp::Asset {
            continue;
        }
        for browser in [&mut owner, &mut stranger] {
            let answer = browser.get(&address(&route.path)).await;
            if answer.status.is_redirection() {
                continue;
            }
            assert!(answer.body.starts_with("<!DOCTYPE html>"), "{op:?}");
            assert_eq!(
                answer.header("referrer-policy"),
                Some("same-origin"),
                "{op:?}"
            );
            keeps_to_the_policy(&answer, &format!("{op:?}"));
            count += 1;
        }
    }
    assert!(count >= 22, "{count} pages");
    let denied = house.as_user("viewer").await.get("/studio/new-agent").await;
    keeps_to_the_policy(&denied, "denied");
}

#[tokio::test]
async fn embedded_files_are_cached_for_good_and_by_everybody() {
    let house = House::new();
    let mut browser = house.browser();
    browser
        .cookies
        .insert("ee_session".to_owned(), "stale".to_owned());
    let url = assets::asset_url(assets::AssetName::Style);

    let answer = browser.get(url).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(
        answer.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    // What caches give to everybody holds nothing for one browser.
    assert_eq!(answer.header("set-cookie"), None);
    let etag = answer.headers["etag"].clone();
    browser.headers.insert("if-none-match", etag);
    let again = browser.get(url).await;
    assert_eq!(
        (again.status, again.body.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    browser
        .get("/studio/assets/studio.000000000000.css")
        .await
        .shows(404, &["Page not found"]);
}
