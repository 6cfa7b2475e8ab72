//! `X-EE-On-Behalf-Of`: a program with a key acts for a user.

use std::sync::Arc;

use ee_core::{Error, ErrorKind, Identity, Licensed, Limit};
use http::{HeaderMap, HeaderName};

use super::single;

pub(super) static NAME: HeaderName = HeaderName::from_static("x-ee-on-behalf-of");

/// Makes the user whom the request names the one who asks, acted for by the owner of the key (RFC 8693 §4.1).
///
/// What is allowed then is what the user may do, and the owner of the key, and the key: delegation adds nothing.
///
/// Fails with [`ErrorKind::Forbidden`] without a key, and for a user for whom the key may not act or who cannot sign in,
/// both in the same words.
pub(super) async fn act(
    licensed: &Licensed<'_>,
    identity: &mut Identity,
    headers: &HeaderMap,
) -> Result<(), Error> {
    if identity.key.is_none() {
        let message = format!("`{NAME}` needs an API key");
        return Err(Error::new(ErrorKind::Forbidden, message));
    }
    let named = single(headers, &NAME)?.map(http::HeaderValue::as_bytes);
    let mut listed = identity.may_act_for.iter().flat_map(|users| &**users);
    let id = listed.find(|id| named == Some(id.as_str().as_bytes()));
    let user = match (id, licensed.users()) {
        (Some(id), Some(users)) => users.find(id).await?,
        _ => None,
    };
    let Some(user) = user else {
        let message = "this key may not act for this user";
        return Err(Error::new(ErrorKind::Forbidden, message));
    };
    let actor = Arc::clone(&identity.user);
    let own = licensed
        .authority(&Identity::of(Arc::clone(&actor)))
        .await?;
    let name = format!("account `{}` that acts", actor.id);
    identity.limits.push(Arc::new(Limit::new(name, own)));
    identity.acted_by = Some(actor);
    identity.user = user;
    Ok(())
}
