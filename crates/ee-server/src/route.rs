//! What is declared of a route: who may use it and what the record says of it.

use std::borrow::Cow;

use ee_core::{AuditAction, Permission};
use http::Method;
use schemars::{Schema, SchemaGenerator};

/// Which thing a permission is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The whole resource.
    All,
    /// The thing whose id stands in this path parameter.
    Param(&'static str),
    /// At least one thing: the handler shows exactly those that the caller may see.
    Some,
}

/// Who may use a route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Access {
    /// Whoever is signed in.
    Authenticated,
    /// Everybody, and nobody looks at credentials: for what must answer also when no store does.
    Open,
    /// Whoever holds one of the permissions.
    Permission {
        /// One of these suffices; the first one is named in a refusal.
        any_of: Cow<'static, [Permission]>,
        /// For which thing.
        scope: Scope,
    },
    /// Everybody; who it is is found out where credentials are shown.
    Public,
}

impl Access {
    /// Whoever holds the permission, for the whole resource.
    pub fn permission(permission: Permission) -> Self {
        Self::any_permission(vec![permission])
    }

    /// Whoever holds one of the permissions, for the whole resource.
    pub fn any_permission(any_of: impl Into<Cow<'static, [Permission]>>) -> Self {
        Self::Permission {
            any_of: any_of.into(),
            scope: Scope::All,
        }
    }

    /// Asks for the thing whose id stands in the path parameter.
    #[must_use]
    pub fn on(self, param: &'static str) -> Self {
        self.scoped(Scope::Param(param))
    }

    /// Asks for at least one thing; the handler filters.
    #[must_use]
    pub fn listed(self) -> Self {
        self.scoped(Scope::Some)
    }

    /// Tells whether strangers may use the route.
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Open | Self::Public)
    }

    /// Returns for which thing a permission is asked for, if one is.
    pub(crate) const fn scope(&self) -> Option<Scope> {
        match self {
            Self::Permission { scope, .. } => Some(*scope),
            Self::Authenticated | Self::Open | Self::Public => None,
        }
    }

    fn scoped(self, scope: Scope) -> Self {
        match self {
            Self::Permission { any_of, .. } => Self::Permission { any_of, scope },
            other => other,
        }
    }
}

/// Who speaks to a route: decides what a refusal looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Surface {
    /// Programs: JSON.
    Api,
    /// People: HTML.
    Page,
}

/// What a route takes or gives, for the OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON of this schema.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// Pieces of text of this content type, described in words.
    Stream(&'static str, &'static str),
    /// Something else of this content type.
    Other(&'static str),
}

/// One declared route. A route without a declaration cannot be mounted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Route {
    /// Who may use it.
    pub access: Access,
    /// What the record says when it is used; refusals are recorded in any case.
    pub audit: Option<AuditAction>,
    /// What it takes.
    pub input: Body,
    /// The method.
    pub method: Method,
    /// What it gives.
    pub output: Body,
    /// Template of the path, parameters in braces.
    pub path: Cow<'static, str>,
    /// Parameters of the query, by name.
    pub query: &'static [&'static str],
    /// Kind of thing and the path parameter that names it, for the record.
    pub resource: Option<(&'static str, &'static str)>,
    /// Whether a session has to have begun a short time ago (RFC 9470): for dangerous acts.
    pub needs_step_up: bool,
    /// One line for the OpenAPI document.
    pub summary: &'static str,
    /// Who speaks to it.
    pub surface: Surface,
}

impl Route {
    /// Declares a route of the API.
    pub fn new(method: Method, path: impl Into<Cow<'static, str>>, access: Access) -> Self {
        Self {
            access,
            audit: None,
            input: Body::None,
            method,
            needs_step_up: false,
            output: Body::None,
            path: path.into(),
            query: &[],
            resource: None,
            summary: "",
            surface: Surface::Api,
        }
    }

    /// Declares a page.
    pub fn page(method: Method, path: impl Into<Cow<'static, str>>, access: Access) -> Self {
        Self {
            surface: Surface::Page,
            ..Self::new(method, path, access)
        }
    }

    /// Says what the record calls the use of the route.
    #[must_use]
    pub fn audited(mut self, action: AuditAction) -> Self {
        self.audit = Some(action);
        self
    }

    /// Says that the answer is a stream, of this content type and described in words. Its caller is judged again for as
    /// long as it lasts ([`Cx::until_revoked`](crate::Cx::until_revoked)).
    #[must_use]
    pub fn streams(self, content_type: &'static str, what: &'static str) -> Self {
        Self {
            output: Body::Stream(content_type, what),
            ..self
        }
    }

    /// Tells whether the answer is a stream.
    pub const fn is_stream(&self) -> bool {
        matches!(self.output, Body::Stream(..))
    }

    /// Says which path parameter names the thing that the route is about.
    #[must_use]
    pub const fn about(mut self, kind: &'static str, param: &'static str) -> Self {
        self.resource = Some((kind, param));
        self
    }

    /// Asks people whose session began over ten minutes ago to sign in again.
    #[must_use]
    pub const fn step_up(mut self) -> Self {
        self.needs_step_up = true;
        self
    }

    /// Tells whether the route answers the method; `HEAD` is a `GET` without a body.
    pub fn serves(&self, method: &Method) -> bool {
        *method == self.method || (*method == Method::HEAD && self.method == Method::GET)
    }

    /// Tells whether the method may change something (RFC 9110 §9.2.1).
    pub fn is_unsafe(&self) -> bool {
        is_unsafe(&self.method)
    }
}

/// Tells whether a method may change something (RFC 9110 §9.2.1).
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
