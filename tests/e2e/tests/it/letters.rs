//! Where links lead: the first owner, invitations, sign-up, forgotten passwords.

use anyhow::{Result, ensure};
use e2e::{Browser, Company, Product, Script, eventually};
use ee::{AuditOutcome, auth_password::SignUpMode};

const GUEST: &str = "guest@elsewhere.example";

/// Opens a link of a letter; the script takes its secret out of the address.
async fn follow(browser: &Browser, link: &str) -> Result<()> {
    browser.open(link).await?;
    browser.find("h1").await?;
    let address = browser.run("return location.href").await?;
    ensure!(
        !address.to_string().contains('#'),
        "the secret stands in the address bar: {address}"
    );
    Ok(())
}

fn secret_of(link: &str) -> &str {
    link.split_once("#token=").map_or("", |(_, secret)| secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_owner_comes_by_the_link_of_the_console() -> Result<()> {
    let company = Company::start(|_| {}).await?;
    let link = company.setup_link().await?;
    let browser = Browser::start(Script::On).await?;

    follow(&browser, &link).await?;
    let label = browser.find("label[for=token]").await?;
    ensure!(!label.is_displayed().await?, "the secret is asked for");
    browser.picture("setup").await?;
    browser.fill("input[name=email]", Company::ADA).await?;
    browser.fill("input[name=name]", "Ada Lovelace").await?;
    browser.fill("input[name=password]", "password123").await?;
    browser.click(Browser::SUBMIT).await?;
    let error = browser.text("#password-error").await?;
    ensure!(error.contains("15 characters"), "the field says `{error}`");
    browser.picture("setup-refused").await?;
    browser
        .fill("input[name=password]", Company::PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;

    browser.wait_for_path("/studio/agents").await?;
    browser.click(".menu > summary").await?;
    let menu = browser.text(".menu-panel").await?;
    ensure!(menu.contains("owner"), "the menu says `{menu}`");
    browser.picture("user-menu-account").await?;

    follow(&browser, &link).await?;
    browser.fill("input[name=email]", GUEST).await?;
    browser
        .fill("input[name=password]", Company::PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("#token-error").await?;
    browser.picture("setup-used").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_invited_chooses_a_password_and_is_in() -> Result<()> {
    let company = Company::with_ada().await?;
    let link = company.invite(GUEST).await?;
    let browser = Browser::start(Script::On).await?;

    follow(&browser, &link).await?;
    browser.wait_to_read("Create your account").await?;
    let email = browser
        .run("return document.querySelector('input[name=email]').value")
        .await?;
    ensure!(email == GUEST, "the invitation is for {email}");
    browser.picture("invitation").await?;
    browser.fill("input[name=name]", "Guest <b>x</b>").await?;
    browser
        .fill("input[name=password]", Company::PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;

    browser.wait_for_path("/studio/agents").await?;
    browser.open_account().await?;
    browser.wait_to_read("Guest <b>x</b>").await?;
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;
    follow(&browser, &link).await?;
    browser.find("#token-error").await?;
    browser.picture("invitation-used").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_script_the_secret_of_a_link_is_pasted() -> Result<()> {
    let company = Company::with_ada().await?;
    let link = company.invite(GUEST).await?;
    let browser = Browser::start(Script::Off).await?;

    browser.open(&link).await?;
    browser.fill("input[name=token]", &link).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Create your account").await?;
    browser
        .fill("input[name=password]", Company::PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;

    browser.click("a[href='/studio/forgot-password']").await?;
    browser.fill("input[name=email]", GUEST).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Check your mail").await?;
    let link = company.letters.link_to(GUEST)?;
    browser.open(&link).await?;
    browser.fill("input[name=token]", secret_of(&link)).await?;
    browser
        .fill("input[name=password]", Company::NEW_PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Your new password is set").await?;
    browser
        .send_credentials(GUEST, Company::NEW_PASSWORD)
        .await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_up_confirms_his_address_first() -> Result<()> {
    let company = Company::start(|config| config.sign_up.mode = SignUpMode::Open).await?;
    let browser = Browser::start(Script::On).await?;

    browser
        .open(&format!("{}/studio/signup", company.url))
        .await?;
    browser.picture("sign-up-account").await?;
    browser.fill("input[name=name]", "Guest").await?;
    browser.send_credentials(GUEST, Company::PASSWORD).await?;
    browser.wait_to_read("Check your mail").await?;
    browser.picture("check-mail-sign-up").await?;
    browser
        .open(&format!("{}/studio/login", company.url))
        .await?;
    browser.send_credentials(GUEST, Company::PASSWORD).await?;
    browser.find("[role=alert]").await?;

    follow(&browser, &company.letters.link_to(GUEST)?).await?;
    browser.picture("verify-email").await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Your address is confirmed").await?;
    browser.picture("sign-in-confirmed").await?;
    browser.send_credentials(GUEST, Company::PASSWORD).await?;
    // Nobody has given him a role yet.
    browser.wait_to_read("Permission denied").await?;
    browser.quit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_letter() -> Result<()> {
    let company = Company::with_ada().await?;
    let browser = Browser::start(Script::On).await?;

    browser.open(&company.url).await?;
    browser.picture("sign-in-account").await?;
    browser.click("a[href='/studio/forgot-password']").await?;
    browser.picture("forgot-password").await?;
    browser.fill("input[name=email]", Company::ADA).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Check your mail").await?;
    let said = browser.text("main").await?;
    browser.picture("check-mail-reset").await?;
    browser
        .open(&format!("{}/studio/forgot-password", company.url))
        .await?;
    browser.fill("input[name=email]", GUEST).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Check your mail").await?;
    let unknown = browser.text("main").await?;
    ensure!(
        said.replace(Company::ADA, GUEST) == unknown,
        "an account is betrayed: `{said}`, `{unknown}`"
    );

    follow(&browser, &company.letters.link_to(Company::ADA)?).await?;
    browser.picture("reset-password").await?;
    browser
        .fill("input[name=password]", "ada ada ada ada ada")
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.find("#password-error").await?;
    browser.picture("reset-password-refused").await?;
    browser
        .fill("input[name=password]", Company::NEW_PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Your new password is set").await?;
    browser.picture("sign-in-after-reset").await?;

    browser
        .send_credentials(Company::ADA, Company::PASSWORD)
        .await?;
    browser.find("[role=alert]").await?;
    browser
        .send_credentials(Company::ADA, Company::NEW_PASSWORD)
        .await?;
    browser.wait_for_path("/studio/agents").await?;
    ensure!(
        company
            .letters
            .has(Company::ADA, "Your password was changed"),
        "nobody told Ada"
    );
    ensure!(
        company
            .record
            .has("auth.password.reset", "anonymous", AuditOutcome::Success),
        "the new password is not recorded"
    );
    browser.quit().await
}

/// The binary on its first day, without a mail server: letters stand in the log.
#[tokio::test(flavor = "multi_thread")]
async fn the_product_is_set_up_and_a_letter_of_the_log_sets_a_new_password() -> Result<()> {
    let product = Product::start_with("auth = \"password\"\n").await?;
    let browser = Browser::start(Script::On).await?;

    follow(&browser, &product.setup_link().await?).await?;
    browser.fill("input[name=email]", Company::ADA).await?;
    browser
        .fill("input[name=password]", Company::PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.open_account().await?;
    browser.wait_to_read("This browser").await?;
    browser.sign_out().await?;
    browser.wait_for_path("/studio/login").await?;

    browser.find("#remember").await?;
    browser.click("a[href='/studio/forgot-password']").await?;
    browser.fill("input[name=email]", Company::ADA).await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Check your mail").await?;
    let page = format!("{}/studio/reset-password#token=", product.url);
    let secret = eventually("the letter", || async {
        let log = product.log();
        let secret = log.split_once(&page).map(|(_, rest)| rest.to_owned());
        Ok(secret.map(|rest| {
            rest.chars()
                .take_while(|c| is_of_secret(*c))
                .collect::<String>()
        }))
    })
    .await?;
    follow(&browser, &format!("{page}{secret}")).await?;
    browser
        .fill("input[name=password]", Company::NEW_PASSWORD)
        .await?;
    browser.click(Browser::SUBMIT).await?;
    browser.wait_to_read("Your new password is set").await?;
    browser
        .send_credentials(Company::ADA, Company::NEW_PASSWORD)
        .await?;
    browser.wait_for_path("/studio/agents").await?;
    browser.quit().await
}

fn is_of_secret(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}
