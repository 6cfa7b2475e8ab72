//! Signs people in who type their token as the password.

use std::sync::Arc;

use async_trait::async_trait;
use ee_core::{CredentialsProvider, Error, RequestHead, SignIn};

use crate::{SimpleAuth, token::looks_like_email};

#[async_trait]
impl CredentialsProvider for SimpleAuth {
    /// Takes the token as the password; the address only has to look like one.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for the field `email`.
    async fn sign_in(
        &self,
        email: &str,
        password: &str,
        _head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        if !looks_like_email(email) {
            return Err(Error::invalid_field("email", "must be an e-mail address"));
        }
        Ok(match self.whose(password) {
            Some(user) => SignIn::Success(Arc::clone(user)),
            None => SignIn::Refused,
        })
    }
}
