//! Browsers and letter boxes.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use ee_auth_password::Mailer;
use ee_core::{Error, ErrorKind, RequestHead, SignIn};
use http::{HeaderMap, header};

use crate::world::World;

/// Somebody with cookies and an address that nobody else has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) address: Option<IpAddr>,
    pub(crate) headers: HeaderMap,
}

impl Browser {
    pub(crate) fn at(address: &str) -> Self {
        Self {
            address: Some(address.parse().unwrap()),
            ..Self::default()
        }
    }

    pub(crate) fn head(&self) -> RequestHead<'_> {
        RequestHead::new(&self.headers, self.address)
    }

    pub(crate) async fn sign_in(
        &self,
        world: &World,
        email: &str,
        password: &str,
    ) -> Result<SignIn, Error> {
        world
            .accounts
            .sign_in(email, &password.into(), &self.head())
            .await
    }

    /// Signs in and keeps the cookie that makes it known.
    pub(crate) async fn become_known(&mut self, world: &World, email: &str, password: &str) {
        let Ok(SignIn::Success(user)) = self.sign_in(world, email, password).await else {
            panic!("the sign-in failed");
        };
        let cookie = world
            .accounts
            .device_cookie(&user.id)
            .await
            .unwrap()
            .unwrap();
        let pair = cookie
            .to_str()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        self.headers.insert(header::COOKIE, pair.parse().unwrap());
    }
}

/// Keeps letters instead of sending them.
#[derive(Clone, Default)]
pub(crate) struct Letters(Arc<Mutex<Vec<(String, String, String)>>>, Arc<Mutex<bool>>);

impl fmt::Debug for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letters")
    }
}

impl Letters {
    /// Whom letters went to and what they were about, in order.
    pub(crate) fn subjects(&self) -> Vec<(String, String)> {
        let letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters
            .iter()
            .map(|(to, subject, _)| (to.clone(), subject.clone()))
            .collect()
    }

    /// The text of the newest letter.
    pub(crate) fn last(&self) -> String {
        let letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters
            .last()
            .map(|(_, _, text)| text.clone())
            .unwrap_or_default()
    }

    /// The secret in the link of the newest letter.
    pub(crate) fn token(&self) -> String {
        token_in(&self.last())
    }

    pub(crate) fn count(&self) -> usize {
        self.subjects().len()
    }

    /// Has the mail server refuse letters from now on.
    pub(crate) fn refuse(&self) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Error> {
        if *self.1.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the mail server is away",
            ));
        }
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push((to.to_owned(), subject.to_owned(), text.to_owned()));
        Ok(())
    }
}

/// The secret in the link of a text.
pub(crate) fn token_in(text: &str) -> String {
    let (_, rest) = text.split_once("#token=").expect("the text has a link");
    rest.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}
