use maud::{Markup, html};

/// One labelled field of a form.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// The name that the form sends, also used as the id.
    pub name: String,
    /// The visible label.
    pub label: String,
    /// The present value; never sent back for passwords.
    pub value: String,
    /// A remark under the label.
    pub hint: String,
    /// What is wrong with the value, if anything.
    pub error: Option<String>,
    /// Whether the browser insists on a value.
    pub required: bool,
    /// Whether the field takes the focus when the page opens.
    pub autofocus: bool,
    /// The kind of control.
    pub control: Control,
}

/// The kind of control of a [`Field`].
#[derive(Clone, Debug, Default)]
pub enum Control {
    /// The e-mail address that an account is about to get or has: shown and sent, not changed.
    AccountEmail,
    /// Many lines in a fixed-width face.
    Code {
        /// The height in lines.
        rows: u8,
    },
    /// An e-mail address.
    Email,
    /// A password of an existing account.
    CurrentPassword,
    /// The secret of a link, which the script takes from the address; never sent back.
    LinkSecret,
    /// A password to be chosen.
    NewPassword,
    /// The digits that an authenticator shows; never sent back.
    OneTimeCode,
    /// The name of whoever fills in the form.
    PersonName,
    /// A value that is shown and sent but not changed.
    ReadOnly,
    /// One of the codes for the day when the authenticator is lost; never sent back.
    RecoveryCode,
    /// One line of text with suggestions.
    Suggest {
        /// What the browser offers.
        options: Vec<String>,
    },
    /// One line of text.
    #[default]
    Text,
    /// Many lines of text.
    TextArea {
        /// The height in lines.
        rows: u8,
    },
}

/// Renders a label, a control, its hint and its error, tied together by ids.
pub fn field(field: &Field) -> Markup {
    let hint_id = format!("{}-hint", field.name);
    let error_id = format!("{}-error", field.name);
    let described: Vec<&str> = [
        field.error.is_some().then_some(error_id.as_str()),
        (!field.hint.is_empty()).then_some(hint_id.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    html! {
        div.field {
            label for=(field.name) {
                (field.label)
            }
            @if !field.hint.is_empty() {
                p.field-hint id=(hint_id) { (field.hint) }
            }
            (control(field, described.as_deref()))
            @if let Some(error) = &field.error {
                p.field-error id=(error_id) { (crate::Icon::Error) span { (error) } }
            }
        }
    }
}

fn control(field: &Field, described: Option<&str>) -> Markup {
    let invalid = field.error.as_ref().map(|_| "true");
    match &field.control {
        Control::TextArea { rows } | Control::Code { rows } => {
            let code = matches!(field.control, Control::Code { .. });
            html! {
                textarea.input.input--code[code] id=(field.name) name=(field.name) rows=(rows)
                    required[field.required] autofocus[field.autofocus]
                    spellcheck=[code.then_some("false")]
                    aria-invalid=[invalid] aria-describedby=[described] {
                    // The parser drops one newline after the tag.
                    "\n" (field.value)
                }
            }
        }
        other => {
            let (kind, autocomplete) = kind_of(other);
            let value = (!is_secret(other)).then_some(field.value.as_str());
            let is_typed_off = matches!(
                other,
                Control::LinkSecret | Control::OneTimeCode | Control::RecoveryCode
            );
            let options = match other {
                Control::Suggest { options } => options.as_slice(),
                _ => &[],
            };
            let list_id = (!options.is_empty()).then(|| format!("{}-options", field.name));
            html! {
                input.input.input--code[is_typed_off] id=(field.name) name=(field.name) type=(kind)
                    value=[value] autocomplete=(autocomplete) list=[list_id.as_deref()]
                    inputmode=[matches!(other, Control::OneTimeCode).then_some("numeric")]
                    autocapitalize=[is_typed_off.then_some("none")]
                    spellcheck=[is_typed_off.then_some("false")]
                    data-link-secret[matches!(other, Control::LinkSecret)]
                    required[field.required] autofocus[field.autofocus]
                    readonly[matches!(other, Control::AccountEmail | Control::ReadOnly)]
                    aria-invalid=[invalid] aria-describedby=[described];
                @if let Some(list_id) = list_id {
                    datalist id=(list_id) {
                        @for option in options { option value=(option) {} }
                    }
                }
            }
        }
    }
}

/// Returns `type` and `autocomplete` of an `<input>`.
fn kind_of(control: &Control) -> (&'static str, &'static str) {
    match control {
        Control::AccountEmail | Control::Email => ("email", "username"),
        Control::CurrentPassword => ("password", "current-password"),
        Control::NewPassword => ("password", "new-password"),
        Control::OneTimeCode => ("text", "one-time-code"),
        Control::PersonName => ("text", "name"),
        _ => ("text", "off"),
    }
}

/// Tells whether what was typed is never written into a page.
fn is_secret(control: &Control) -> bool {
    matches!(
        control,
        Control::CurrentPassword
            | Control::LinkSecret
            | Control::NewPassword
            | Control::OneTimeCode
            | Control::RecoveryCode
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_error_and_hint_are_tied_to_the_control() {
        let output = field(&Field {
            name: "model".to_owned(),
            label: "Model".to_owned(),
            hint: "provider/name".to_owned(),
            error: Some("unknown provider".to_owned()),
            ..Field::default()
        })
        .into_string();

        assert!(output.contains("<label for=\"model\">"));
        assert!(output.contains("aria-describedby=\"model-error model-hint\""));
        assert!(output.contains("aria-invalid=\"true\""));
    }

    #[test]
    fn values_are_escaped_and_secrets_never_sent_back() {
        let hostile = "\"><script>x</script>".to_owned();
        let text = Field {
            value: hostile.clone(),
            ..Field::default()
        };
        let area = Field {
            control: Control::TextArea { rows: 3 },
            value: "</textarea><script>x</script>".to_owned(),
            ..Field::default()
        };

        assert!(!field(&text).into_string().contains("<script"));
        assert!(!field(&area).into_string().contains("<script"));
        for control in [
            Control::CurrentPassword,
            Control::LinkSecret,
            Control::NewPassword,
            Control::OneTimeCode,
            Control::RecoveryCode,
        ] {
            let secret = Field {
                control,
                value: hostile.clone(),
                ..Field::default()
            };
            assert!(!field(&secret).into_string().contains("value="));
        }
    }
}
