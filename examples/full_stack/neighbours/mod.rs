//! Two programs the demo host lives next to. They know it only by its URLs, share neither state
//! nor code with it, and would run as well on other machines.
//!
//! * [`client_app`], `http://localhost:3001`: "Tally", an application of somebody else's that asks
//!   the host's users for permission to call its API (OpenID Connect).
//! * [`identity_provider`], `http://localhost:3002`: "Acme", a customer of the host's whose
//!   employees log in through Acme's own directory (SAML 2.0).

pub(crate) mod client_app;
mod http;
pub(crate) mod identity_provider;
mod page;
mod random;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::net::TcpListener;

/// Serves `app` at `http://localhost:{port}`, which is 127.0.0.1 and, where the machine has it,
/// ::1. Returns once it listens.
pub(crate) async fn serve(port: u16, app: axum::Router) -> io::Result<()> {
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot listen on 127.0.0.1:{port}: {error}; the demo needs this port"),
        )
    })?;
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
    for listener in [Some(v4), v6].into_iter().flatten() {
        let app = app.clone();
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    Ok(())
}
