//! Single sign-on, with an identity provider on another site.

use anyhow::{Context as _, Result, ensure};
use e2e::{Browser, Idp, People, Script, Service, Ways};
use ee::{AuditOutcome, ErrorKind};

const BUTTON: &str = "Continue with Acme";
const SSO: &str = "a[href^='/studio/login/sso']";

const ONLY: Ways = Ways {
    credentials: false,
    sign_up: false,
    sso: Some(BUTTON),
};

const BOTH: Ways = Ways {
    credentials: true,
    sign_up: true,
    ..ONLY
};

fn idp(service: &Service) -> Result<&Idp> {
    service.idp.as_deref().context("there is no provider")
}

/// Opens a page of Studio, and from the sign-in page that of the provider.
async fn go_to_provider(browser: &Browser, service: &Service, path: &str) -> Result<()> {
    browser.open(&format!("{}{path}", service.url)).await?;
    browser.wait_for_path("/studio/login").await?;
    browser.click(SSO).await?;
    browser.wait_for_path("/authorize").await?;
    let origin = browser.origin().await?;
    ensure!(origin == idp(service)?.url, "the button leads to {origin}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_the_button_leads_to_the_provider_and_back_into_studio() -> Result<()> {
    let service = Service::start(ONLY).await?;
    let browser = Browser::start(Script::On).await?;

    browser.open(&service.url).await?;
    browser.wait_for_path("/studio/login").await?;
    let button = browser.text(SSO).await?;
    ensure!(button == BUTTON, "the button says `{button}`");
    ensure!(!browser.has("main form").await?, "there is a form");
    browser.picture("sign-in-sso").await?;
    go_to_provider(&browser, &service, "/studio/workflows").await?;
    browser.click("#agree").await?;

    browser.wait_for_path("/studio/workflows").await?;
    ensure!(browser.origin().await? == service.url);
    let success = AuditOutcome::Success;
    ensure!(
        service.record.has("auth.login.sso", "grace", success),
        "the sign-in is not recorded"
    );
    browser.click(".menu > summary").await?;
    let menu = browser.text(".menu-panel").await?;
    ensure!(
        menu.contains("Grace Hopper") && menu.contains(People::GRACE),
        "the menu says `{menu}`"
    );
    browser.picture("user-menu-sso").await?;
    browser.click(".menu > summary").await?;

    browser.sign_out().await?;
    let text = browser
        .wait_for_text("main", |text| text.contains("Signed out"))
        .await?;
    let provider = format!("a[href='{}/logout']", idp(&service)?.url);
    ensure!(browser.has(&provider).await?, "the page says `{text}`");
    browser.picture("signed-out").await?;
    browser
        .open(&format!("{}/studio/agents", service.url))
        .await?;
    browser.wait_for_path("/studio/login").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_and_the_form_stand_side_by_side() -> Result<()> {
    let service = Service::start(BOTH).await?;
    let browser = Browser::start(Script::On).await?;

    browser.open(&service.url).await?;
    browser.wait_for_path("/studio/login").await?;
    browser.picture("sign-in-both").await?;
    browser.click(".login-switch a").await?;
    browser.wait_for_path("/studio/signup").await?;
    browser.picture("sign-up-both").await?;
    go_to_provider(&browser, &service, "/studio/agents").await?;
    browser.click("#agree").await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.sign_out().await?;
    browser
        .wait_for_text("main", |text| text.contains("Signed out"))
        .await?;

    browser.open(&service.url).await?;
    browser
        .send_credentials(People::GRACE, People::GRACES_PASSWORD)
        .await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_agree_is_back_on_the_sign_in_page() -> Result<()> {
    let service = Service::start(ONLY).await?;
    let browser = Browser::start(Script::On).await?;

    go_to_provider(&browser, &service, "/studio/agents").await?;
    browser.click("#refuse").await?;

    browser.wait_for_path("/studio/login").await?;
    let error = browser.text("[role=alert]").await?;
    ensure!(error.contains("did not finish"), "the page says `{error}`");
    ensure!(
        service
            .record
            .has("auth.login.sso", "anonymous", AuditOutcome::Failure),
        "the refusal is not recorded"
    );
    browser.picture("sign-in-sso-refused").await?;
    browser.click(SSO).await?;
    browser.click("#agree").await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_is_named_on_the_way_there_and_back() -> Result<()> {
    let service = Service::start(ONLY).await?;
    let browser = Browser::start(Script::On).await?;
    let fault = &idp(&service)?.fault;

    fault.begin(ErrorKind::Unavailable);
    browser.open(&service.url).await?;
    browser.click(SSO).await?;
    browser
        .wait_for_text("main", |text| text.contains("Request id"))
        .await?;
    browser.picture("sso-failed-503").await?;
    fault.end();
    browser.click("main .status-actions a").await?;
    browser.wait_for_path("/authorize").await?;

    fault.begin(ErrorKind::Unavailable);
    browser.click("#agree").await?;
    browser.wait_for_path("/studio/login").await?;
    let error = browser.text("[role=alert]").await?;
    ensure!(error.contains("does not answer"), "the page says `{error}`");
    browser.quit().await
}
