use maud::{Markup, html};

use crate::components::{
    LoginButton, Theme, UserCard, Weight, login_button, theme_switch, user_menu,
};

/// Who is looking at a page.
#[derive(Clone, Debug, Default)]
pub enum AuthStatus {
    /// Authentication is switched off; there is nobody to show.
    #[default]
    Disabled,
    /// A person who has signed in.
    SignedIn(UserCard),
    /// Nobody, and this is the way in.
    SignedOut(LoginButton),
}

/// Renders the user menu, the way to sign in, or the theme switch alone.
pub fn auth_status(status: &AuthStatus, theme: Theme, current_path: &str) -> Markup {
    html! {
        @match status {
            AuthStatus::Disabled => (theme_switch(theme, current_path)),
            AuthStatus::SignedIn(user) => (user_menu(user, theme, current_path)),
            AuthStatus::SignedOut(button) => {
                (theme_switch(theme, current_path))
                (login_button(button, Weight::Plain))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_authentication_there_is_no_user_menu() {
        let output = auth_status(&AuthStatus::Disabled, Theme::System, "/").into_string();

        assert!(!output.contains("Sign out") && !output.contains("Sign in"));
    }
}
