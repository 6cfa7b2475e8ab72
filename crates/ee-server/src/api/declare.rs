//! The words that the table is written in.

use ee_core::Permission;
use http::Method;

use crate::{Access, Body, Route};

pub(super) fn get(path: &'static str, access: Access) -> Route {
    Route::new(Method::GET, path, access)
}

pub(super) fn post(path: &'static str, access: Access) -> Route {
    Route::new(Method::POST, path, access)
}

pub(super) fn patch(path: &'static str, access: Access) -> Route {
    Route::new(Method::PATCH, path, access)
}

pub(super) fn delete(path: &'static str, access: Access) -> Route {
    Route::new(Method::DELETE, path, access)
}

pub(super) fn need(permission: Permission) -> Access {
    Access::permission(permission)
}

pub(super) fn put(path: &'static str, access: Access) -> Route {
    Route::new(Method::PUT, path, access)
}

impl Route {
    pub(super) fn takes<T: schemars::JsonSchema>(self) -> Self {
        Self {
            input: Body::Json(schemars::SchemaGenerator::subschema_for::<T>),
            ..self
        }
    }

    pub(super) fn gives<T: schemars::JsonSchema>(self) -> Self {
        Self {
            output: Body::Json(schemars::SchemaGenerator::subschema_for::<T>),
            ..self
        }
    }

    pub(super) fn gives_text(self, media_type: &'static str) -> Self {
        Self {
            output: Body::Other(media_type),
            ..self
        }
    }

    pub(super) fn asks(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }
}
