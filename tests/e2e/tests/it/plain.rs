//! A browser without a script, and one that is a telephone.

use anyhow::Result;
use e2e::{Browser, Product, Screen, Script, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_streaming_works_without_a_script() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::Off).await?;
    browser.sign_in(&product.url, &product.owner).await?;

    browser.click("a.table-link").await?;
    browser
        .fill("textarea[name=message]", "Without a script")
        .await?;
    browser.click("[data-chat-send]").await?;
    browser
        .wait_for_text(".message--agent .message-body", |text| {
            text.contains("Without a script")
        })
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
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_day_works_on_a_phone() -> Result<()> {
    let product = Product::start().await?;
    let browser = Browser::start(Script::On).await?;
    browser.look_with(Screen::Phone).await?;
    browser.sign_in(&product.url, &product.owner).await?;

    browser.click("a.table-link").await?;
    browser
        .fill("textarea[name=message]", "From a phone")
        .await?;
    browser.click("[data-chat-send]").await?;
    browser
        .wait_for_text(".message--agent .message-body.prose", |text| {
            text.contains("From a phone")
        })
        .await?;
    browser.click("nav a[href='/studio/workflows']").await?;
    browser.wait_for_path("/studio/workflows").await?;
    browser.click("a.table-link").await?;
    browser
        .click("form[action$='/runs'] button[type=submit]")
        .await?;
    browser.find("#run").await?;
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;
    browser.quit().await
}
