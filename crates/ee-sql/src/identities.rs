use async_trait::async_trait;
use ee_core::{
    Error, UserId,
    storage::{ExternalIdentity, IdentityStore},
};

use crate::{Database, Row, SqlStore, Statement, store::column};

#[async_trait]
impl<D: Database> IdentityStore for SqlStore<D> {
    async fn link(&self, identity: ExternalIdentity) -> Result<(), Error> {
        let insert = Statement::new(
            "INSERT INTO ee_identities (issuer, subject, user_id, linked_at) \
             VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(identity.issuer)
        .bind(identity.subject)
        .bind(identity.user_id)
        .bind(identity.linked_at);
        let taken = "this identity belongs to an account already";
        self.insert("link an identity", insert, taken).await
    }

    async fn find_linked(&self, issuer: &str, subject: &str) -> Result<Option<UserId>, Error> {
        let query =
            Statement::new("SELECT user_id FROM ee_identities WHERE issuer = ?1 AND subject = ?2");
        let query = query.bind(issuer).bind(subject);
        self.find_by("find an identity", query, column).await
    }

    async fn links_of(&self, user: &UserId) -> Result<Vec<ExternalIdentity>, Error> {
        let query = Statement::new(
            "SELECT issuer, subject, linked_at FROM ee_identities WHERE user_id = ?1 \
             ORDER BY issuer, subject",
        );
        let read = |mut row: Row| {
            let (issuer, subject) = (row.take()?, row.take()?);
            let (user, linked_at) = (user.clone(), row.take()?);
            Ok(ExternalIdentity::new(issuer, subject, user, linked_at))
        };
        self.rows("list identities", query.bind(user), read).await
    }

    async fn unlink(&self, issuer: &str, subject: &str) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_identities WHERE issuer = ?1 AND subject = ?2");
        let delete = delete.bind(issuer).bind(subject);
        Ok(self.run("unlink an identity", delete).await? > 0)
    }
}
