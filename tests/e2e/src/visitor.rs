//! What a visitor of Studio does on many pages.

use anyhow::Result;

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
