//! Sessions that are over, and a server that needs none.

use anyhow::{Result, ensure};
use e2e::{Browser, Product, Script};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_leads_back_to_sign_in() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::On).await?;
    browser.sign_in(&product.url, &product.owner).await?;
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
