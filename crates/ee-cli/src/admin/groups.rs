//! `mastra-ee groups`.

use anyhow::Result;
use ee::{
    AuditAction, GroupId, UserId,
    server::{
        AuditNote,
        access::{self, GroupBody, GroupView, Listing, MemberBody, Part, Success},
    },
    storage::Cursor,
};

use super::{
    operator::Operator,
    output::{Table, moment, or_dash},
};
use crate::args::GroupsCommand;

pub(super) async fn run(operator: &Operator, command: &GroupsCommand) -> Result<()> {
    match command {
        GroupsCommand::Add { group, user, .. } => {
            operator.check_group(group).await?;
            let user_id = operator.user(user).await?;
            let about = about(group, &user_id);
            let add = access::add_member(&operator.cx, group, MemberBody { user_id });
            let body = operator
                .change(AuditAction::GROUP_ADD_MEMBER, about, add)
                .await?;
            operator.show(&body, |it| format!("{} is in {group}", it.user_id))
        }
        GroupsCommand::Create {
            group,
            name,
            description,
            ..
        } => {
            let body = GroupBody {
                id: Some(group.clone()),
                name: name.clone().unwrap_or_else(|| group.to_string()),
                description: description.clone(),
            };
            let about = AuditNote::about("group", group.as_str(), None);
            let create = access::create_group(&operator.cx, body);
            let view = operator
                .change(AuditAction::GROUP_CREATE, about, create)
                .await?;
            operator.show(&view, |it| format!("group {} is created", it.id))
        }
        GroupsCommand::Delete { group, .. } => delete(operator, group).await,
        GroupsCommand::List { .. } => {
            let groups = operator
                .all(async |cursor| access::list_groups(&operator.cx, part(cursor)).await)
                .await?;
            operator.show(&groups, table)
        }
        GroupsCommand::Members { group, .. } => {
            operator.check_group(group).await?;
            let members = operator
                .all(async |cursor| access::members(&operator.cx, group, part(cursor)).await)
                .await?;
            operator.show(&members, |members| {
                let rows = members.items.iter().map(|it| [it.user_id.to_string()]);
                Table::new(["USER"], rows).to_string()
            })
        }
        GroupsCommand::Remove { group, user, .. } => {
            operator.check_group(group).await?;
            let user = operator.user_or_gone(user).await?;
            let remove = async {
                access::remove_member(&operator.cx, group, &user).await?;
                Ok(Success { success: true })
            };
            let done = operator
                .change(
                    AuditAction::GROUP_REMOVE_MEMBER,
                    about(group, &user),
                    remove,
                )
                .await?;
            operator.show(&done, |_| format!("{user} is in {group} no more"))
        }
    }
}

fn about(group: &GroupId, user: &UserId) -> AuditNote {
    AuditNote::about("group", group.as_str(), None).with("userId", user.as_str())
}

fn part(cursor: Option<String>) -> Part {
    Part {
        cursor,
        limit: Some(Cursor::MAX_LIMIT),
    }
}

fn table(groups: &Listing<GroupView>) -> String {
    let rows = groups.items.iter().map(|group| {
        [
            group.id.to_string(),
            group.name.clone(),
            or_dash(group.description.as_deref()),
            moment(group.created_at),
        ]
    });
    Table::new(["ID", "NAME", "DESCRIPTION", "CREATED"], rows).to_string()
}

async fn delete(operator: &Operator, group: &GroupId) -> Result<()> {
    operator.check_group(group).await?;
    let delete = operator.again_if_stale(async || {
        let version = access::get_group(&operator.cx, group).await?.version;
        access::delete_group(&operator.cx, group, version).await?;
        Ok(Success { success: true })
    });
    let about = AuditNote::about("group", group.as_str(), None);
    let done = operator
        .change(AuditAction::GROUP_DELETE, about, delete)
        .await?;
    operator.show(&done, |_| format!("group {group} is deleted"))
}
