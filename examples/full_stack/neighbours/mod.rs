//! The programs that the demo host lives next to. They know it only by its URLs, share neither state
//! nor code with it, and would run as well on other machines. Cookies know no ports, so they are at
//! another name of this machine than the host.
//!
//! * [`client_app`], `http://127.0.0.1:3001`: "Tally", an application of somebody else's that asks
//!   the host's users for permission to call its API (OpenID Connect).
//! * [`identity_provider`], `http://127.0.0.1:3002`: "Acme", a customer of the host's whose
//!   employees log in through Acme's own directory (SAML 2.0).
//! * [`openid_provider`], `http://127.0.0.1:3003`: "Lantern", where people have accounts that they may
//!   log in to the host with (OpenID Connect).

pub(crate) mod client_app;
mod http;
pub(crate) mod identity_provider;
#[cfg(feature = "social")]
pub(crate) mod openid_provider;
mod page;
mod random;
mod tls;

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;

pub(crate) use self::tls::Identity;

/// Serves `app` at `http://127.0.0.1:{port}`. Returns once it listens.
pub(crate) async fn serve(port: u16, app: axum::Router) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot listen on 127.0.0.1:{port}: {error}; the demo needs this port"),
        )
    })?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(())
}
