//! `mastra-ee grants`.

use anyhow::Result;
use ee::{
    AclGrant, AclSubject, AuditAction,
    server::{
        AuditNote, Object,
        access::{self, GrantBody, GrantQuery, Listing, ResourceBody, RevokeQuery, SubjectBody},
    },
    storage::{Cursor, Effect},
};
use jiff::SignedDuration;

use super::{
    operator::Operator,
    output::{Table, joined, moment, or_dash},
    users::word,
};
use crate::args::{GrantsCommand, GrantsOf, Thing};

pub(super) async fn run(operator: &Operator, command: &GrantsCommand) -> Result<()> {
    match command {
        GrantsCommand::Add {
            subject,
            resource,
            actions,
            deny,
            expires_in,
            ..
        } => {
            let subject = operator.subject(subject).await?;
            let about = about(&subject, resource);
            let body = body(operator, subject, resource, actions, *deny, *expires_in)?;
            let add = access::grant(&operator.cx, body);
            let grant = operator
                .change(AuditAction::GRANT_CREATE, about, add)
                .await?;
            operator.show(&grant, sentence)
        }
        GrantsCommand::List { of, .. } => list(operator, of).await,
        GrantsCommand::Remove {
            subject,
            resource,
            actions,
            deny,
            ..
        } => {
            let subject = operator.subject_or_gone(subject).await?;
            let query = RevokeQuery {
                actions: (!actions.is_empty()).then(|| actions.join(",")),
                effect: effect(*deny),
                resource_id: resource.id.clone(),
                resource_type: resource.kind.clone(),
                subject: subject.to_string(),
            };
            let remove = access::revoke(&operator.cx, query);
            let about = about(&subject, resource);
            let revoked = operator
                .change(AuditAction::GRANT_DELETE, about, remove)
                .await?;
            operator.show(&revoked, |it| match it.revoked {
                1 => "1 action is taken back".to_owned(),
                count => format!("{count} actions are taken back"),
            })
        }
    }
}

fn effect(deny: bool) -> Effect {
    if deny { Effect::Deny } else { Effect::Allow }
}

fn about(subject: &AclSubject, thing: &Thing) -> AuditNote {
    let thing = format!("{}:{}", thing.kind, thing.id);
    AuditNote::about("grant", thing, None).with("subject", subject.to_string())
}

fn body(
    operator: &Operator,
    subject: AclSubject,
    thing: &Thing,
    actions: &[String],
    deny: bool,
    expires_in: Option<SignedDuration>,
) -> Result<GrantBody> {
    let (kind, id) = match subject {
        AclSubject::Group(id) => ("group", id.to_string()),
        AclSubject::Role(id) => ("role", id.to_string()),
        AclSubject::User(id) => ("user", id.to_string()),
    };
    Ok(GrantBody {
        subject: Object(SubjectBody {
            kind: kind.to_owned(),
            id,
        }),
        resource: Object(ResourceBody {
            kind: thing.kind.clone(),
            id: thing.id.clone(),
        }),
        actions: actions.to_vec(),
        effect: effect(deny),
        expires_at: expires_in.map(|it| operator.after(it)).transpose()?,
    })
}

async fn list(operator: &Operator, of: &GrantsOf) -> Result<()> {
    let subject = match of {
        GrantsOf {
            user: Some(user), ..
        } => Some(AclSubject::User(operator.user_or_gone(user).await?)),
        GrantsOf {
            role: Some(role), ..
        } => Some(AclSubject::Role(role.clone())),
        GrantsOf {
            group: Some(group), ..
        } => Some(AclSubject::Group(group.clone())),
        _ => None,
    };
    let subject = subject.map(|subject| subject.to_string());
    let thing = of.resource.as_ref();
    let grants = operator
        .all(async |cursor| {
            let query = GrantQuery {
                cursor,
                limit: Some(Cursor::MAX_LIMIT),
                resource_id: thing.map(|it| it.id.clone()),
                resource_type: thing.map(|it| it.kind.clone()),
                subject: subject.clone(),
            };
            access::list_grants(&operator.cx, query).await
        })
        .await?;
    operator.show(&grants, table)
}

fn table(grants: &Listing<AclGrant>) -> String {
    let rows = grants.items.iter().map(|grant| {
        [
            grant.subject.to_string(),
            word(&grant.effect),
            joined(&grant.actions),
            format!("{}:{}", grant.resource.kind, grant.resource.id),
            or_dash(grant.expires_at.map(moment)),
        ]
    });
    Table::new(
        ["SUBJECT", "EFFECT", "ACTIONS", "RESOURCE", "EXPIRES"],
        rows,
    )
    .to_string()
}

fn sentence(grant: &AclGrant) -> String {
    let may = match grant.effect {
        Effect::Deny => "may not",
        Effect::Allow => "may",
    };
    let end = grant
        .expires_at
        .map_or_else(String::new, |end| format!(" until {}", moment(end)));
    format!(
        "{} {may} {} {}:{}{end}",
        grant.subject,
        joined(&grant.actions),
        grant.resource.kind,
        grant.resource.id
    )
}
