//! Pages that say one thing.

use ee_studio::Icon;
use ee_studio::components::{AuthStatus, EmptyState, LoginButton, empty};
use ee_studio::layout::{Banner, Nav, Section, Shell, layout};
use ee_studio::pages::{
    AgentsPage, ErrorPage, NotFound, PermissionDenied, SessionExpired, SignedOut, agents_page,
    error_page, not_found, permission_denied, session_expired, signed_out,
};

use super::{Sample, bare, page, s, shell};

pub(super) fn messages() -> Vec<Sample> {
    let denied = permission_denied(&PermissionDenied {
        resource: s("the agent Support"),
        permission: s("agents:write:support"),
        roles: vec![s("viewer")],
    });
    let failure = error_page(&ErrorPage {
        status: 503,
        title: s("The store is not available"),
        message: s("Nothing was changed. Try again in a moment."),
        request_id: s("req_01JD6Y3Z8K4M"),
        retry_href: Some(s("/studio/agents")),
    });
    let open = Shell {
        auth: AuthStatus::Disabled,
        banner: Some(Banner::AuthenticationOff),
        ..shell("authentication-off", Section::Agents)
    };
    let outside = Shell {
        auth: AuthStatus::SignedOut(LoginButton {
            label: s("Sign in"),
            href: s("/studio/login"),
        }),
        nav: Nav::default(),
        ..shell("signed-out", Section::Other)
    };
    let nothing = empty(&EmptyState {
        icon: Icon::Info,
        title: s("Nothing to see"),
        text: s("Sign in to see more."),
        next: None,
    });
    vec![
        page("permission-denied", Section::Other, denied),
        page(
            "session-expired",
            Section::Other,
            session_expired(&SessionExpired::default()),
        ),
        bare(
            "session-expired-unsaved",
            session_expired(&SessionExpired {
                unsaved: true,
                ..SessionExpired::default()
            }),
        ),
        bare(
            "signed-out-provider",
            signed_out(&SignedOut {
                provider_href: s("https://id.example/logout"),
            }),
        ),
        page(
            "not-found",
            Section::Other,
            not_found(&NotFound { what: s("agent") }),
        ),
        page("error", Section::Other, failure),
        Sample {
            name: "authentication-off",
            html: layout(&open, agents_page(&AgentsPage::default())).into_string(),
        },
        Sample {
            name: "signed-out",
            html: layout(&outside, nothing).into_string(),
        },
    ]
}
