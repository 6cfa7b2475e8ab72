//! The second step of a sign-in, and where the links of letters lead.

use ee_studio::components::{Authenticator, FormErrors};
use ee_studio::layout::Section;
use ee_studio::pages::{
    CheckMail, FactorStep, ForgotPage, LetterPurpose, LinkPage, LinkPurpose, SecondFactorPage,
    StepUp, WaitingSignIn, check_mail, forgot_page, link_page, second_factor_page, step_up,
};

use super::{Sample, bare, page, s};

/// What an authenticator is told; nobody's.
pub(super) fn told() -> Authenticator {
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let uri = format!(
        "otpauth://totp/agents.example.com:ada%40example.org?secret={secret}&issuer=agents.example.com&algorithm=SHA1&digits=6&period=30"
    );
    Authenticator::from_uri(&uri).unwrap_or_default()
}

fn wrong(field: &str, text: &str) -> FormErrors {
    FormErrors {
        common: None,
        fields: vec![(s(field), s(text))],
    }
}

pub(super) fn links() -> Vec<Sample> {
    let step = |step, errors| {
        second_factor_page(&SecondFactorPage {
            waiting: WaitingSignIn {
                has_recovery_codes: true,
                redirect: s("/studio/workflows"),
                token: "nobodys-token".into(),
                ..WaitingSignIn::default()
            },
            step,
            errors,
        })
    };
    let link = |purpose, secret: &str, errors| {
        link_page(&LinkPage {
            purpose,
            secret: secret.into(),
            email: s("ada@example.org"),
            name: s("Ada"),
            errors,
        })
    };
    let none = FormErrors::default;
    let refused = "The code is wrong, or the sign-in took too long.";
    let used = "This link was used already or is no longer valid.";
    let short = "Must have at least 15 characters. Is one of the most common passwords.";
    let letter = |purpose| {
        check_mail(&CheckMail {
            email: s("ada@example.org"),
            purpose,
        })
    };
    vec![
        bare("second-factor", step(FactorStep::Code, none())),
        bare(
            "second-factor-wrong",
            step(FactorStep::Code, wrong("code", refused)),
        ),
        bare(
            "second-factor-recovery",
            step(FactorStep::Code, wrong("recovery_code", refused)),
        ),
        bare("enrol-announced", step(FactorStep::Announce, none())),
        bare("enrol", step(FactorStep::Enrol(told()), none())),
        bare("forgot-password", forgot_page(&ForgotPage::default())),
        bare("check-mail-reset", letter(LetterPurpose::ResetPassword)),
        bare("check-mail-sign-up", letter(LetterPurpose::SignUp)),
        bare("reset", link(LinkPurpose::ResetPassword, "", none())),
        bare(
            "reset-wrong",
            link(
                LinkPurpose::ResetPassword,
                "nobodys-token",
                wrong("password", short),
            ),
        ),
        bare("invitation", link(LinkPurpose::FindInvitation, "", none())),
        bare(
            "invitation-used",
            link(
                LinkPurpose::FindInvitation,
                "nobodys-token",
                wrong("token", used),
            ),
        ),
        bare(
            "invitation-open",
            link(LinkPurpose::AcceptInvitation, "nobodys-token", none()),
        ),
        bare("setup", link(LinkPurpose::Setup, "", none())),
        bare("verify-email", link(LinkPurpose::VerifyEmail, "", none())),
        page(
            "step-up",
            Section::Other,
            step_up(&StepUp {
                redirect: s("/studio/account"),
                unsaved: true,
            }),
        ),
    ]
}
