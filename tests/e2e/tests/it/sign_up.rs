//! Accounts that people make themselves.

use anyhow::{Result, ensure};
use e2e::{Browser, People, Script, Service, Ways};
use ee::AuditOutcome;

const ADA: &str = "ada@acme.example";

async fn sign_up(browser: &Browser, email: &str, password: &str) -> Result<()> {
    browser.fill("input[name=name]", "Ada Lovelace").await?;
    browser.send_credentials(email, password).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_makes_an_account_and_is_signed_in() -> Result<()> {
    let service = Service::start(Ways {
        credentials: true,
        sign_up: true,
        ..Ways::default()
    })
    .await?;
    let browser = Browser::start(Script::On).await?;

    browser
        .open(&format!("{}/studio/workflows", service.url))
        .await?;
    browser.wait_for_path("/studio/login").await?;
    browser.picture("sign-in-with-sign-up").await?;
    browser.click(".login-switch a").await?;
    browser.wait_for_path("/studio/signup").await?;
    browser.picture("sign-up").await?;

    sign_up(&browser, ADA, "short").await?;
    let error = browser.text("#password-error").await?;
    ensure!(error.contains("8 characters"), "the field says `{error}`");
    browser.picture("sign-up-invalid").await?;
    sign_up(&browser, People::GRACE, "adas-password").await?;
    let error = browser.text("[role=alert]").await?;
    ensure!(!error.contains("exist"), "an account is betrayed: {error}");
    browser.picture("sign-up-refused").await?;
    sign_up(&browser, ADA, "adas-password").await?;

    browser.wait_for_path("/studio/workflows").await?;
    ensure!(
        service
            .record
            .has("auth.signup", ADA, AuditOutcome::Success),
        "the account is not recorded"
    );
    browser.click(".menu > summary").await?;
    let menu = browser.text(".menu-panel").await?;
    ensure!(
        menu.contains("Ada Lovelace") && menu.contains("member"),
        "the menu says `{menu}`"
    );
    browser.click(".menu > summary").await?;

    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;
    browser.send_credentials(ADA, "adas-password").await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_accounts_are_given_out_the_address_of_the_form_signs_in() -> Result<()> {
    let service = Service::start(Ways {
        credentials: true,
        ..Ways::default()
    })
    .await?;
    let browser = Browser::start(Script::On).await?;

    browser
        .open(&format!("{}/studio/signup", service.url))
        .await?;

    ensure!(
        !browser.has("input[name=name]").await?,
        "the form for a new account is shown"
    );
    browser
        .send_credentials(People::GRACE, People::GRACES_PASSWORD)
        .await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}
