//! What a value looks like in the record where a digest stands in its place.

use ee_core::{Error, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Cx;

/// Body of `POST /audit/hash`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct DigestBody {
    /// A text, a number or a truth value.
    pub value: Value,
}

/// What stands in the record.
#[derive(Debug, JsonSchema, Serialize)]
pub struct DigestView {
    /// `hmac-sha256:<key>:<digest>`.
    pub digest: String,
}

/// `POST /audit/hash`: so that events with a known value can be searched for.
///
/// Fails with [`ErrorKind::RateLimited`] for whoever asks too often, and with [`ErrorKind::Unsupported`] where nothing
/// is digested.
pub fn hash(cx: &Cx, body: &DigestBody) -> Result<DigestView, Error> {
    let parts = cx.record()?;
    if !(body.value.is_string() || body.value.is_number() || body.value.is_boolean()) {
        let message = "must be a text, a number or a truth value";
        return Err(Error::invalid_field("value", message));
    }
    cx.count_digest()?;
    let digest = parts.redactor.digest(&body.value);
    let digest = digest.ok_or_else(|| {
        let message = "this server has no key for digests";
        Error::new(ErrorKind::Unsupported, message)
    })?;
    Ok(DigestView { digest })
}
