//! Parts of the server that fail while somebody is at work.

use anyhow::{Result, ensure};
use e2e::{Browser, People, Script, Service, Ways};
use ee::ErrorKind;

async fn at_work() -> Result<(Service, Browser)> {
    let service = Service::start(Ways {
        credentials: true,
        ..Ways::default()
    })
    .await?;
    let browser = Browser::start(Script::On).await?;
    browser.open(&service.url).await?;
    browser
        .send_credentials(People::GRACE, People::GRACES_PASSWORD)
        .await?;
    browser.wait_for_path("/studio/agents").await?;
    Ok((service, browser))
}

/// Checks the page of a failure; returns what it says.
async fn error_page(browser: &Browser, status: &str) -> Result<String> {
    let text = browser
        .wait_for_text("main", |text| text.contains("Request id"))
        .await?;
    ensure!(text.contains(status), "no `{status}` in `{text}`");
    ensure!(!text.contains("plug"), "the cause is shown: `{text}`");
    let id = browser.text("main code").await?;
    ensure!(!id.is_empty(), "the id of the request is empty");
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_store_fails_stays_within_studio() -> Result<()> {
    let (service, browser) = at_work().await?;
    browser
        .open(&format!("{}/studio/workflows", service.url))
        .await?;
    browser.find("a.table-link").await?;

    service.runs.fault.begin(ErrorKind::Internal);
    browser.click("a.table-link").await?;
    error_page(&browser, "500").await?;
    ensure!(browser.has("nav a").await?, "there is no navigation");
    browser.picture("error-500").await?;
    browser.click("main .status-actions a").await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_comes_back_shows_the_page_after_another_try() -> Result<()> {
    let (service, browser) = at_work().await?;
    browser
        .open(&format!("{}/studio/workflows", service.url))
        .await?;
    browser.find("a.table-link").await?;

    service.runs.fault.begin(ErrorKind::Unavailable);
    browser.click("a.table-link").await?;
    error_page(&browser, "503").await?;
    let page = browser.path().await?;
    browser.picture("error-503").await?;
    service.runs.fault.end();
    browser.click("main .status-actions a").await?;

    browser.find("textarea[name=input]").await?;
    ensure!(
        browser.path().await? == page,
        "another page than the one that failed"
    );
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_can_be_recognised_no_page_is_shown_and_nobody_is_signed_out() -> Result<()> {
    let (service, browser) = at_work().await?;
    let agents = format!("{}/studio/agents", service.url);

    service.people.fault.begin(ErrorKind::Unavailable);
    browser.open(&agents).await?;
    let text = error_page(&browser, "503").await?;
    ensure!(!text.contains("Researcher"), "the page shows agents");
    ensure!(!browser.has("nav a").await?, "there is a navigation");
    browser.picture("error-503-bare").await?;
    service.people.fault.end();
    browser.click("main .status-actions a").await?;

    browser.wait_for_path("/studio/agents").await?;
    browser.find(".menu > summary").await?;
    browser.quit().await
}
