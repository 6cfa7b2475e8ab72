use std::net::IpAddr;

use ee_core::{Error, ErrorKind, TokenHash, UserId, storage::SessionRecord};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, Part, cursor, listing, not_found};
use crate::{AuditNote, Cx};

/// A session, without what continues it.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Names the session to those who administer it; nobody can continue it with that.
    pub id: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// A browser and its system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Where it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub address: Option<IpAddr>,
    /// When it was begun.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    #[schemars(with = "String")]
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// Query of the list of sessions.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionQuery {
    /// What `nextCursor` was for the part before.
    pub cursor: Option<String>,
    /// Most rows.
    pub limit: Option<u32>,
    /// Of this user.
    pub user_id: Option<UserId>,
}

/// Names a session to those who administer it. Nobody can continue it with that.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionName(TokenHash);

impl TryFrom<String> for SessionName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let hash = TokenHash::from_text(&text);
        hash.map(Self)
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "a session id has 43 characters"))
    }
}

/// How many sessions were ended.
#[derive(Debug, JsonSchema, Serialize)]
pub struct EndedSessions {
    /// How many.
    pub ended: u64,
}

/// `GET /access/sessions`.
pub async fn list_sessions(cx: &Cx, query: SessionQuery) -> Result<Listing<SessionView>, Error> {
    let cursor = cursor(query.cursor.as_deref(), query.limit)?;
    let sessions = &cx.access()?.sessions;
    let part = sessions.list(query.user_id.as_ref(), &cursor).await?;
    let (now, current) = (cx.now(), current(cx));
    let mut list = listing(part, |record| (record.is_live(now), view(record, current)));
    list.items.retain(|(is_live, _)| *is_live);
    Ok(Listing {
        items: list.items.into_iter().map(|(_, view)| view).collect(),
        next_cursor: list.next_cursor,
    })
}

/// `DELETE /access/sessions/:sessionId`. Anybody's: to sign somebody out takes nothing from him.
pub async fn end_session(cx: &Cx, id: SessionName) -> Result<EndedSessions, Error> {
    let sessions = &cx.access()?.sessions;
    let record = sessions.find(&id.0).await?;
    let record = record.ok_or_else(|| not_found("session"))?;
    sessions.delete(&id.0).await?;
    Ok(ended(cx, &record.user_id, 1))
}

/// `DELETE /access/sessions`: all sessions of a user.
pub async fn end_sessions(cx: &Cx, user: &UserId) -> Result<EndedSessions, Error> {
    let count = cx.access()?.sessions.delete_for_user(user, None).await?;
    Ok(ended(cx, user, count))
}

/// `GET /auth/sessions`: the caller's own.
pub async fn my_sessions(cx: &Cx, part: Part) -> Result<Listing<SessionView>, Error> {
    cx.access()?;
    let query = SessionQuery {
        cursor: part.cursor,
        limit: part.limit,
        user_id: Some(myself(cx)?.clone()),
    };
    list_sessions(cx, query).await
}

/// `DELETE /auth/sessions/:sessionId`: one of the caller's own. Those of others do not exist here.
pub async fn end_my_session(cx: &Cx, id: SessionName) -> Result<EndedSessions, Error> {
    let sessions = &cx.access()?.sessions;
    let user = myself(cx)?;
    let record = sessions.find(&id.0).await?;
    if record.is_none_or(|record| record.user_id != *user) {
        return Err(not_found("session"));
    }
    sessions.delete(&id.0).await?;
    Ok(ended(cx, user, 1))
}

/// `DELETE /auth/sessions`: the caller's own but the one that asks.
pub async fn end_my_other_sessions(cx: &Cx) -> Result<EndedSessions, Error> {
    let sessions = &cx.access()?.sessions;
    let user = myself(cx)?;
    let count = sessions.delete_for_user(user, current(cx).as_ref()).await?;
    Ok(ended(cx, user, count))
}

/// Whoever is narrowed down, by the scopes of a key, does not act for the whole person.
fn myself(cx: &Cx) -> Result<&UserId, Error> {
    let user = &cx.user()?.id;
    if cx
        .identity()
        .is_some_and(|identity| !identity.limits.is_empty())
    {
        let message = "a key or a preview does not reach the sessions of its user";
        return Err(Error::new(ErrorKind::Forbidden, message));
    }
    Ok(user)
}

fn current(cx: &Cx) -> Option<TokenHash> {
    let session = cx.identity()?.session.as_ref()?;
    Some(session.id.hash())
}

fn view(record: SessionRecord, current: Option<TokenHash>) -> SessionView {
    SessionView {
        id: record.hash.to_text(),
        is_current: current.is_some_and(|hash| record.is_named(&hash)),
        device: record.device,
        address: record.address,
        created_at: record.created_at,
        last_seen_at: record.last_seen_at,
        expires_at: record.idle_until.min(record.absolute_until),
        user_id: record.user_id,
    }
}

fn ended(cx: &Cx, user: &UserId, count: u64) -> EndedSessions {
    cx.note(AuditNote::about("user", user.as_str(), None).with("ended", count));
    EndedSessions { ended: count }
}
