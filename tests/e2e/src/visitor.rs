//! What a visitor of Studio does on many pages.

use anyhow::{Context as _, Result};

use crate::Browser;

impl Browser {
    /// The button that sends the form of a page.
    pub const SUBMIT: &str = "main button[type=submit]";

    /// Fills in the form of the sign-in page and sends it.
    ///
    /// # Errors
    ///
    /// When there is no such form.
    pub async fn send_credentials(&self, email: &str, password: &str) -> Result<()> {
        self.fill("input[name=email]", email).await?;
        self.fill("input[name=password]", password).await?;
        self.click(Self::SUBMIT).await
    }

    /// Opens the server and signs in with a token.
    ///
    /// # Errors
    ///
    /// When it does not lead to the agents.
    pub async fn sign_in(&self, url: &str, token: &str) -> Result<()> {
        self.open(url).await?;
        self.wait_for_path("/studio/login").await?;
        self.fill("input[name=password]", token).await?;
        self.click(Self::SUBMIT).await?;
        self.wait_for_path("/studio/agents").await
    }

    /// Opens the server and signs in with address and password alone.
    ///
    /// # Errors
    ///
    /// When it does not lead to the agents.
    pub async fn enter(&self, url: &str, email: &str, password: &str) -> Result<()> {
        self.open(url).await?;
        self.wait_for_path("/studio/login").await?;
        self.send_credentials(email, password).await?;
        self.wait_for_path("/studio/agents").await
    }

    /// Opens the page of the account from the menu.
    ///
    /// # Errors
    ///
    /// When there is no menu.
    pub async fn open_account(&self) -> Result<()> {
        self.click(".menu > summary").await?;
        self.click(".menu a[href='/studio/account']").await?;
        self.wait_for_path("/studio/account").await
    }

    /// Waits until the page tells something.
    ///
    /// # Errors
    ///
    /// When it never does.
    pub async fn wait_to_read(&self, words: &str) -> Result<()> {
        self.wait_for_text("main", |text| text.contains(words))
            .await
            .map(drop)
            .with_context(|| format!("the page does not say `{words}`"))
    }

    /// Opens the menu and signs out there.
    ///
    /// # Errors
    ///
    /// When there is no menu.
    pub async fn sign_out(&self) -> Result<()> {
        self.click(".menu > summary").await?;
        self.click("form[action='/studio/logout'] button").await
    }
}
