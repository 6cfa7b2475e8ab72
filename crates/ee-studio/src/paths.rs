//! Addresses of Studio, built in one place with their parts percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The path under which all of Studio lives.
pub const BASE: &str = "/studio";
/// The sign-in page and the target of its form.
pub const LOGIN: &str = "/studio/login";
/// Starts a sign-in at the identity provider and sends the browser there.
pub const SSO: &str = "/studio/login/sso";
/// Takes the code that a sign-in waits for (POST).
pub const SECOND_FACTOR: &str = "/studio/login/second-factor";
/// Begins to set up the second factor that a sign-in demands (POST).
pub const ENROL: &str = "/studio/login/enrol";
/// The form that asks for a link to set a new password, and its target.
pub const FORGOT_PASSWORD: &str = "/studio/forgot-password";
/// Where the link of a letter sets a new password, and the target of the form.
pub const RESET_PASSWORD: &str = "/studio/reset-password";
/// Where the link of an invitation leads, and the target of the form that accepts it.
pub const ACCEPT_INVITATION: &str = "/studio/accept-invitation";
/// Tells whom an invitation is for (POST).
pub const FIND_INVITATION: &str = "/studio/accept-invitation/find";
/// Where the link of the first start leads, and the target of the form that creates the first owner.
pub const SETUP: &str = "/studio/setup";
/// Where the link of a letter confirms an address, and the target of the form.
pub const VERIFY_EMAIL: &str = "/studio/verify-email";
/// What somebody sees of his own account.
pub const ACCOUNT: &str = "/studio/account";
/// Changes the password (POST).
pub const CHANGE_PASSWORD: &str = "/studio/account/password";
/// Sends the letter that confirms the address (POST).
pub const SEND_VERIFICATION: &str = "/studio/account/verify-email";
/// Begins to set up a second factor (POST).
pub const BEGIN_TOTP: &str = "/studio/account/totp";
/// Turns the second factor on (POST).
pub const CONFIRM_TOTP: &str = "/studio/account/totp/confirm";
/// Turns the second factor off (POST).
pub const DISABLE_TOTP: &str = "/studio/account/totp/disable";
/// Makes new recovery codes (POST).
pub const RECOVERY_CODES: &str = "/studio/account/recovery-codes";
/// Ends all sessions but the one that asks (POST).
pub const END_OTHER_SESSIONS: &str = "/studio/account/end-other-sessions";
/// Says that a session has ended.
pub const SESSION_EXPIRED: &str = "/studio/session-expired";
/// The sign-up page and the target of its form.
pub const SIGN_UP: &str = "/studio/signup";
/// Ends the session (POST).
pub const LOGOUT: &str = "/studio/logout";
/// Stores the choice of theme in a cookie (POST).
pub const THEME: &str = "/studio/theme";
/// The list of agents; POST creates one.
pub const AGENTS: &str = "/studio/agents";
/// The form for a new agent. It does not stand below [`AGENTS`], where an agent named `new` has its page.
pub const NEW_AGENT: &str = "/studio/new-agent";
/// The list of workflows.
pub const WORKFLOWS: &str = "/studio/workflows";

/// Everything outside the unreserved characters of RFC 3986 is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Encodes one path segment or query value. Dot segments, which browsers would
/// resolve away, are encoded as well.
fn encode(part: &str) -> String {
    if part == "." || part == ".." {
        return part.replace('.', "%2E");
    }
    utf8_percent_encode(part, SEGMENT).to_string()
}

/// The page of an agent with a new conversation.
pub fn agent(id: &str) -> String {
    format!("{AGENTS}/{}", encode(id))
}

/// The form that edits an agent, and its target.
pub fn edit_agent(id: &str) -> String {
    format!("{}/edit", agent(id))
}

/// The page that asks before deleting an agent, and its target.
pub fn delete_agent(id: &str) -> String {
    format!("{}/delete", agent(id))
}

/// One conversation with an agent.
pub fn thread(agent_id: &str, thread_id: &str) -> String {
    format!("{}/threads/{}", agent(agent_id), encode(thread_id))
}

/// Takes a message and redirects to the conversation (POST, no script needed).
pub fn chat(agent_id: &str) -> String {
    format!("{}/chat", agent(agent_id))
}

/// Takes a message and streams the answer as server-sent events (POST).
pub fn chat_stream(agent_id: &str) -> String {
    format!("{}/chat/stream", agent(agent_id))
}

/// The page of a workflow.
pub fn workflow(id: &str) -> String {
    format!("{WORKFLOWS}/{}", encode(id))
}

/// Starts a run (POST).
pub fn runs(workflow_id: &str) -> String {
    format!("{}/runs", workflow(workflow_id))
}

/// The page of a run.
pub fn run(workflow_id: &str, run_id: &str) -> String {
    format!("{}/{}", runs(workflow_id), encode(run_id))
}

/// Cancels a run (POST).
pub fn cancel_run(workflow_id: &str, run_id: &str) -> String {
    format!("{}/cancel", run(workflow_id, run_id))
}

/// Starts an interrupted run again (POST).
pub fn restart_run(workflow_id: &str, run_id: &str) -> String {
    format!("{}/restart", run(workflow_id, run_id))
}

/// Ends one session (POST).
pub fn end_session(id: &str) -> String {
    format!("{ACCOUNT}/sessions/{}/end", encode(id))
}

/// The page of one's own account, which tells what was done.
pub fn account_after(done: &str) -> String {
    with_value(ACCOUNT, "done", done)
}

/// The sign-in page, returning to `redirect` afterwards.
pub fn login(redirect: &str) -> String {
    with_redirect(LOGIN, redirect)
}

/// The sign-up page, returning to `redirect` afterwards.
pub fn sign_up(redirect: &str) -> String {
    with_redirect(SIGN_UP, redirect)
}

/// Starts a sign-in at the identity provider, returning to `redirect` afterwards.
pub fn sso(redirect: &str) -> String {
    with_redirect(SSO, redirect)
}

/// The sign-in page that says that the session ended, returning to `redirect` afterwards.
pub fn login_again(redirect: &str) -> String {
    with_value(&login(redirect), "expired", "1")
}

/// The sign-in page for somebody who is signed in and has to show that it is he, returning to `redirect` afterwards.
pub fn step_up(redirect: &str) -> String {
    with_value(&login(redirect), "again", "1")
}

/// Starts a sign-in at the identity provider for somebody who is signed in, returning to `redirect` afterwards.
pub fn sso_step_up(redirect: &str) -> String {
    with_value(&sso(redirect), "again", "1")
}

/// The sign-in page, which tells what was done, returning to `redirect` afterwards.
pub fn login_after(done: &str, redirect: &str) -> String {
    with_value(&login(redirect), "done", done)
}

/// Finds the page that holds the form of this target (path and query), to go back to.
pub fn page_of_form(target: &str) -> &str {
    let path = target.split(['?', '#']).next().unwrap_or(target);
    for page in [ACCEPT_INVITATION, ACCOUNT, LOGIN] {
        if path
            .strip_prefix(page)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            return page;
        }
    }
    ["/chat/stream", "/chat", "/runs", "/cancel", "/restart"]
        .into_iter()
        .find_map(|suffix| path.strip_suffix(suffix))
        .unwrap_or(path)
}

fn with_redirect(path: &str, redirect: &str) -> String {
    if redirect.is_empty() {
        return path.to_owned();
    }
    with_value(path, "redirect", redirect)
}

/// One page of a list, numbered from 1; values of the query that are empty are left out.
pub(crate) fn page_of_list(path: &str, query: &[(&str, &str)], number: u32) -> String {
    let named = query.iter().filter(|(_, value)| !value.is_empty());
    let list = named.fold(path.to_owned(), |list, (name, value)| {
        with_value(&list, name, value)
    });
    with_value(&list, "page", &number.to_string())
}

fn with_value(path: &str, name: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{name}={}", encode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_percent_encoded() {
        assert_eq!(agent("a/b c?d#e"), "/studio/agents/a%2Fb%20c%3Fd%23e");
        assert_eq!(agent("support-1_x.y~z"), "/studio/agents/support-1_x.y~z");
        assert_eq!(run("w", "\u{e9}"), "/studio/workflows/w/runs/%C3%A9");
    }

    #[test]
    fn dot_segments_do_not_climb() {
        assert_eq!(edit_agent(".."), "/studio/agents/%2E%2E/edit");
        assert_eq!(agent("."), "/studio/agents/%2E");
    }

    #[test]
    fn a_redirect_is_one_query_value() {
        assert_eq!(login(""), "/studio/login");
        assert_eq!(
            login("/studio/agents?q=a&b"),
            "/studio/login?redirect=%2Fstudio%2Fagents%3Fq%3Da%26b"
        );
        assert_eq!(login_again(""), "/studio/login?expired=1");
        assert_eq!(
            login_again("/studio"),
            "/studio/login?redirect=%2Fstudio&expired=1"
        );
        assert_eq!(
            sso_step_up("/studio/a?again=0&b"),
            "/studio/login/sso?redirect=%2Fstudio%2Fa%3Fagain%3D0%26b&again=1"
        );
        assert_eq!(account_after("a&b"), "/studio/account?done=a%26b");
    }

    #[test]
    fn every_form_has_a_page_to_go_back_to() {
        let runs = run("w", "r");
        for (target, page) in [
            (chat("a"), agent("a")),
            (chat_stream("a"), agent("a")),
            (super::runs("w"), workflow("w")),
            (cancel_run("w", "r"), runs.clone()),
            (restart_run("w", "r"), runs),
            (edit_agent("a"), edit_agent("a")),
            ("/studio/agents?q=a".to_owned(), AGENTS.to_owned()),
            (CONFIRM_TOTP.to_owned(), ACCOUNT.to_owned()),
            (end_session("x"), ACCOUNT.to_owned()),
            (SECOND_FACTOR.to_owned(), LOGIN.to_owned()),
            (FIND_INVITATION.to_owned(), ACCEPT_INVITATION.to_owned()),
            (RESET_PASSWORD.to_owned(), RESET_PASSWORD.to_owned()),
        ] {
            assert_eq!(page_of_form(&target), page);
        }
    }
}
