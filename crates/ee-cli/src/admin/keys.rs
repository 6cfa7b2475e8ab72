//! `mastra-ee keys`.

use anyhow::{Context as _, Result};
use ee::{
    AuditAction, KeyId,
    server::{
        AuditNote,
        access::{self, KeyBody, KeyQuery, KeyView, Listing, NewKeyView, RotateKeyBody, Success},
    },
    storage::Cursor,
};
use jiff::SignedDuration;

use super::{
    operator::Operator,
    output::{Table, joined, moment, or_dash},
};
use crate::args::KeysCommand;

pub(super) async fn run(operator: &Operator, command: &KeysCommand) -> Result<()> {
    match command {
        KeysCommand::Create {
            user,
            name,
            scopes,
            expires_in,
            addresses,
            may_act_for,
            ..
        } => {
            let body = KeyBody {
                user_id: Some(operator.user(user).await?),
                name: name.clone(),
                scopes: scopes.clone(),
                addresses: addresses.clone(),
                may_act_for: operator.users_named(may_act_for).await?,
                expires_at: expires_in.map(|it| operator.after(it)).transpose()?,
            };
            let create = access::create_key(&operator.cx, body);
            let about = AuditNote::default();
            let key = operator
                .change(AuditAction::KEY_CREATE, about, create)
                .await?;
            tell(operator, &key)
        }
        KeysCommand::Delete { key, .. } => delete(operator, key).await,
        KeysCommand::List { user, .. } => {
            let user = match user {
                Some(user) => Some(operator.user_or_gone(user).await?),
                None => None,
            };
            let keys = operator
                .all(async |cursor| {
                    let query = KeyQuery {
                        cursor,
                        limit: Some(Cursor::MAX_LIMIT),
                        user_id: user.clone(),
                    };
                    access::list_keys(&operator.cx, query).await
                })
                .await?;
            operator.show(&keys, table)
        }
        KeysCommand::Rotate { key, overlap, .. } => rotate(operator, key, *overlap).await,
    }
}

fn table(keys: &Listing<KeyView>) -> String {
    let rows = keys.items.iter().map(|key| {
        [
            key.id.to_string(),
            key.name.clone(),
            key.user_id.to_string(),
            joined(&key.scopes),
            or_dash(key.expires_at.map(moment)),
            or_dash(key.last_used_at.map(moment)),
        ]
    });
    Table::new(
        ["ID", "NAME", "USER", "SCOPES", "EXPIRES", "LAST USED"],
        rows,
    )
    .to_string()
}

/// Shows the secret, this once.
fn tell(operator: &Operator, key: &NewKeyView) -> Result<()> {
    let what = format!("the secret of key {}, shown this once:", key.key.id);
    operator.show_secret(key, &key.secret, &what)
}

async fn rotate(operator: &Operator, id: &KeyId, overlap: Option<SignedDuration>) -> Result<()> {
    let overlap_seconds = match overlap {
        Some(overlap) => overlap
            .as_secs()
            .try_into()
            .context("`--overlap` is too long")?,
        None => 0,
    };
    let body = RotateKeyBody { overlap_seconds };
    let rotate = operator.again_if_stale(async || {
        let version = access::get_key(&operator.cx, id).await?.version;
        access::rotate_key(&operator.cx, id, version, &body).await
    });
    let about = AuditNote::about("key", id.as_str(), None);
    let key = operator
        .change(AuditAction::KEY_ROTATE, about, rotate)
        .await?;
    tell(operator, &key)
}

async fn delete(operator: &Operator, id: &KeyId) -> Result<()> {
    let delete = async {
        access::delete_key(&operator.cx, id).await?;
        Ok(Success { success: true })
    };
    let about = AuditNote::about("key", id.as_str(), None);
    let done = operator
        .change(AuditAction::KEY_DELETE, about, delete)
        .await?;
    operator.show(&done, |_| format!("key {id} is deleted"))
}
