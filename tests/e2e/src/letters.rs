use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use ee::{Error, async_trait, auth_password::Mailer};

/// Keeps letters instead of sending them.
#[derive(Debug, Default)]
pub struct Letters(Mutex<Vec<Letter>>);

#[derive(Debug)]
struct Letter {
    subject: String,
    text: String,
    to: String,
}

impl Letters {
    /// Returns the link of the last letter to somebody.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn link_to(&self, address: &str) -> Result<String> {
        let letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = letters.iter().rev().find(|letter| letter.to == address);
        let last = last.with_context(|| format!("no letter went to {address}"))?;
        let mut lines = last.text.lines();
        let link = lines.find(|line| line.starts_with("http"));
        link.map(str::to_owned)
            .with_context(|| format!("no link in «{}»", last.subject))
    }

    /// Tells whether somebody got a letter whose subject is this.
    pub fn has(&self, address: &str, subject: &str) -> bool {
        let letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut letters = letters.iter();
        letters.any(|letter| letter.to == address && letter.subject == subject)
    }
}

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Error> {
        let letter = Letter {
            subject: subject.to_owned(),
            text: text.to_owned(),
            to: to.to_owned(),
        };
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push(letter);
        Ok(())
    }
}
