use ee_core::{
    Error, KeyId, NewKey, PermissionPattern, PermissionSet, UserId, storage::ApiKeyRecord,
};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, check_version, cursor, done, listing, not_found, roles::texts};
use crate::{AuditNote, Cx};

/// How long a key lasts that says nothing of it.
const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long an old secret may stay good beside the new one.
const MOST_OVERLAP_SECONDS: u32 = 30 * 24 * 3_600;

/// A key, without its secret.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Identity.
    pub id: KeyId,
    /// Whose it is.
    pub user_id: UserId,
    /// Name for people.
    pub name: String,
    /// What it may do of what its owner may do.
    pub scopes: Vec<PermissionPattern>,
    /// From where it may be used; from anywhere when empty.
    pub addresses: Vec<String>,
    /// The users for whom it may act.
    pub may_act_for: Vec<UserId>,
    /// When it was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_used_at: Option<Timestamp>,
    /// For `If-Match`.
    pub version: u64,
}

impl From<ApiKeyRecord> for KeyView {
    fn from(key: ApiKeyRecord) -> Self {
        Self {
            id: key.id,
            user_id: key.user_id,
            name: key.name,
            scopes: key.scopes,
            addresses: key.addresses,
            may_act_for: key.may_act_for,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            version: key.version,
        }
    }
}

/// A key that was just made or rotated: the one time that its secret is shown.
#[derive(JsonSchema, Serialize)]
pub struct NewKeyView {
    /// What programs send as a bearer token.
    pub secret: String,
    /// The key.
    pub key: KeyView,
}

impl std::fmt::Debug for NewKeyView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKeyView")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Body of `POST /access/keys`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct KeyBody {
    /// Whose it is; the caller's when absent.
    pub user_id: Option<UserId>,
    /// Name for people.
    pub name: String,
    /// What it may do of what its owner may do.
    pub scopes: Vec<PermissionPattern>,
    /// From where it may be used.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The users for whom it may act.
    #[serde(default)]
    pub may_act_for: Vec<UserId>,
    /// When it ends; in 90 days when absent.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

/// Body of `PATCH /access/keys/:keyId`: what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct PatchKeyBody {
    /// Name for people.
    pub name: Option<String>,
    /// What it may do of what its owner may do.
    pub scopes: Option<Vec<PermissionPattern>>,
    /// From where it may be used.
    pub addresses: Option<Vec<String>>,
    /// The users for whom it may act.
    pub may_act_for: Option<Vec<UserId>>,
    /// When it ends.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

/// Body of `POST /access/keys/:keyId/rotate`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct RotateKeyBody {
    /// How long the old secret stays good; 0 when absent, 30 days at most.
    #[serde(default)]
    pub overlap_seconds: u32,
}

/// Query of the list of keys.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyQuery {
    /// What `nextCursor` was for the part before.
    pub cursor: Option<String>,
    /// Most rows.
    pub limit: Option<u32>,
    /// Of this user.
    pub user_id: Option<UserId>,
}

/// `GET /access/keys`.
pub async fn list_keys(cx: &Cx, query: KeyQuery) -> Result<Listing<KeyView>, Error> {
    let cursor = cursor(query.cursor.as_deref(), query.limit)?;
    let keys = &cx.access()?.keys;
    let part = keys.list(query.user_id.as_ref(), &cursor).await?;
    Ok(listing(part, KeyView::from))
}

/// `GET /access/keys/:keyId`.
pub async fn get_key(cx: &Cx, id: &KeyId) -> Result<KeyView, Error> {
    find(cx, id).await.map(KeyView::from)
}

/// `POST /access/keys`. Its scopes must be within what the caller holds and what its owner holds; its owner, and
/// everybody for whom it may act, within the caller's reach.
pub async fn create_key(cx: &Cx, body: KeyBody) -> Result<NewKeyView, Error> {
    let owner = match body.user_id {
        Some(owner) => owner,
        None => cx.user()?.id.clone(),
    };
    check_hands_out(cx, &owner, &body.scopes, &body.may_act_for).await?;
    check_exist(cx, &body.may_act_for, &[]).await?;
    let mut new = NewKey::new(owner, body.name, body.scopes);
    new.addresses = body.addresses;
    new.expires_at = Some(body.expires_at.unwrap_or(cx.now() + DEFAULT_LIFE));
    new.may_act_for = body.may_act_for;
    // Which key it is, the store adds.
    cx.note(says(
        AuditNote::default(),
        &new.user_id,
        &new.scopes,
        &new.may_act_for,
    ));
    let (record, secret) = cx.access()?.keys.create(new, cx.by()).await?;
    cx.note(about(&record));
    Ok(NewKeyView {
        secret: secret.expose().to_owned(),
        key: record.into(),
    })
}

/// `PATCH /access/keys/:keyId`.
pub async fn update_key(
    cx: &Cx,
    id: &KeyId,
    expected: u64,
    body: PatchKeyBody,
) -> Result<KeyView, Error> {
    let mut key = find(cx, id).await?;
    check_version(key.version, expected, "key")?;
    if let Some(name) = body.name {
        key.name = name;
    }
    if let Some(scopes) = body.scopes {
        key.scopes = scopes;
    }
    if let Some(addresses) = body.addresses {
        key.addresses = addresses;
    }
    if body.expires_at.is_some() {
        key.expires_at = body.expires_at;
    }
    let before = match body.may_act_for {
        Some(users) => std::mem::replace(&mut key.may_act_for, users),
        None => key.may_act_for.clone(),
    };
    check_hands_out(cx, &key.user_id, &key.scopes, &key.may_act_for).await?;
    check_exist(cx, &key.may_act_for, &before).await?;
    cx.note(about(&key));
    done(cx.access()?.keys.update(key).await?, "key")?;
    get_key(cx, id).await
}

/// `POST /access/keys/:keyId/rotate`.
pub async fn rotate_key(
    cx: &Cx,
    id: &KeyId,
    expected: u64,
    body: &RotateKeyBody,
) -> Result<NewKeyView, Error> {
    if body.overlap_seconds > MOST_OVERLAP_SECONDS {
        let message = format!("must be at most {MOST_OVERLAP_SECONDS}");
        return Err(Error::invalid_field("overlapSeconds", message));
    }
    let key = find(cx, id).await?;
    check_version(key.version, expected, "key")?;
    // A program may change its own secret: the key is the same, from the same addresses and to the same end.
    if cx.identity().and_then(|identity| identity.key.as_ref()) == Some(id) {
        check_scopes(cx, &key.user_id, &key.scopes).await?;
    } else {
        check_hands_out(cx, &key.user_id, &key.scopes, &key.may_act_for).await?;
    }
    let overlap = SignedDuration::from_secs(body.overlap_seconds.into());
    cx.note(about(&key));
    match cx.access()?.keys.rotate(key, overlap).await? {
        Ok(secret) => Ok(NewKeyView {
            secret: secret.expose().to_owned(),
            key: get_key(cx, id).await?,
        }),
        Err(changed) => {
            done(changed, "key")?;
            Err(not_found("key"))
        }
    }
}

/// `DELETE /access/keys/:keyId`. Whoever finds a key that leaked ends it, whatever it may do.
pub async fn delete_key(cx: &Cx, id: &KeyId) -> Result<(), Error> {
    if cx.access()?.keys.delete(id).await? {
        Ok(())
    } else {
        Err(not_found("key"))
    }
}

async fn find(cx: &Cx, id: &KeyId) -> Result<ApiKeyRecord, Error> {
    let found = cx.access()?.keys.find(id).await?;
    found.ok_or_else(|| not_found("key"))
}

/// Fails with [`ErrorKind::Forbidden`](ee_core::ErrorKind::Forbidden) unless the caller holds what the key may do, and
/// reaches its owner and everybody for whom it may act: whoever has a key of somebody acts in his name.
async fn check_hands_out(
    cx: &Cx,
    owner: &UserId,
    scopes: &[PermissionPattern],
    may_act_for: &[UserId],
) -> Result<(), Error> {
    for user in std::iter::once(owner).chain(may_act_for) {
        cx.check_reaches(user).await?;
    }
    check_scopes(cx, owner, scopes).await
}

/// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) when somebody is named anew who cannot sign in.
async fn check_exist(cx: &Cx, named: &[UserId], before: &[UserId]) -> Result<(), Error> {
    let users = &cx.access()?.users;
    for user in named.iter().filter(|user| !before.contains(user)) {
        if users.find(user).await?.is_none() {
            let message = format!("`{user}` is nobody who can sign in");
            return Err(Error::invalid_field("mayActFor", message));
        }
    }
    Ok(())
}

async fn check_scopes(cx: &Cx, owner: &UserId, scopes: &[PermissionPattern]) -> Result<(), Error> {
    cx.check_holds(scopes)?;
    let access = cx.access()?;
    let user = access.users.find(owner).await?;
    let user = user.ok_or_else(|| Error::invalid_field("userId", "is nobody who can sign in"))?;
    let held: &PermissionSet = &*access.roles.permissions(&user).await?;
    if let Some(beyond) = scopes.iter().find(|scope| !held.includes(scope)) {
        let message = format!("`{beyond}` is beyond what the owner of the key may do");
        return Err(Error::invalid_field("scopes", message));
    }
    Ok(())
}

fn about(key: &ApiKeyRecord) -> AuditNote {
    let note = AuditNote::about("key", key.id.as_str(), Some(key.name.clone()));
    says(note, &key.user_id, &key.scopes, &key.may_act_for)
}

/// Says what a key may do.
fn says(
    note: AuditNote,
    owner: &UserId,
    scopes: &[PermissionPattern],
    may_act_for: &[UserId],
) -> AuditNote {
    note.with("userId", owner.as_str())
        .with("scopes", texts(scopes))
        .with("mayActFor", texts(may_act_for))
}
