//! What a stranger does on the first day, in a real browser.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use e2e::{Browser, Product, Script, eventually};
use tokio::sync::Mutex;

const SUBMIT: &str = "main button[type=submit]";
const ANSWER: &str = ".message--agent .message-body";

async fn sign_in(browser: &Browser, product: &Product, token: &str) -> Result<()> {
    browser.open(&product.url).await?;
    browser.wait_for_path("/studio/login").await?;
    browser.fill("input[name=password]", token).await?;
    browser.click(SUBMIT).await?;
    browser.wait_for_path("/studio/agents").await
}

async fn sign_out(browser: &Browser) -> Result<()> {
    browser.click(".menu > summary").await?;
    browser
        .click("form[action='/studio/logout'] button")
        .await?;
    browser.wait_for_path("/studio/login").await
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_studio_shows_login_then_the_user_menu_and_an_owner_can_do_his_work() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::On).await?;

    browser.open(&product.url).await?;
    browser.wait_for_path("/studio/login").await?;
    browser.picture("sign-in").await?;
    browser
        .fill("input[name=password]", "wrong-token-wrong-token")
        .await?;
    browser.click(SUBMIT).await?;
    browser.find("[role=alert]").await?;
    browser.picture("sign-in-refused").await?;

    sign_in(&browser, &product, &product.owner).await?;
    browser.find(".menu > summary").await?;
    browser.picture("agents").await?;
    browser.click(".menu > summary").await?;
    browser.picture("user-menu").await?;

    create_agent(&browser).await?;
    chat(&browser).await?;
    run_workflow(&browser).await?;
    edit_and_delete(&browser).await?;
    sign_out(&browser).await?;

    browser
        .open(&format!("{}/studio/agents", product.url))
        .await?;
    browser.wait_for_path("/studio/login").await?;
    for (action, outcome) in [
        ("auth.login.credentials", "success"),
        ("agents.create", "success"),
        ("agents.stream", "success"),
        ("workflows.run.start", "success"),
        ("agents.update", "success"),
        ("agents.delete", "success"),
        ("auth.logout", "success"),
    ] {
        ensure!(
            product.has_recorded(action, "owner", outcome)?,
            "no line for `{action}`, {outcome}"
        );
    }
    ensure!(
        product.has_recorded("auth.login.credentials", "anonymous", "failure")?,
        "no line for the wrong token"
    );
    browser.quit().await
}

async fn create_agent(browser: &Browser) -> Result<()> {
    browser.click("a[href='/studio/new-agent']").await?;
    browser.find("input[name=name]").await?;
    browser.picture("agent-new").await?;
    browser.fill("input[name=name]", "Greeter").await?;
    browser.fill("input[name=id]", "greeter").await?;
    browser
        .fill("textarea[name=instructions]", "You greet people.")
        .await?;
    browser.click(SUBMIT).await?;
    browser.wait_for_path("/studio/agents/greeter").await?;
    browser.picture("agent").await
}

/// The answer must be seen to grow: at least three lengths before it is complete.
async fn chat(browser: &Browser) -> Result<()> {
    browser
        .fill("textarea[name=message]", "Hello there, **friend** <b>x</b>")
        .await?;
    browser.click("[data-chat-send]").await?;
    let last = "[...document.querySelectorAll('.message .message-body')].at(-1)";
    let seen = format!("return {last}?.textContent.length ?? 0");
    let is_over = "return document.querySelector('.message--agent .message-body.prose') !== null";
    let lengths = Mutex::new(BTreeSet::new());
    eventually("the whole answer", || async {
        let length = browser.run(&seen).await?.as_u64().unwrap_or(0);
        lengths.lock().await.insert(length);
        Ok((browser.run(is_over).await? == true).then_some(()))
    })
    .await?;
    let pieces = lengths.lock().await.len();
    ensure!(
        pieces >= 4,
        "the answer did not come in pieces: {lengths:?}"
    );
    let text = browser
        .wait_for_text(ANSWER, |text| text.contains("Hello there"))
        .await?;
    ensure!(!text.contains("**"), "Markdown was not rendered: {text}");
    ensure!(
        !browser.has(&format!("{ANSWER} b")).await?,
        "HTML of a message was rendered"
    );
    browser.find("#threads a").await?;
    browser.picture("chat").await
}

async fn run_workflow(browser: &Browser) -> Result<()> {
    browser.click("nav a[href='/studio/workflows']").await?;
    browser.wait_for_path("/studio/workflows").await?;
    browser.picture("workflows").await?;
    browser.click("a.table-link").await?;
    browser.find("textarea[name=input]").await?;
    browser.picture("workflow").await?;
    let page = browser.path().await?;

    browser.fill("textarea[name=input]", "{ not json").await?;
    browser
        .click("form[action$='/runs'] button[type=submit]")
        .await?;
    browser
        .find("textarea[name=input][aria-invalid=true]")
        .await?;
    browser.picture("workflow-invalid-input").await?;

    browser
        .open(&format!("{}{page}", origin(browser).await?))
        .await?;
    browser
        .click("form[action$='/runs'] button[type=submit]")
        .await?;
    browser.find("#run").await?;
    browser.picture("run-active").await?;
    // The page stops asking for news when the run is over.
    browser.find("#run:not([hx-get])").await?;
    let text = browser.text("#run").await?;
    ensure!(
        text.matches("Succeeded").count() == 4,
        "not every step has succeeded: {text}"
    );
    browser.picture("run").await
}

async fn edit_and_delete(browser: &Browser) -> Result<()> {
    let origin = origin(browser).await?;
    browser
        .open(&format!("{origin}/studio/agents/greeter/edit"))
        .await?;
    browser.fill("input[name=name]", "").await?;
    browser
        .fill("input[name=description]", "Greets people")
        .await?;
    browser
        .run("document.querySelector('main form').noValidate = true")
        .await?;
    browser.click(SUBMIT).await?;
    browser.find("input[name=name][aria-invalid=true]").await?;
    browser.picture("agent-edit-refused").await?;
    browser.fill("input[name=name]", "Welcomer").await?;
    browser.click(SUBMIT).await?;
    browser
        .wait_for_text("h1", |text| text.contains("Welcomer"))
        .await?;
    browser
        .click("a[href='/studio/agents/greeter/delete']")
        .await?;
    browser
        .wait_for_path("/studio/agents/greeter/delete")
        .await?;
    browser.picture("agent-delete").await?;
    browser.click(SUBMIT).await?;
    browser.wait_for_path("/studio/agents").await?;
    ensure!(
        !browser.text("main").await?.contains("Welcomer"),
        "the agent is still listed"
    );
    browser
        .open(&format!("{origin}/studio/agents/greeter"))
        .await?;
    browser.find("h1").await?;
    browser.picture("not-found").await
}

async fn origin(browser: &Browser) -> Result<String> {
    let origin = browser.run("return location.origin").await?;
    origin
        .as_str()
        .map(str::to_owned)
        .context("the page has no origin")
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_ui_hides_what_a_viewer_may_not_do_and_the_server_refuses_it() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::On).await?;
    sign_in(&browser, &product, &product.viewer).await?;

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
    sign_out(&browser).await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_streaming_works_without_a_script() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::Off).await?;
    sign_in(&browser, &product, &product.owner).await?;

    browser.click("a.table-link").await?;
    browser
        .fill("textarea[name=message]", "Without a script")
        .await?;
    browser.click("[data-chat-send]").await?;
    browser
        .wait_for_text(ANSWER, |text| text.contains("Without a script"))
        .await?;

    browser
        .open(&format!("{}/studio/workflows", product.url))
        .await?;
    browser.click("a.table-link").await?;
    browser
        .click("form[action$='/runs'] button[type=submit]")
        .await?;
    let run = eventually("the page of the run", || async {
        Ok(Some(browser.path().await?).filter(|path| path.contains("/runs/")))
    })
    .await?;
    eventually("the end of the run", || async {
        browser.open(&format!("{}{run}", product.url)).await?;
        Ok(browser.text("#run").await?.contains("Succe").then_some(()))
    })
    .await?;
    sign_out(&browser).await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_leads_back_to_sign_in() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::On).await?;
    sign_in(&browser, &product, &product.owner).await?;
    let agents = format!("{}/studio/agents", product.url);

    // Another tab signs out: the cookie of this one is replayed and refused.
    let post = "const done = arguments[arguments.length - 1];
        fetch('/api/auth/logout', { method: 'POST' }).then(r => done(r.status))";
    ensure!(
        browser.run_async(post).await? == 200,
        "sign-out was refused"
    );

    browser.open(&agents).await?;
    browser.wait_for_path("/studio/login").await?;
    browser
        .open(&format!("{}/studio/session-expired", product.url))
        .await?;
    browser.find("h1").await?;
    browser.picture("session-expired").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authentication_a_banner_says_so() -> Result<()> {
    let product = Product::start_with("auth = \"none\"\n").await?;
    let browser = Browser::start(Script::On).await?;

    browser.open(&product.url).await?;
    browser.wait_for_path("/studio/agents").await?;

    let banner = browser.text(".banner").await?;
    ensure!(
        banner.to_lowercase().contains("authentication"),
        "the banner says `{banner}`"
    );
    browser.picture("agents-open").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_fit_a_phone() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::On).await?;
    browser.resize(500, 844).await?;
    browser.open(&product.url).await?;
    browser.find("input[name=password]").await?;
    browser.picture("phone-sign-in").await?;
    sign_in(&browser, &product, &product.owner).await?;
    browser.picture("phone-agents").await?;
    browser.click("a.table-link").await?;
    browser.find("textarea[name=message]").await?;
    browser.picture("phone-agent").await?;
    browser
        .open(&format!("{}/studio/workflows", product.url))
        .await?;
    browser.click("a.table-link").await?;
    browser.find("textarea[name=input]").await?;
    browser.picture("phone-workflow").await?;
    browser.quit().await
}
