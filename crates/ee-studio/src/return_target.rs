//! Where a browser goes after signing in.

use ee_core::ReturnTo;
use ee_server::Cx;
use percent_encoding::percent_decode_str;

use crate::paths;

/// Reads where a browser wants to go: a path on our own origin, or empty for the first page.
///
/// Places that only send on, and those that answer programs, count as the first page: nobody is sent round in circles.
pub(crate) fn return_target(cx: &Cx, text: &str) -> String {
    let public = &cx.server().origins.public;
    let target = ReturnTo::or(Some(text), Some(public), &ReturnTo::root());
    if is_place(target.as_str()) {
        target.as_str().to_owned()
    } else {
        String::new()
    }
}

fn is_place(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    // Decoded once, as the corridor does.
    let path = percent_decode_str(path).decode_utf8_lossy();
    let path = path.trim_end_matches('/');
    let sends_on = [
        "",
        "/api",
        paths::ACCEPT_INVITATION,
        paths::BASE,
        paths::FORGOT_PASSWORD,
        paths::LOGIN,
        paths::LOGOUT,
        paths::RESET_PASSWORD,
        paths::SESSION_EXPIRED,
        paths::SETUP,
        paths::SIGN_UP,
        paths::THEME,
        paths::VERIFY_EMAIL,
    ];
    let is_below = |place: &str| {
        let rest = path.strip_prefix(place);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let is_form = [paths::ACCEPT_INVITATION, paths::ACCOUNT, paths::LOGIN];
    !sends_on.contains(&path) && !path.starts_with("/api/") && !is_form.into_iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_sends_on_is_no_place() {
        for target in [
            "/",
            "/studio",
            "/studio/",
            "/studio?x=1",
            "/studio/login",
            "/studio/%6Cogin/?redirect=/studio/login",
            "/studio/login#x",
            "/studio/login/sso",
            "/studio/login/second-factor",
            "/studio/login/enrol?x",
            "/studio/account/totp/confirm",
            "/studio/reset-password#token=x",
            "/studio/verify-email",
            "/studio/setup",
            "/studio/accept-invitation/find",
            "/studio/forgot-password",
            "/studio/signup",
            "/studio/logout",
            "/api/auth/sso/login",
        ] {
            assert!(!is_place(target), "{target}");
        }
        for target in [
            "/studio/agents",
            "/studio/agents/login?q=/studio/login",
            "/studio/account",
            "/studio/account?done=password",
            "/docs",
        ] {
            assert!(is_place(target), "{target}");
        }
    }
}
