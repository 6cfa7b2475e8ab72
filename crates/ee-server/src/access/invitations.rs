use ee_core::{Error, Invitation, Invite, RoleId, TokenId, UserId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Listing, Part, cursor, listing, not_found,
    users::{check_roles_exist, names},
};
use crate::{AuditNote, Cx, account::invitations};

/// An invitation that nobody has accepted. Its secret is in the letter alone.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvitationView {
    /// What it is named by.
    #[schemars(with = "String")]
    pub id: TokenId,
    /// Who is invited.
    pub email: String,
    /// The roles that he will have.
    pub roles: Vec<RoleId>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was sent.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it ends.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            roles: invitation.roles,
            created_by: invitation.created_by,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

/// Body of `POST /access/invitations`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct InviteBody {
    /// Who is invited.
    pub email: String,
    /// Roles that he has from the start.
    #[serde(default)]
    pub roles: Vec<RoleId>,
}

/// `GET /access/invitations`.
pub async fn list_invitations(cx: &Cx, part: Part) -> Result<Listing<InvitationView>, Error> {
    let cursor = cursor(part.cursor.as_deref(), part.limit)?;
    let part = invitations(cx)?.invitations(&cursor).await?;
    Ok(listing(part, InvitationView::from))
}

/// `POST /access/invitations`.
pub async fn invite(cx: &Cx, body: InviteBody) -> Result<InvitationView, Error> {
    let invitations = invitations(cx)?;
    check_roles_exist(cx, &body.roles).await?;
    cx.check_holds_roles(&body.roles).await?;
    let note_roles = names(&body.roles);
    let invite = Invite {
        email: body.email,
        roles: body.roles,
    };
    let invitation = invitations.invite(invite, cx.by()).await?;
    let note = AuditNote::about(
        "invitation",
        invitation.id.as_str(),
        Some(invitation.email.clone()),
    )
    .with("roles", note_roles);
    cx.note(note);
    Ok(invitation.into())
}

/// `DELETE /access/invitations/:invitationId`.
pub async fn revoke_invitation(cx: &Cx, id: &TokenId) -> Result<(), Error> {
    if invitations(cx)?.revoke_invitation(id).await? {
        Ok(())
    } else {
        Err(not_found("invitation"))
    }
}
