//! What makes the demo more than a configured host: a configuration of its own, two neighbours,
//! and a word on what to click.

use std::io;
use std::path::PathBuf;

use axum::BoxError;
use tempfile::TempDir;

use crate::config::Config;
use crate::neighbours::{client_app, identity_provider};

/// The client and the connection that the neighbours are known by.
const CLIENT: &str = "tally";
const CONNECTION: &str = "acme";

/// A directory that goes when the demo ends.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new() -> io::Result<Self> {
        tempfile::tempdir().map(Self)
    }

    /// Writes the demo's configuration, and says where.
    pub(crate) fn write_config(&self) -> io::Result<PathBuf> {
        let file = self.0.path().join("demo.toml");
        std::fs::write(&file, include_str!("demo.toml"))?;
        Ok(file)
    }
}

/// Starts the neighbours that the configuration knows. Each side learns of the other what two
/// companies would tell each other: a client id and secret; two metadata documents.
pub(crate) async fn start_neighbours(config: &Config) -> Result<(), BoxError> {
    let issuer = config.issuer.clone();
    if !issuer.starts_with("http://") {
        return Err("the neighbours speak plain HTTP; they need an http issuer".into());
    }
    if let Some(connection) = config.saml.connections.iter().find(|c| c.id == CONNECTION) {
        let metadata = format!("{issuer}/saml/{CONNECTION}/metadata");
        let application = identity_provider::Application { name: "Donjon demo".into(), metadata };
        let theirs = identity_provider::start(application).await?;
        std::fs::write(&connection.idp_metadata, theirs)?;
    }
    if let Some(client) = config.clients.iter().find(|client| client.client_id == CLIENT) {
        let client_secret = client.client_secret.clone().unwrap_or_default().0;
        let client_id = CLIENT.to_owned();
        client_app::start(client_app::Registration { issuer, client_id, client_secret }).await?;
    }
    Ok(())
}

/// Where to go, and who one can be there.
pub(crate) fn invitation(config: &Config, neighbours: bool) -> String {
    let host = &config.issuer;
    if !neighbours {
        return format!("Listening on {}, reached at {host}\n", config.listen);
    }
    let users = config
        .users
        .iter()
        .map(|user| format!("  log in as {}  with the password  {}\n", user.email, user.password));
    format!(
        "
  Donjon demo           {host}
  its mailbox           {host}/dev/mailbox
  Tally, a third party  http://localhost:{tally}
  Acme, a customer      http://localhost:{acme}

{users}
  1. Open Tally and click \"Log in with Donjon demo\": log in, allow it, see your claims and
     what the API answers in your name.
  2. Log out at the demo and at Tally. Log in to Tally again, but choose \"Log in with Acme\" at
     the demo's login page and be Alice there: another door, the same sub.
  3. Or register as somebody new at {host}/register and confirm in the mailbox.

  Ctrl-C stops everything.

",
        tally = client_app::PORT,
        acme = identity_provider::PORT,
        users = users.collect::<String>(),
    )
}
