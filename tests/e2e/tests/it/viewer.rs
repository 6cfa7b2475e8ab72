//! What somebody sees who may only look.

use anyhow::{Result, ensure};
use e2e::{Browser, Product, Script};

#[tokio::test(flavor = "multi_thread")]
async fn p4_ui_hides_what_a_viewer_may_not_do_and_the_server_refuses_it() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::On).await?;
    browser.sign_in(&product.url, &product.viewer).await?;

    ensure!(
        !browser.has("a[href='/studio/new-agent']").await?,
        "a viewer sees the button for a new agent"
    );
    browser.picture("agents-viewer").await?;
    browser.click("a.table-link").await?;
    browser.find("h1").await?;
    let agent = browser.path().await?;
    for control in [
        "a[href$='/edit']",
        "a[href$='/delete']",
        "textarea[name=message]",
    ] {
        ensure!(!browser.has(control).await?, "a viewer sees `{control}`");
    }
    browser.picture("agent-viewer").await?;

    let post = |path: String, body: &str| {
        format!(
            "const done = arguments[arguments.length - 1];
             fetch('{path}', {{ method: 'POST', body: new URLSearchParams('{body}') }}).then(r => done(r.status), e => done(String(e)))"
        )
    };
    for (path, body) in [
        (format!("{agent}/delete"), ""),
        (
            format!("{agent}/edit"),
            "name=x&id=x&description=&model=&instructions=x",
        ),
        (
            "/studio/agents".to_owned(),
            "name=x&id=x&description=&model=&instructions=x",
        ),
        (format!("{agent}/chat"), "message=x&thread_id="),
        (format!("{agent}/chat/stream"), "message=x&thread_id="),
    ] {
        let status = browser.run_async(&post(path.clone(), body)).await?;
        ensure!(status == 403, "POST {path} as viewer answered {status}");
    }

    browser
        .open(&format!("{}{agent}/edit", product.url))
        .await?;
    browser
        .wait_for_text("main", |text| text.contains("stored-agents:write"))
        .await?;
    browser.picture("permission-denied").await?;
    ensure!(
        product.has_recorded("agents.delete", "viewer", "denied")?,
        "the refused delete is not recorded"
    );
    ensure!(
        product.has_recorded("agents.create", "viewer", "denied")?,
        "the refused creation is not recorded"
    );
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;
    browser.quit().await
}
