use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ee::{Error, auth_password::Mailer};

/// Keeps letters instead of sending them.
#[derive(Debug, Default)]
pub struct Letters(Mutex<Vec<Letter>>);

/// A letter that was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// To whom.
    pub to: String,
    /// About what.
    pub subject: String,
    /// What it says.
    pub text: String,
}

impl Letter {
    /// Returns the secret of the link in it.
    pub fn token(&self) -> String {
        let (_, rest) = self.text.split_once("#token=").unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

impl Letters {
    /// Returns all letters, in order.
    pub fn all(&self) -> Vec<Letter> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the last letter.
    pub fn last(&self) -> Letter {
        self.all().pop().unwrap()
    }
}

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Error> {
        let letter = Letter {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
        };
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push(letter);
        Ok(())
    }
}
