//! Who looks at a page, and the frame that the page gets.

use axum::{
    extract::FromRequestParts,
    response::{Html, IntoResponse as _, Response},
};
use ee_adapter_axum::{AuthContext, HttpError};
use ee_core::{RequestHead, ServerCookie};
use ee_server::{AuthMode, Cx, auth, permissions as p};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use maud::Markup;

use crate::{
    components::{AuthStatus, LoginButton, Theme, UserCard},
    layout::{Banner, Nav, Section, Shell, bare_layout, layout},
    paths,
};

/// A request for a page.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// Who asks, and what he may do.
    pub(crate) cx: Cx,
    /// Path and query, to come back to.
    target: String,
    theme: Theme,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let AuthContext(cx) = AuthContext::from_request_parts(parts, state).await?;
        let target = match parts.uri.path_and_query() {
            Some(target) if parts.method == http::Method::GET => target.as_str(),
            _ => paths::page_of_form(parts.uri.path()),
        };
        Ok(Self::new(cx, &parts.headers, target))
    }
}

impl Visit {
    /// Describes a request whose page, to come back to, is `target`.
    pub(crate) fn new(cx: Cx, headers: &HeaderMap, target: &str) -> Self {
        let cookie = theme_cookie(&cx);
        let value = RequestHead::new(headers, None).cookie(cookie.name());
        let theme = Theme::from_value(value.ok().flatten().unwrap_or_default());
        Self {
            cx,
            target: target.to_owned(),
            theme,
        }
    }

    /// Tells whether somebody is signed in, or nobody has to be.
    pub(crate) fn is_inside(&self) -> bool {
        self.cx.identity().is_some() || matches!(self.cx.server().auth, AuthMode::Off)
    }

    /// Writes a page with navigation; without, for somebody who is not signed in.
    pub(crate) async fn page(&self, title: &str, section: Section, content: Markup) -> Response {
        if !self.is_inside() {
            return self.bare(title, content);
        }
        let shell = Shell {
            auth: self.auth_status().await,
            nav: self.nav(),
            section,
            ..self.shell(title)
        };
        respond(&layout(&shell, content))
    }

    /// Writes a page without navigation.
    pub(crate) fn bare(&self, title: &str, content: Markup) -> Response {
        respond(&bare_layout(&self.shell(title), content))
    }

    /// Returns the parts of Studio that the caller may open.
    pub(crate) fn nav(&self) -> Nav {
        let server = self.cx.server();
        Nav {
            agents: server.agents.is_some() && self.cx.allows_some(&p::AGENTS_READ),
            workflows: server.workflows.is_some() && self.cx.allows_some(&p::WORKFLOWS_READ),
        }
    }

    /// Returns the names of the caller's roles; none where there are no roles or they cannot be read.
    pub(crate) async fn roles(&self) -> Vec<String> {
        let me = auth::me(&self.cx).await.ok().flatten();
        let roles = me.and_then(|me| me.roles).unwrap_or_default();
        roles.iter().map(ToString::to_string).collect()
    }

    fn shell(&self, title: &str) -> Shell {
        let is_open = matches!(self.cx.server().auth, AuthMode::Off);
        Shell {
            title: title.to_owned(),
            theme: self.theme,
            banner: is_open.then_some(Banner::AuthenticationOff),
            current_path: self.target.clone(),
            ..Shell::default()
        }
    }

    async fn auth_status(&self) -> AuthStatus {
        let Some(identity) = self.cx.identity() else {
            return match self.cx.server().auth {
                AuthMode::Off => AuthStatus::Disabled,
                AuthMode::On(_) => AuthStatus::SignedOut(LoginButton {
                    label: "Sign in".to_owned(),
                    href: paths::LOGIN.to_owned(),
                }),
            };
        };
        let user = &identity.user;
        AuthStatus::SignedIn(UserCard {
            id: user.id.to_string(),
            name: user.name.clone().unwrap_or_default(),
            email: user.email.clone().unwrap_or_default(),
            avatar_url: user.avatar_url.clone(),
            roles: self.roles().await,
        })
    }
}

/// The cookie that keeps the choice of colours.
pub(crate) fn theme_cookie(cx: &Cx) -> ServerCookie {
    ServerCookie::named("ee_theme", cx.server().origins.is_https())
}

/// Sends the browser on with a GET.
pub(crate) fn see_other(target: &str) -> Response {
    let fallback = HeaderValue::from_static(paths::BASE);
    let location = HeaderValue::try_from(target).unwrap_or(fallback);
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Writes the message of an error as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let mut text: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    text.push_str(chars.as_str());
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

fn respond(page: &Markup) -> Response {
    let mut response = Html(page.0.clone()).into_response();
    // Without a referrer some browsers call the origin of a form `null`, and the cross-site check refuses it.
    let policy = HeaderValue::from_static("same-origin");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("must not be empty"), "Must not be empty.");
        assert_eq!(sentence("Try again."), "Try again.");
        assert_eq!(sentence("`x` is unknown"), "`x` is unknown.");
    }
}
