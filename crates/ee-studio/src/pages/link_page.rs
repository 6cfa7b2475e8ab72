use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};

use super::{credentials_form::PASSWORD_HINT, login_frame::login_frame};
use crate::components::{AlertKind, Control, Field, FormErrors, alert, field};
use crate::paths;

/// Where the link of a letter, or of the first start, leads. Its secret stands in the fragment, which no server sees: the
/// script takes it from there into the form, and without a script it is pasted.
#[derive(Clone, Debug, Default)]
pub struct LinkPage {
    /// What the link does.
    pub purpose: LinkPurpose,
    /// The secret of the link, once it is known.
    pub secret: SecretString,
    /// The address of the account: typed before, or that of the invitation.
    pub email: String,
    /// The name typed before.
    pub name: String,
    /// What is wrong with the last attempt.
    pub errors: FormErrors,
}

/// What the link of a letter does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LinkPurpose {
    /// Creates the account of somebody who is invited and knows for which address.
    AcceptInvitation,
    /// Tells whom an invitation is for.
    FindInvitation,
    /// Sets a new password.
    #[default]
    ResetPassword,
    /// Creates the first owner.
    Setup,
    /// Confirms an address.
    VerifyEmail,
}

/// The words of a purpose.
struct Words {
    title: &'static str,
    lead: &'static str,
    action: &'static str,
    button: &'static str,
}

impl LinkPurpose {
    /// The title of the document.
    pub const fn title(self) -> &'static str {
        self.words().title
    }

    const fn words(self) -> Words {
        match self {
            Self::AcceptInvitation => Words {
                title: "Create your account",
                lead: "You are invited. Choose a password, and you are in.",
                action: paths::ACCEPT_INVITATION,
                button: "Create account",
            },
            Self::FindInvitation => Words {
                title: "You are invited",
                lead: "One step to your account: open the invitation.",
                action: paths::FIND_INVITATION,
                button: "Continue",
            },
            Self::ResetPassword => Words {
                title: "Set a new password",
                lead: "Every browser is signed out then, and you sign in with the new password.",
                action: paths::RESET_PASSWORD,
                button: "Set password",
            },
            Self::Setup => Words {
                title: "Create the first owner",
                lead: "This server has no owner yet. Whoever has the link from its console becomes the first one.",
                action: paths::SETUP,
                button: "Create owner",
            },
            Self::VerifyEmail => Words {
                title: "Confirm your address",
                lead: "You have opened the link of a letter. Press the button to show that the address is yours.",
                action: paths::VERIFY_EMAIL,
                button: "Confirm address",
            },
        }
    }
}

/// Renders the page; put it into the bare layout.
pub fn link_page(page: &LinkPage) -> Markup {
    let words = page.purpose.words();
    // Looking at an invitation changes nothing, so the script may do it by itself.
    let sends_itself = page.purpose == LinkPurpose::FindInvitation;
    let content = html! {
        @if let Some(error) = &page.errors.common { (alert(AlertKind::Error, error)) }
        div.login-card {
            p { (words.lead) }
            form.form method="post" action=(words.action) data-link-send[sends_itself] {
                (secret(page))
                @for item in fields(page) { (field(&item)) }
                button.btn.btn--primary.btn--block type="submit" { (words.button) }
            }
        }
        p.login-switch { a href=(paths::LOGIN) { "Go to sign-in" } }
    };
    login_frame(words.title, None, content)
}

fn secret(page: &LinkPage) -> Markup {
    let known = page.secret.expose_secret();
    if !known.is_empty() && !page.errors.is_about("token") {
        return html! { input type="hidden" name="token" value=(known); };
    }
    field(&Field {
        name: "token".to_owned(),
        label: "Code from the link".to_owned(),
        hint: "The whole link, or what stands behind #token= in it.".to_owned(),
        error: page.errors.of("token"),
        required: true,
        autofocus: page.errors.is_about("token"),
        control: Control::LinkSecret,
        ..Field::default()
    })
}

fn fields(page: &LinkPage) -> Vec<Field> {
    let email = |control| Field {
        name: "email".to_owned(),
        label: "Email".to_owned(),
        value: page.email.clone(),
        required: true,
        control,
        ..Field::default()
    };
    let name = || Field {
        name: "name".to_owned(),
        label: "Name".to_owned(),
        value: page.name.clone(),
        hint: "Others see it. It may stay empty.".to_owned(),
        control: Control::PersonName,
        ..Field::default()
    };
    let password = |label: &str| Field {
        name: "password".to_owned(),
        label: label.to_owned(),
        hint: PASSWORD_HINT.to_owned(),
        required: true,
        control: Control::NewPassword,
        ..Field::default()
    };
    let mut fields = match page.purpose {
        LinkPurpose::AcceptInvitation => {
            vec![email(Control::AccountEmail), name(), password("Password")]
        }
        LinkPurpose::FindInvitation | LinkPurpose::VerifyEmail => Vec::new(),
        LinkPurpose::ResetPassword => vec![password("New password")],
        LinkPurpose::Setup => vec![email(Control::Email), name(), password("Password")],
    };
    for field in &mut fields {
        field.error = page.errors.of(&field.name);
    }
    let wrong = fields.iter().position(|field| field.error.is_some());
    let first = wrong.or_else(|| fields.iter().position(is_open));
    if let Some(field) = first.and_then(|place| fields.get_mut(place)) {
        field.autofocus = !page.errors.is_about("token");
    }
    fields
}

/// Tells whether there is something to type: the secret comes by itself.
fn is_open(field: &Field) -> bool {
    field.value.is_empty() && !matches!(field.control, Control::AccountEmail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [LinkPurpose; 5] = [
        LinkPurpose::AcceptInvitation,
        LinkPurpose::FindInvitation,
        LinkPurpose::ResetPassword,
        LinkPurpose::Setup,
        LinkPurpose::VerifyEmail,
    ];

    #[test]
    fn what_came_from_a_form_is_escaped_and_not_printed() {
        let hostile = "\"><script>x</script>".to_owned();
        for purpose in ALL {
            let page = LinkPage {
                purpose,
                secret: hostile.clone().into(),
                email: hostile.clone(),
                name: hostile.clone(),
                errors: FormErrors {
                    common: Some(hostile.clone()),
                    fields: vec![("password".to_owned(), hostile.clone())],
                },
            };
            assert!(!link_page(&page).into_string().contains("<script"));
        }
        let page = LinkPage {
            secret: "s3cr3t".into(),
            ..LinkPage::default()
        };
        assert!(!format!("{page:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_secret_that_is_no_longer_good_is_asked_for_anew() {
        let output = |errors| {
            let page = LinkPage {
                secret: "s3cr3t".into(),
                errors,
                ..LinkPage::default()
            };
            link_page(&page).into_string()
        };
        let refused = FormErrors {
            common: None,
            fields: vec![("token".to_owned(), "Used already.".to_owned())],
        };

        let kept = output(FormErrors::default());
        assert!(kept.contains("type=\"hidden\" name=\"token\" value=\"s3cr3t\""));
        let asked = output(refused);
        assert!(asked.contains("data-link-secret") && !asked.contains("s3cr3t"));
        assert_eq!(asked.matches(" autofocus").count(), 1);
    }

    #[test]
    fn nothing_but_looking_at_an_invitation_is_sent_by_the_script() {
        for purpose in ALL {
            let page = LinkPage {
                purpose,
                ..LinkPage::default()
            };
            let sends = link_page(&page).into_string().contains("data-link-send");
            assert_eq!(sends, purpose == LinkPurpose::FindInvitation);
        }
    }
}
