use maud::{Markup, html};

use crate::Icon;
use crate::components::{Theme, theme_switch, user_avatar};
use crate::paths;

/// A person as the menu shows them.
#[derive(Clone, Debug, Default)]
pub struct UserCard {
    /// The id; only its colour is shown.
    pub id: String,
    /// The name, empty when unknown.
    pub name: String,
    /// The e-mail address, empty when unknown.
    pub email: String,
    /// A picture; one of another origin is not shown.
    pub avatar_url: Option<String>,
    /// The names of the person's roles.
    pub roles: Vec<String>,
}

impl UserCard {
    /// The name, else the e-mail address, else the id.
    pub fn display_name(&self) -> &str {
        [&self.name, &self.email, &self.id]
            .into_iter()
            .find(|text| !text.trim().is_empty())
            .map_or("Unknown user", String::as_str)
    }
}

/// Renders the menu of the person who has signed in.
pub fn user_menu(user: &UserCard, theme: Theme, current_path: &str) -> Markup {
    html! {
        details.menu {
            summary.menu-button aria-label=(format!("User menu of {}", user.display_name())) {
                (user_avatar(user))
                span.menu-name { (user.display_name()) }
                (Icon::ChevronsUpDown)
            }
            div.menu-panel {
                div.menu-user {
                    (user_avatar(user))
                    div {
                        p.menu-user-name { (user.display_name()) }
                        @if !user.email.is_empty() && user.display_name() != user.email {
                            p.menu-user-email { (user.email) }
                        }
                    }
                }
                @if !user.roles.is_empty() {
                    ul.badge-row aria-label="Roles" {
                        @for role in &user.roles { li.badge { (role) } }
                    }
                }
                a.menu-item href=(paths::ACCOUNT) { (Icon::User) "Account" }
                div.menu-row { span { "Theme" } (theme_switch(theme, current_path)) }
                form method="post" action=(paths::LOGOUT) {
                    button.menu-item type="submit" { (Icon::SignOut) "Sign out" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_sign_out_is_a_post() {
        let user = UserCard {
            name: "<script>x</script>".to_owned(),
            roles: vec!["<b>owner".to_owned()],
            ..UserCard::default()
        };

        let output = user_menu(&user, Theme::Dark, "/studio/agents").into_string();

        assert!(!output.contains("<script") && !output.contains("<b>"));
        assert!(output.contains("<form method=\"post\" action=\"/studio/logout\">"));
    }
}
