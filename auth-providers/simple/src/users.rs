//! Finds configured users.

use std::sync::Arc;

use async_trait::async_trait;
use ee_core::{Error, User, UserId, UserProvider};

use crate::SimpleAuth;

#[async_trait]
impl UserProvider for SimpleAuth {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        Ok(self.user_by_id(id).cloned())
    }
}
