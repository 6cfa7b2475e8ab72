use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::{Icon, paths};

/// A refused permission (403).
#[derive(Clone, Debug, Default)]
pub struct PermissionDenied {
    /// What was asked for, e.g. "the agent Support".
    pub resource: String,
    /// The permission that is missing, e.g. `agents:write`.
    pub permission: String,
    /// The roles of the person, to tell the administrator.
    pub roles: Vec<String>,
}

/// Renders the page for a refused permission.
pub fn permission_denied(denied: &PermissionDenied) -> Markup {
    let text = html! {
        p { "Your roles do not permit this on " strong { (denied.resource) } "." }
        dl.facts {
            div { dt { "Missing permission" } dd { code { (denied.permission) } } }
            @if !denied.roles.is_empty() {
                div { dt { "Your roles" } dd { (denied.roles.join(", ")) } }
            }
        }
        p.muted { "An administrator can grant it with a role or for this resource alone." }
    };
    let actions = html! { a.btn href=(paths::BASE) { "Go to the first page" } };
    status_page(
        Icon::Denied,
        Tone::Danger,
        "Permission denied",
        &text,
        &actions,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_resource_and_the_permission() {
        let output = permission_denied(&PermissionDenied {
            resource: "<b>agent".to_owned(),
            permission: "agents:write".to_owned(),
            roles: vec!["viewer".to_owned()],
        })
        .into_string();

        assert!(output.contains("&lt;b&gt;agent") && output.contains("agents:write"));
        assert!(output.contains("viewer"));
    }
}
