//! Sign-in with a second step.

use anyhow::{Context as _, Result, ensure};
use e2e::{Browser, Company, Script};
use ee::auth_password::SecondFactorDemand;
use jiff::SignedDuration;

const CODE: &str = "input[name=code]";

/// Turns it on from the page of the account; returns the key of the authenticator and the recovery codes.
async fn set_up(company: &Company, browser: &Browser) -> Result<(String, Vec<String>)> {
    browser.open_account().await?;
    browser.picture("account").await?;
    browser
        .click("form[action='/studio/account/totp'] button")
        .await?;
    let key = browser.text(".authenticator-key").await?;
    browser.picture("two-step-set-up").await?;
    browser.fill(CODE, "000000").await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("#code-error").await?;
    let kept = browser.text(".authenticator-key").await?;
    ensure!(kept == key, "a wrong code made another key");
    browser.picture("two-step-set-up-wrong").await?;
    browser.fill(CODE, &company.code(&key)?).await?;
    browser.click(Browser::SUBMIT).await?;
    let codes = browser.text("#recovery-codes").await?;
    let codes: Vec<String> = codes.lines().map(str::to_owned).collect();
    ensure!(codes.len() == 10, "the page shows {codes:?}");
    browser.picture("recovery-codes").await?;
    Ok((key, codes))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_step_is_turned_on_used_and_turned_off() -> Result<()> {
    let company = Company::with_ada().await?;
    let browser = Browser::start(Script::On).await?;
    browser
        .enter(&company.url, Company::ADA, Company::PASSWORD)
        .await?;

    let (key, codes) = set_up(&company, &browser).await?;
    browser.click("main a.btn--primary").await?;
    browser.wait_to_read("10 recovery codes are left").await?;
    browser
        .picture_of("section[aria-labelledby=two-step]", "account-two-step")
        .await?;
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;

    // Each code is good once.
    company.clock.advance(SignedDuration::from_secs(60));
    browser
        .open(&format!("{}/studio/workflows", company.url))
        .await?;
    browser
        .send_credentials(Company::ADA, Company::PASSWORD)
        .await?;
    browser.find(CODE).await?;
    browser.picture("second-factor").await?;
    browser.fill(CODE, "000000").await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("#code-error").await?;
    browser.picture("second-factor-wrong").await?;
    browser.fill(CODE, &company.code(&key)?).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_for_path("/studio/workflows").await?;
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;

    browser
        .send_credentials(Company::ADA, Company::PASSWORD)
        .await?;
    browser.click("summary").await?;
    browser.picture("second-factor-recovery").await?;
    let first = codes.first().context("no recovery code")?;
    browser.fill("input[name=recovery_code]", first).await?;
    browser.click("details button").await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.open_account().await?;
    browser.wait_to_read("9 recovery codes are left").await?;
    ensure!(
        company
            .letters
            .has(Company::ADA, "A recovery code was used"),
        "nobody told Ada"
    );

    let new_codes = "form[action='/studio/account/recovery-codes']";
    browser.click("main details:first-of-type summary").await?;
    browser
        .fill("input[name=codes_password]", Company::PASSWORD)
        .await?;
    browser.click(&format!("{new_codes} button")).await?;
    browser.find("#recovery-codes").await?;
    browser.click("main a.btn--primary").await?;
    browser.wait_to_read("10 recovery codes are left").await?;

    company.clock.advance(SignedDuration::from_secs(60));
    browser.click("main details:last-of-type summary").await?;
    browser
        .fill("input[name=disable_password]", "not mine")
        .await?;
    browser
        .fill("input[name=disable_code]", &company.code(&key)?)
        .await?;
    browser
        .click("form[action='/studio/account/totp/disable'] button")
        .await?;
    browser.find("#disable_password-error").await?;
    browser
        .picture_of(
            "section[aria-labelledby=two-step]",
            "account-turn-off-refused",
        )
        .await?;
    browser
        .fill("input[name=disable_password]", Company::PASSWORD)
        .await?;
    browser
        .fill("input[name=disable_code]", &company.code(&key)?)
        .await?;
    browser
        .click("form[action='/studio/account/totp/disable'] button")
        .await?;
    browser.wait_to_read("Two-step sign-in is off").await?;
    browser.picture("account-turned-off").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_everybody_needs_a_second_step_it_is_set_up_at_the_sign_in() -> Result<()> {
    let company = Company::start(|config| {
        config.second_factor = SecondFactorDemand::Required;
    })
    .await?;
    company.hire_ada().await?;
    let browser = Browser::start(Script::On).await?;

    browser.open(&company.url).await?;
    browser
        .send_credentials(Company::ADA, Company::PASSWORD)
        .await?;
    browser.wait_to_read("Your password is right").await?;
    browser.picture("enrol-announced").await?;
    browser.click(Browser::SUBMIT).await?;
    let key = browser.text(".authenticator-key").await?;
    browser.picture("enrol").await?;
    browser.fill(CODE, "000000").await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("#code-error").await?;
    let kept = browser.text(".authenticator-key").await?;
    ensure!(kept == key, "a wrong code made another key");
    browser.fill(CODE, &company.code(&key)?).await?;
    browser.click(Browser::SUBMIT).await?;

    browser.wait_to_read("Make recovery codes now").await?;
    browser.picture("account-after-enrol").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_step_works_without_a_script() -> Result<()> {
    let company = Company::with_ada().await?;
    let browser = Browser::start(Script::Off).await?;
    browser
        .enter(&company.url, Company::ADA, Company::PASSWORD)
        .await?;
    browser
        .open(&format!("{}/studio/account", company.url))
        .await?;
    browser
        .click("form[action='/studio/account/totp'] button")
        .await?;
    let key = browser.text(".authenticator-key").await?;
    browser.fill(CODE, &company.code(&key)?).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("#recovery-codes").await?;
    ensure!(
        !browser.find("[data-copy]").await?.is_displayed().await?,
        "a button that needs the script is shown"
    );
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;

    company.clock.advance(SignedDuration::from_secs(60));
    browser
        .send_credentials(Company::ADA, Company::PASSWORD)
        .await?;
    browser.fill(CODE, &company.code(&key)?).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}
