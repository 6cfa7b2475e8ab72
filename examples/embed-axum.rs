//! Protects a router that knows nothing of this product.
//!
//! `cargo run -p examples --bin embed-axum`, then with `Authorization: Bearer reader-token-1234567890`:
//! `GET /orders` is 200, `DELETE /orders/7` is 403, and without the header both are 401.

#![expect(clippy::print_stdout, reason = "the example tells its address")]

use std::{error::Error, io, sync::Arc};

use axum::{Router, extract::Path, routing::get};
use ee::auth_simple::{SimpleAuth, SimpleConfig, SimpleUser};
use ee::axum::{Corridor, CurrentUser, serve};
use ee::defaults::{ConsoleAuditLogger, StaticRbac, default_roles};
use ee::server::{Access, AuthMode, Origins, Route, Server};
use ee::{AuditAction, RoleId, SystemClock, UserId, with_ee};

/// A router as it was before.
fn orders() -> Router {
    Router::new()
        .route(
            "/orders",
            get(|CurrentUser(user)| async move { format!("orders for {}", user.id) }),
        )
        .route(
            "/orders/{id}",
            axum::routing::delete(|Path(id): Path<u32>| async move { format!("deleted {id}") }),
        )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ada = SimpleUser::new(UserId::new("ada")?).role(RoleId::new("viewer")?);
    let tokens = SimpleConfig::new().token("reader-token-1234567890", ada);
    let auth = with_ee(SimpleAuth::new(tokens)?)
        .rbac(Arc::new(StaticRbac::new(default_roles())))
        .build();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("{url}");
    let audit = Arc::new(ConsoleAuditLogger::new(io::stdout()));
    let server = Server::new(
        AuthMode::On(Arc::new(auth)),
        audit,
        Arc::new(SystemClock),
        Origins::new(url),
    );

    let corridor = Corridor::new(Arc::new(server))?;
    let may_read = Access::permission("orders:read".parse()?);
    let may_delete = Access::permission("orders:delete".parse()?).on("id");
    let routes = [
        Route::new("GET".parse()?, "/orders", may_read),
        Route::new("DELETE".parse()?, "/orders/{id}", may_delete)
            .about("order", "id")
            .audited(AuditAction::new("orders.delete")?),
    ];
    let orders = corridor.protect(orders(), routes)?;
    let gate = corridor.wrap(corridor.auth_api().merge(orders));
    serve(listener, gate, async {
        drop(tokio::signal::ctrl_c().await);
    })
    .await;
    Ok(())
}
