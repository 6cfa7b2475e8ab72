//! `mastra-ee sessions`.

use anyhow::{Result, ensure};
use ee::{
    AuditAction,
    server::{
        AuditNote,
        access::{self, Listing, SessionName, SessionQuery, SessionView},
    },
    storage::Cursor,
};

use super::{
    operator::Operator,
    output::{Table, moment, or_dash},
};
use crate::{
    args::{SessionsCommand, SessionsToEnd},
    config::SessionKind,
};

pub(super) async fn run(operator: &Operator, command: &SessionsCommand) -> Result<()> {
    ensure!(
        operator.loaded.config.sessions.kind == SessionKind::Store,
        "sessions are not in the store here: that takes `sessions.kind = \"store\"`. \
         `mastra-ee users disable` shuts somebody out whatever holds them"
    );
    match command {
        SessionsCommand::End { which, .. } => end(operator, which).await,
        SessionsCommand::List { user, .. } => {
            let user = match user {
                Some(user) => Some(operator.user_or_gone(user).await?),
                None => None,
            };
            let sessions = operator
                .all(async |cursor| {
                    let query = SessionQuery {
                        cursor,
                        limit: Some(Cursor::MAX_LIMIT),
                        user_id: user.clone(),
                    };
                    access::list_sessions(&operator.cx, query).await
                })
                .await?;
            operator.show(&sessions, table)
        }
    }
}

fn table(sessions: &Listing<SessionView>) -> String {
    let rows = sessions.items.iter().map(|session| {
        [
            session.id.clone(),
            session.user_id.to_string(),
            or_dash(session.device.as_deref()),
            or_dash(session.address),
            moment(session.created_at),
            moment(session.last_seen_at),
        ]
    });
    Table::new(
        ["ID", "USER", "DEVICE", "ADDRESS", "CREATED", "LAST SEEN"],
        rows,
    )
    .to_string()
}

async fn end(operator: &Operator, which: &SessionsToEnd) -> Result<()> {
    let action = AuditAction::SESSION_END;
    let ended = match which {
        SessionsToEnd {
            user: Some(user), ..
        } => {
            let user = operator.user_or_gone(user).await?;
            let about = AuditNote::about("user", user.as_str(), None);
            let end = access::end_sessions(&operator.cx, &user);
            operator.change(action, about, end).await?
        }
        SessionsToEnd {
            session: Some(session),
            ..
        } => {
            let name = SessionName::try_from(session.clone())?;
            let about = AuditNote::about("session", session.as_str(), None);
            let end = access::end_session(&operator.cx, name);
            operator.change(action, about, end).await?
        }
        SessionsToEnd {
            session: None,
            user: None,
        } => anyhow::bail!("name a session, or a user with `--user`"),
    };
    operator.show(&ended, |it| match it.ended {
        1 => "1 session is ended".to_owned(),
        count => format!("{count} sessions are ended"),
    })
}
