//! One's own account, in more than one browser.

use anyhow::{Result, ensure};
use e2e::{Browser, Company, Script};
use jiff::SignedDuration;

async fn signed_in(company: &Company) -> Result<Browser> {
    let browser = Browser::start(Script::On).await?;
    browser
        .enter(&company.url, Company::ADA, Company::PASSWORD)
        .await?;
    Ok(browser)
}

/// Reads a page of Studio again and tells whether it is still shown.
async fn is_in(browser: &Browser, company: &Company) -> Result<bool> {
    let agents = format!("{}/studio/agents", company.url);
    browser.open(&agents).await?;
    Ok(browser.path().await? == "/studio/agents")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_signs_every_other_browser_out() -> Result<()> {
    let company = Company::with_ada().await?;
    let (here, there) = (signed_in(&company).await?, signed_in(&company).await?);

    here.open_account().await?;
    here.fill("input[name=current_password]", "not mine")
        .await?;
    here.fill("input[name=new_password]", Company::NEW_PASSWORD)
        .await?;
    here.click("form[action='/studio/account/password'] button")
        .await?;
    here.find("#current_password-error").await?;
    here.picture_of(
        "section[aria-labelledby=password]",
        "account-password-refused",
    )
    .await?;
    here.fill("input[name=current_password]", Company::PASSWORD)
        .await?;
    here.fill("input[name=new_password]", Company::NEW_PASSWORD)
        .await?;
    here.click("form[action='/studio/account/password'] button")
        .await?;
    here.wait_to_read("Your password was changed").await?;
    here.picture("account-password-changed").await?;

    ensure!(is_in(&here, &company).await?, "this browser is signed out");
    ensure!(
        !is_in(&there, &company).await?,
        "the other browser is still signed in"
    );
    there.quit().await?;
    here.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_listed_and_ended_one_by_one_and_all_at_once() -> Result<()> {
    let company = Company::with_ada().await?;
    let here = signed_in(&company).await?;
    let (second, third) = (signed_in(&company).await?, signed_in(&company).await?);
    let end = "form[action$='/end'] button";

    here.open_account().await?;
    let sessions = here.text("section[aria-labelledby=sessions]").await?;
    ensure!(
        sessions.matches("Chrome on Linux").count() == 3
            && sessions.matches("127.0.0.1").count() == 3
            && sessions.matches("This browser").count() == 1,
        "the list says `{sessions}`"
    );
    here.picture_of("section[aria-labelledby=sessions]", "account-sessions")
        .await?;
    here.click(end).await?;
    here.wait_to_read("The session was ended.").await?;
    let left = [
        is_in(&second, &company).await?,
        is_in(&third, &company).await?,
    ];
    ensure!(
        left.iter().filter(|is_in| **is_in).count() == 1,
        "one was ended, and these are in: {left:?}"
    );

    here.click("form[action='/studio/account/end-other-sessions'] button")
        .await?;
    here.wait_to_read("All other sessions were ended.").await?;
    ensure!(!here.has(end).await?, "another session is listed");
    for other in [second, third] {
        ensure!(!is_in(&other, &company).await?, "another browser is in");
        other.quit().await?;
    }
    ensure!(is_in(&here, &company).await?, "this browser is signed out");
    here.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dangerous_asks_who_is_there_after_ten_minutes() -> Result<()> {
    let company = Company::with_ada().await?;
    let browser = signed_in(&company).await?;
    let set_up = "form[action='/studio/account/totp'] button";
    browser.open_account().await?;
    company.clock.advance(SignedDuration::from_mins(11));

    browser.click(set_up).await?;
    browser.wait_to_read("Confirm that it is you").await?;
    browser.picture("step-up").await?;
    browser.click("main a.btn--primary").await?;
    browser.wait_for_path("/studio/login").await?;
    let email = browser
        .run("return document.querySelector('input[name=email]').value")
        .await?;
    ensure!(email == Company::ADA, "the form is filled with {email}");
    browser.picture("sign-in-step-up").await?;
    browser.fill("input[name=password]", "not mine").await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("[role=alert]").await?;
    browser
        .fill("input[name=password]", Company::PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;

    browser.wait_for_path("/studio/account").await?;
    browser.click(set_up).await?;
    browser.find(".authenticator-key").await?;
    let shown = browser.text("main").await?;
    ensure!(shown.contains("Turn on"), "the page says `{shown}`");
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_it_stays_signed_in_for_longer() -> Result<()> {
    let company = Company::with_ada().await?;
    let (short, long) = (
        Browser::start(Script::On).await?,
        Browser::start(Script::On).await?,
    );
    for browser in [&short, &long] {
        browser.open(&company.url).await?;
        browser.find("#remember").await?;
    }
    long.click("label[for=remember]").await?;
    for browser in [&short, &long] {
        browser
            .send_credentials(Company::ADA, Company::PASSWORD)
            .await?;
        browser.wait_for_path("/studio/agents").await?;
    }

    company.clock.advance(SignedDuration::from_hours(2));

    ensure!(!is_in(&short, &company).await?, "an hour was enough");
    ensure!(is_in(&long, &company).await?, "the longer session is over");
    short.quit().await?;
    long.quit().await
}
