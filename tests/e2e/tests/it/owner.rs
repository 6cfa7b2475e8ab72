//! The first day of an owner.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use e2e::{Browser, Product, Script, eventually};
use tokio::sync::Mutex;

const ANSWER: &str = ".message--agent .message-body";

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
    browser.click(Browser::SUBMIT).await?;
    browser.find("[role=alert]").await?;
    browser.picture("sign-in-refused").await?;

    browser.sign_in(&product.url, &product.owner).await?;
    browser.find(".menu > summary").await?;
    browser.picture("agents").await?;
    browser.click(".menu > summary").await?;
    browser.picture("user-menu").await?;

    create_agent(&browser).await?;
    chat(&browser).await?;
    run_workflow(&browser).await?;
    edit_and_delete(&browser).await?;
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;

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
    browser.click(Browser::SUBMIT).await?;
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
        .open(&format!("{}{page}", browser.origin().await?))
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
    let origin = browser.origin().await?;
    browser
        .open(&format!("{origin}/studio/agents/greeter/edit"))
        .await?;
    browser.find("input[name=name]").await?;
    browser.picture("agent-edit").await?;
    browser.fill("input[name=name]", "").await?;
    browser
        .fill("input[name=description]", "Greets people")
        .await?;
    browser
        .run("document.querySelector('main form').noValidate = true")
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("input[name=name][aria-invalid=true]").await?;
    browser.picture("agent-edit-refused").await?;
    browser.fill("input[name=name]", "Welcomer").await?;
    browser.click(Browser::SUBMIT).await?;
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
    browser.click(Browser::SUBMIT).await?;
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
