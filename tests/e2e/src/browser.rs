use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use thirtyfour::{By, WebDriver, WebElement};

use crate::{driver::Process, eventually, variable};

/// Ends every transition, so that a picture shows where it leads.
const STILL: &str =
    "document.getAnimations().filter(a => a instanceof CSSTransition).forEach(a => a.finish())";

/// Returns what makes the page wider than the window, `null` when nothing does.
const WIDE: &str = "
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return null;
    return [...document.querySelectorAll('body *')]
        .filter(element => element.getBoundingClientRect().right > width)
        .map(element => element.tagName + '.' + element.className).slice(0, 8).join(' ')";

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Script {
    /// They may not.
    Off,
    /// They may.
    On,
}

/// What pages are looked at with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Screen {
    /// A window on a desk.
    Desk,
    /// A telephone, upright.
    Phone,
}

/// A browser with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
    process: Process,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Errors
    ///
    /// When chromedriver or Chromium do not start.
    pub async fn start(script: Script) -> Result<Self> {
        let (process, driver) = Process::start(script).await?;
        Ok(Self { driver, process })
    }

    /// Opens an address.
    ///
    /// # Errors
    ///
    /// When the browser cannot.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.driver.goto(url).await?)
    }

    /// Returns the path of the page.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn path(&self) -> Result<String> {
        Ok(self.driver.current_url().await?.path().to_owned())
    }

    /// Returns the origin of the page.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn origin(&self) -> Result<String> {
        let url = self.driver.current_url().await?;
        Ok(url.origin().ascii_serialization())
    }

    /// Waits until the page has this path.
    ///
    /// # Errors
    ///
    /// When it never has.
    pub async fn wait_for_path(&self, path: &str) -> Result<()> {
        let what = format!("the page `{path}`");
        let arrived = eventually(&what, || async {
            Ok((self.path().await? == path).then_some(()))
        })
        .await;
        arrived.with_context(|| format!("wanted `{path}`"))
    }

    /// Waits for an element.
    ///
    /// # Errors
    ///
    /// When it never comes.
    pub async fn find(&self, css: &str) -> Result<WebElement> {
        let what = format!("an element `{css}`");
        eventually(&what, || async {
            Ok(self.driver.find(By::Css(css)).await.ok())
        })
        .await
    }

    /// Tells whether there is such an element now.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn has(&self, css: &str) -> Result<bool> {
        Ok(!self.driver.find_all(By::Css(css)).await?.is_empty())
    }

    /// Clicks an element.
    ///
    /// # Errors
    ///
    /// When it never comes or cannot be clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        Ok(self.find(css).await?.click().await?)
    }

    /// Writes into a field.
    ///
    /// # Errors
    ///
    /// When it never comes.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let field = self.find(css).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Returns the text that a person sees.
    ///
    /// # Errors
    ///
    /// When the element never comes.
    pub async fn text(&self, css: &str) -> Result<String> {
        Ok(self.find(css).await?.text().await?)
    }

    /// Waits until an element's text satisfies the test.
    ///
    /// # Errors
    ///
    /// When it never does.
    pub async fn wait_for_text(&self, css: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let what = format!("the wanted text in `{css}`");
        eventually(&what, || async {
            let Ok(element) = self.driver.find(By::Css(css)).await else {
                return Ok(None);
            };
            Ok(element.text().await.ok().filter(|text| wanted(text)))
        })
        .await
    }

    /// Runs a script in the page.
    ///
    /// # Errors
    ///
    /// When it throws.
    pub async fn run(&self, script: &str) -> Result<Value> {
        Ok(self
            .driver
            .execute(script, Vec::new())
            .await?
            .json()
            .clone())
    }

    /// Runs a script that calls its last argument when it is done.
    ///
    /// # Errors
    ///
    /// When it throws or never calls it.
    pub async fn run_async(&self, script: &str) -> Result<Value> {
        Ok(self
            .driver
            .execute_async(script, Vec::new())
            .await?
            .json()
            .clone())
    }

    /// Changes what the pages are looked at with.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn look_with(&self, screen: Screen) -> Result<()> {
        let (method, params) = match screen {
            Screen::Desk => ("Emulation.clearDeviceMetricsOverride", json!({})),
            // A window of the browser cannot be as narrow as that.
            Screen::Phone => (
                "Emulation.setDeviceMetricsOverride",
                json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true }),
            ),
        };
        self.driver.cdp().send_raw(method, params).await?;
        Ok(())
    }

    /// Takes pictures of the page in both themes and on both screens, under `NAME-THEME.png` and
    /// `NAME-phone-THEME.png`.
    ///
    /// # Errors
    ///
    /// When the browser cannot, or the page is wider than the screen.
    pub async fn picture(&self, name: &str) -> Result<()> {
        self.picture_of("body", name).await
    }

    /// Takes the pictures of [`picture`](Self::picture) with a part of the page in view.
    ///
    /// # Errors
    ///
    /// When the browser cannot, there is no such part, or the page is wider than the screen.
    pub async fn picture_of(&self, css: &str, name: &str) -> Result<()> {
        self.look_with(Screen::Phone).await?;
        self.picture_here(css, &format!("{name}-phone")).await?;
        self.look_with(Screen::Desk).await?;
        self.picture_here(css, name).await
    }

    async fn picture_here(&self, css: &str, name: &str) -> Result<()> {
        let dir: PathBuf = variable("MASTRA_EE_SCREENS")?;
        fs::create_dir_all(&dir)?;
        self.run(&format!("document.querySelector('{css}').scrollIntoView()"))
            .await?;
        for theme in ["light", "dark"] {
            self.run(&format!(
                "document.documentElement.dataset.theme = '{theme}'; {STILL}"
            ))
            .await?;
            self.driver
                .screenshot(&dir.join(format!("{name}-{theme}.png")))
                .await?;
        }
        let wide = self.run(WIDE).await?;
        if wide != Value::Null {
            bail!("on the page `{name}` these are wider than the screen: {wide}");
        }
        Ok(())
    }

    /// Ends the browser.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub async fn quit(self) -> Result<()> {
        self.driver.quit().await?;
        self.process.end()
    }
}
