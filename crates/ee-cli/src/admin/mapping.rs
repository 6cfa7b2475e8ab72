//! `mastra-ee roles mapping`: what the roles of identity providers stand for.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use ee::{
    AuditAction, RoleId,
    server::{
        AuditNote,
        access::{self, MappingBody},
    },
};

use super::{
    operator::Operator,
    output::{Table, joined},
};
use crate::args::MappingCommand;

pub(super) async fn run(operator: &Operator, command: &MappingCommand) -> Result<()> {
    match command {
        MappingCommand::Set {
            provider_role,
            roles,
            ..
        } => {
            operator.check_roles(roles).await?;
            change(operator, provider_role, |mapping| {
                mapping.insert(provider_role.clone(), roles.clone());
            })
            .await
        }
        MappingCommand::Show { .. } => {
            let (mapping, _) = access::mapping(&operator.cx).await?;
            operator.show(&mapping, table)
        }
        MappingCommand::Unset { provider_role, .. } => {
            let (before, _) = access::mapping(&operator.cx).await?;
            ensure!(
                before.mapping.contains_key(provider_role),
                "`{provider_role}` stands for nothing already"
            );
            change(operator, provider_role, |mapping| {
                mapping.remove(provider_role);
            })
            .await
        }
    }
}

async fn change(
    operator: &Operator,
    provider_role: &RoleId,
    edit: impl Fn(&mut BTreeMap<RoleId, Vec<RoleId>>),
) -> Result<()> {
    let set = operator.again_if_stale(async || {
        let (mut body, revision) = access::mapping(&operator.cx).await?;
        edit(&mut body.mapping);
        let (mapping, _) = access::set_mapping(&operator.cx, revision, body).await?;
        Ok(mapping)
    });
    let about = AuditNote::about("role-mapping", "roles", None)
        .with("providerRole", provider_role.as_str());
    let mapping = operator
        .change(AuditAction::ROLE_MAPPING, about, set)
        .await?;
    operator.show(&mapping, table)
}

fn table(body: &MappingBody) -> String {
    let rows = body.mapping.iter();
    let rows = rows.map(|(provider_role, roles)| [provider_role.to_string(), joined(roles)]);
    Table::new(["PROVIDER ROLE", "ROLES"], rows).to_string()
}
