use maud::{Markup, html};

use crate::{Icon, paths};

/// The colours that a person has chosen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Theme {
    /// Dark ground.
    Dark,
    /// Light ground.
    Light,
    /// What the operating system says.
    #[default]
    System,
}

impl Theme {
    const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The value in the form and in the cookie.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::System => "system",
        }
    }

    /// Reads a form or cookie value; anything unknown follows the system.
    pub fn from_value(value: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|theme| theme.as_str() == value)
            .unwrap_or_default()
    }

    /// The value of `data-theme`, absent when the system decides.
    pub(crate) fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then_some(self.as_str())
    }

    const fn label(self) -> (&'static str, Icon) {
        match self {
            Self::Dark => ("Dark", Icon::Dark),
            Self::Light => ("Light", Icon::Light),
            Self::System => ("System", Icon::System),
        }
    }
}

/// Renders the choice of theme as a form of three buttons.
pub fn theme_switch(theme: Theme, current_path: &str) -> Markup {
    html! {
        form.theme-switch method="post" action=(paths::THEME) data-theme-switch
            aria-label="Theme" {
            input type="hidden" name="redirect" value=(current_path);
            @for choice in Theme::ALL {
                @let (label, icon) = choice.label();
                button type="submit" name="theme" value=(choice.as_str()) title=(label)
                    aria-pressed=(choice == theme) {
                    (icon) span.sr-only { (label) " theme" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_through_the_cookie() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_value(theme.as_str()), theme);
        }
        assert_eq!(Theme::from_value("\"><script>"), Theme::System);
    }
}
