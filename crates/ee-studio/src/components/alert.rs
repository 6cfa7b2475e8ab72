use maud::{Markup, html};

use crate::Icon;

/// How serious an alert is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AlertKind {
    /// Something went wrong.
    Error,
    /// Something to know.
    Info,
    /// Something that was done.
    Success,
    /// Something to be careful about.
    Warning,
}

/// A message about what has happened before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// How serious it is.
    pub kind: AlertKind,
    /// What to say.
    pub text: String,
}

impl Notice {
    /// Something to know.
    pub fn info(text: impl Into<String>) -> Self {
        Self {
            kind: AlertKind::Info,
            text: text.into(),
        }
    }

    /// Something that was done.
    pub fn success(text: impl Into<String>) -> Self {
        Self {
            kind: AlertKind::Success,
            text: text.into(),
        }
    }
}

/// Renders a message beside the thing it is about. Errors are announced at once.
pub fn alert(kind: AlertKind, text: &str) -> Markup {
    let (class, role, icon) = match kind {
        AlertKind::Error => ("alert alert--danger", "alert", Icon::Error),
        AlertKind::Info => ("alert alert--info", "status", Icon::Info),
        AlertKind::Success => ("alert alert--success", "status", Icon::Success),
        AlertKind::Warning => ("alert alert--warning", "status", Icon::Warning),
    };
    html! {
        div class=(class) role=(role) { (icon) p { (text) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let output = alert(AlertKind::Error, "<script>x</script>").into_string();

        assert!(output.contains("&lt;script&gt;") && !output.contains("<script"));
    }
}
