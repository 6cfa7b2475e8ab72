//! The sign-in page, as the server has it.

use anyhow::{Result, ensure};
use e2e::{Browser, People, Script, Service, Ways};
use ee::ErrorKind;

const PASSWORD: Ways = Ways {
    credentials: true,
    sign_up: false,
    sso: None,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_authentication_says_that_there_is_nothing_to_sign_in_to() -> Result<()> {
    let service = Service::open().await?;
    let browser = Browser::start(Script::On).await?;

    browser
        .open(&format!("{}/studio/login", service.url))
        .await?;

    let text = browser.text("main").await?;
    ensure!(
        text.contains("Authentication is not configured"),
        "the page says `{text}`"
    );
    ensure!(!browser.has("form").await?, "there is a form");
    browser.picture("sign-in-not-configured").await?;
    browser.click("main a").await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.find(".banner").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_a_way_for_browsers_says_so() -> Result<()> {
    let service = Service::start(Ways::default()).await?;
    let browser = Browser::start(Script::On).await?;

    browser.open(&service.url).await?;

    browser.wait_for_path("/studio/login").await?;
    let text = browser.text("main").await?;
    ensure!(
        text.contains("Authentication required") && text.contains("Authorization"),
        "the page says `{text}`"
    );
    ensure!(
        !browser.has("main form").await? && !browser.has("main a").await?,
        "a way to sign in is offered"
    );
    browser.picture("sign-in-unavailable").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_signs_in_and_leads_to_the_page_that_was_opened() -> Result<()> {
    let service = Service::start(PASSWORD).await?;
    let browser = Browser::start(Script::On).await?;

    browser
        .open(&format!("{}/studio/workflows", service.url))
        .await?;
    browser.wait_for_path("/studio/login").await?;
    let text = browser.text("main").await?;
    ensure!(
        !text.contains("token") && !text.contains("Sign up"),
        "the page offers more than there is: `{text}`"
    );
    browser.picture("sign-in-password").await?;
    browser.send_credentials(People::GRACE, "a guess").await?;
    browser.find("[role=alert]").await?;
    let kept = browser
        .run("return document.querySelector('input[name=email]').value")
        .await?;
    ensure!(kept == People::GRACE, "the address is gone: {kept}");
    browser
        .send_credentials(People::GRACE, People::GRACES_PASSWORD)
        .await?;

    browser.wait_for_path("/studio/workflows").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_leaves_a_way_to_try_again() -> Result<()> {
    let service = Service::start(PASSWORD).await?;
    let browser = Browser::start(Script::On).await?;
    let login = format!("{}/studio/login", service.url);

    for (kind, status, picture) in [
        (ErrorKind::Unavailable, "503", "sign-in-failed-503"),
        (ErrorKind::Internal, "500", "sign-in-failed-500"),
    ] {
        service.people.fault.begin(kind);
        browser.open(&login).await?;
        browser
            .send_credentials(People::GRACE, People::GRACES_PASSWORD)
            .await?;
        let text = browser
            .wait_for_text("main", |text| text.contains("Request id"))
            .await?;
        ensure!(text.contains(status), "no `{status}` in `{text}`");
        ensure!(!text.contains("plug"), "the cause is shown: `{text}`");
        let id = browser.text("main code").await?;
        ensure!(
            service.record.knows_request(&id),
            "the record does not know the request `{id}`"
        );
        browser.picture(picture).await?;
        service.people.fault.end();
        browser.click("main .status-actions a").await?;
        browser.find("input[name=password]").await?;
    }

    browser
        .send_credentials(People::GRACE, People::GRACES_PASSWORD)
        .await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}
