//! Addresses of Studio, built in one place with their parts percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The path under which all of Studio lives.
pub const BASE: &str = "/studio";
/// The sign-in page and the target of its form.
pub const LOGIN: &str = "/studio/login";
/// Starts a sign-in at the identity provider and sends the browser there.
pub const SSO: &str = "/studio/login/sso";
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
    let path = login(redirect);
    let separator = if redirect.is_empty() { '?' } else { '&' };
    format!("{path}{separator}expired=1")
}

/// Finds the page that holds the form of this target (path and query), to go back to.
pub fn page_of_form(target: &str) -> &str {
    let path = target.split(['?', '#']).next().unwrap_or(target);
    ["/chat/stream", "/chat", "/runs", "/cancel", "/restart"]
        .into_iter()
        .find_map(|suffix| path.strip_suffix(suffix))
        .unwrap_or(path)
}

fn with_redirect(path: &str, redirect: &str) -> String {
    if redirect.is_empty() {
        return path.to_owned();
    }
    format!("{path}?redirect={}", encode(redirect))
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
        ] {
            assert_eq!(page_of_form(&target), page);
        }
    }
}
