//! A provider of your own: who calls is told by a client certificate's name that a TLS proxy passes on.
//!
//! `cargo run -p examples --bin custom-provider`, then `curl -H 'x-client-name: ada'` the printed address with `/api/auth/me`.

#![expect(clippy::print_stdout, reason = "the example tells its address")]

use std::{error::Error, io, net::IpAddr, sync::Arc};

use ee::axum::{Corridor, serve};
use ee::defaults::ConsoleAuditLogger;
use ee::server::{AuthMode, Origins, Server};
use ee::{AuthProvider, RequestHead, SystemClock, User, UserId, with_ee};

/// Believes the header from one address alone.
#[derive(Debug)]
struct CertificateAuth {
    proxy: IpAddr,
}

#[ee::async_trait]
impl AuthProvider for CertificateAuth {
    fn name(&self) -> &'static str {
        "certificate"
    }

    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, ee::Error> {
        if head.client_ip != Some(self.proxy) {
            return Ok(None);
        }
        let Some(name) = head.single(&"x-client-name".parse().map_err(invalid)?)? else {
            return Ok(None);
        };
        Ok(Some(Arc::new(User::new(UserId::new(name)?))))
    }
}

fn invalid(err: impl Error + Send + Sync + 'static) -> ee::Error {
    ee::Error::new(ee::ErrorKind::Internal, "a header name is wrong").with_source(err)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = with_ee(CertificateAuth {
        proxy: "127.0.0.1".parse()?,
    })
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
    serve(listener, corridor.wrap(corridor.auth_api()), async {
        drop(tokio::signal::ctrl_c().await);
    })
    .await;
    Ok(())
}
