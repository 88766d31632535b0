//! What makes the demo more than a configured host: a configuration of its own, two neighbours,
//! and a word on what to click.

use std::io;
use std::path::PathBuf;

use axum::BoxError;
use donjon::delivery::webhook::{EventType, WebhookEndpoints};
use tempfile::TempDir;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::config::Config;
#[cfg(feature = "social")]
use crate::neighbours::openid_provider;
use crate::neighbours::{Identity, client_app, identity_provider};
use crate::personas::{self, Enters};

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

/// What the neighbours that were started are to be told yet.
#[derive(Default)]
pub(crate) struct Neighbours {
    tally: Option<client_app::Inbox>,
}

/// Starts the neighbours that the configuration knows. Each side learns of the other what two
/// companies would tell each other: a client id and secret; two metadata documents. In the demo the
/// host's server also trusts theirs, and its users may come from Lantern.
pub(crate) async fn start_neighbours(
    config: &Config,
    is_demo: bool,
) -> Result<Neighbours, BoxError> {
    let mut started = Neighbours::default();
    let identity = Identity::generate()?;
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
        let registration = client_app::Registration { issuer, client_id, client_secret };
        let inbox = client_app::start(registration, &identity).await?;
        started.tally = is_demo.then_some(inbox);
    }
    if let Some(roots) = &config.egress.extra_roots
        && (is_demo || !roots.exists())
    {
        std::fs::write(roots, &identity.certificate)?;
    }
    #[cfg(feature = "social")]
    if is_demo {
        openid_provider::start(&identity, crate::lantern::registration(config)).await?;
    }
    Ok(started)
}

/// Does what makes up the demo, and has the log say nothing of it: whoever starts it should first of
/// all see where to go. A host that is configured tells of everything.
pub(crate) async fn quietly<T>(is_demo: bool, work: impl Future<Output = T>) -> T {
    match is_demo {
        true => work.with_subscriber(NoSubscriber::default()).await,
        false => work.await,
    }
}

/// Has Tally told of everything that happens to the demo's users: it is given the secret that the
/// host signs with.
pub(crate) async fn tell(
    neighbours: &Neighbours,
    webhooks: &WebhookEndpoints,
) -> Result<(), BoxError> {
    if let Some(tally) = &neighbours.tally {
        let (_, secret) = webhooks.create(client_app::WEBHOOKS, &EventType::ALL, None).await?;
        tally.learn(&secret.expose());
    }
    Ok(())
}

/// Where to go, and who one can be there.
pub(crate) fn invitation(config: &Config, neighbours: bool, is_demo: bool) -> String {
    let host = &config.issuer;
    let mut text = format!("Listening on {}, reached at {host}\n", config.listen);
    if neighbours {
        text = format!(
            "
  Donjon demo           {host}
  its mailbox           {host}/dev/mailbox
  Tally, a third party  http://127.0.0.1:{tally}
  Acme, a customer      http://127.0.0.1:{acme}
{lantern}",
            tally = client_app::PORT,
            acme = identity_provider::PORT,
            lantern = lantern(),
        );
    }
    if is_demo {
        text.push_str(&cast());
    }
    text
}

/// The neighbour that is there with feature `social`.
#[cfg(feature = "social")]
fn lantern() -> String {
    format!("  Lantern, a provider   http://127.0.0.1:{}\n", openid_provider::PORT)
}

#[cfg(not(feature = "social"))]
fn lantern() -> String {
    String::new()
}

/// Who one can be, and what to do as them.
fn cast() -> String {
    let there = personas::ALL.iter().filter(|persona| persona.is_there());
    let lines = there.map(|who| {
        let email = if who.enters == Enters::Link {
            format!("{} (no password)", who.email)
        } else {
            who.email.to_owned()
        };
        format!("  {:<20}  {email}\n", who.state)
    });
    let key = personas::TOTP.key().map(|key| key.expose()).unwrap_or_default();
    format!(
        "
  Who you can be there, with the password  {password}

{lines}
  Theo's authenticator app has the key  {key}

  1. Open Tally and click \"Log in with Donjon demo\": log in as Alice, allow it, see your claims
     and what the API answers in your name.
  2. Log out at the demo and at Tally. Log in to Tally again, but choose \"Log in with Acme\" at
     the demo's login page and be Alice there: another door, the same sub.
  3. Be somebody else on the demo's first page, or register as somebody new, and confirm in the
     mailbox.

  Ctrl-C stops everything.

",
        password = personas::PASSWORD,
        lines = lines.collect::<String>(),
    )
}
