//! One's own account.

use ee_core::AccountSecurity;
use ee_studio::components::{FormErrors, Notice, SessionItem};
use ee_studio::layout::Section;
use ee_studio::pages::{
    AccountForm, AccountPage, RecoveryCodesPage, TotpPage, account_page, recovery_codes_page,
    totp_page,
};

use super::{Sample, at, links::told, page, s};

fn sessions() -> Vec<SessionItem> {
    vec![
        SessionItem {
            id: s("current"),
            device: s("Firefox on Linux"),
            address: s("203.0.113.9"),
            created_at: at(0),
            last_seen_at: at(3_600),
            is_current: true,
        },
        SessionItem {
            id: s("phone"),
            device: s("Safari on iPhone"),
            address: s("2001:db8:1234:5678:9abc:def0:1234:5678"),
            created_at: at(-86_400),
            last_seen_at: at(-3_600),
            is_current: false,
        },
        SessionItem {
            id: s("robot"),
            device: s("an-agent-with-a-very-long-name-that-has-no-space/1.0-beta.23"),
            ..SessionItem::default()
        },
    ]
}

fn account_of(edit: impl FnOnce(&mut AccountPage)) -> AccountPage {
    let mut security = AccountSecurity::none();
    security.has_password = true;
    security.is_email_verified = true;
    let mut page = AccountPage {
        name: s("Ada Lovelace"),
        email: s("ada@example.org"),
        roles: vec![s("owner")],
        security: Some(security),
        sessions: Some(sessions()),
        ..AccountPage::default()
    };
    edit(&mut page);
    page
}

fn with_factor(page: &mut AccountPage, codes: usize) {
    if let Some(security) = &mut page.security {
        security.has_second_factor = true;
        security.recovery_codes = codes;
    }
}

pub(super) fn account() -> Vec<Sample> {
    let draw = |name, edit: fn(&mut AccountPage)| {
        page(name, Section::Other, account_page(&account_of(edit)))
    };
    let codes = RecoveryCodesPage {
        codes: (2..7)
            .flat_map(|digit| {
                [
                    format!("AB{digit}D-EFGH-IJKL-MNOP"),
                    format!("Q{digit}ST-UVWX-YZ23-4567"),
                ]
            })
            .map(Into::into)
            .collect(),
        is_first: true,
    };
    let setup = TotpPage {
        told: told(),
        errors: FormErrors {
            common: None,
            fields: vec![(s("code"), s("Is wrong or was used already."))],
        },
    };
    vec![
        draw("account", |page| {
            if let Some(security) = &mut page.security {
                security.is_email_verified = false;
            }
        }),
        draw("account-factor", |page| {
            with_factor(page, 7);
            page.notice = Some(Notice::success("Your password was changed."));
        }),
        draw("account-factor-no-codes", |page| with_factor(page, 0)),
        draw("account-refused", |page| {
            with_factor(page, 1);
            let errors = FormErrors {
                common: Some(s("Too many attempts; try again later.")),
                fields: vec![(s("disable_password"), s("Is wrong."))],
            };
            page.refused = Some((AccountForm::DisableTotp, errors));
        }),
        draw("account-sessions-only", |page| page.security = None),
        page("totp", Section::Other, totp_page(&setup)),
        page(
            "recovery-codes",
            Section::Other,
            recovery_codes_page(&codes),
        ),
    ]
}
