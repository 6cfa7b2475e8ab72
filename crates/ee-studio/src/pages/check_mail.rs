use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::{Icon, paths};

/// A letter that may be on its way.
#[derive(Clone, Debug, Default)]
pub struct CheckMail {
    /// Where to, as it was typed.
    pub email: String,
    /// What its link does.
    pub purpose: LetterPurpose,
}

/// What the link of a letter does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LetterPurpose {
    /// It sets a new password.
    #[default]
    ResetPassword,
    /// It finishes a sign-up.
    SignUp,
}

/// Renders what to do next. The page is the same whether there is an account or not.
pub fn check_mail(letter: &CheckMail) -> Markup {
    let text = html! {
        @match letter.purpose {
            LetterPurpose::ResetPassword => {
                p {
                    "If there is an account with " strong { (letter.email) }
                    ", a letter is on its way there. Its link sets a new password; it works once and for a short time."
                }
            }
            LetterPurpose::SignUp => {
                p {
                    "A letter is on its way to " strong { (letter.email) }
                    ". Its link confirms that the address is yours and finishes your account."
                }
            }
        }
        p.muted { "Nothing there after a few minutes? Look among the junk mail, and see whether the address is right." }
    };
    let actions = html! { a.btn href=(paths::LOGIN) { "Back to sign-in" } };
    status_page(
        Icon::Mail,
        Tone::Neutral,
        "Check your mail",
        &text,
        &actions,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_a_strangers_text() {
        for purpose in [LetterPurpose::ResetPassword, LetterPurpose::SignUp] {
            let letter = CheckMail {
                email: "<script>x</script>".to_owned(),
                purpose,
            };
            assert!(!check_mail(&letter).into_string().contains("<script"));
        }
    }
}
