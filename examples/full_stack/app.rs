//! The stack: the host's own routes, and the layers around them.

use std::sync::Arc;

use axum::{BoxError, Extension, Router};
use donjon::account::organization::OrganizationPolicy;
#[cfg(feature = "passkeys")]
use donjon::account::passkey::{Passkeys, RelyingParty};
use donjon::account::{AccountLayer, Accounts, OtherLogin};
use donjon::crypto::{Clock as _, Keyring, SystemClock};
use donjon::delivery::webhook::{WebhookEndpoints, WebhookWorker};
use donjon::delivery::{Mailbox, RunningWorker, Worker};
use donjon::http::Egress;
use donjon::page::ErrorPagesLayer;
use donjon::provider::{AuthorizationServer, BuildError, Client, ClientError};
use donjon::saml::{Connection, ConnectionError, SamlLayer};
use donjon::session::SessionLayer;
use donjon::store::SqlStore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::Callers;
use crate::config::{Config, ConfigError, ConnectionConfig};
use crate::demo::quietly;
use crate::names::Names;
use crate::notes::Notes;
use crate::page::theme;
use crate::resolver::Resolver;
use crate::saml_users::{SamlUsers, domains};
use crate::staff::Staff;
use crate::{api, home, mailbox, notes, personas, seed, team, test_hooks};

/// How many service accounts an organization may have.
const SERVICE_ACCOUNTS: u32 = 5;

/// The application, and what works for it in the background.
pub(crate) struct App {
    pub(crate) router: Router,
    provider: AuthorizationServer,
    mails: RunningWorker,
    /// Who is told of what happens.
    pub(crate) webhooks: WebhookEndpoints,
    hooks: RunningWorker,
}

impl App {
    /// Puts it together; in the demo with its personas.
    pub(crate) async fn build(
        config: &Config,
        store: SqlStore,
        keyring: Keyring,
        is_demo: bool,
    ) -> Result<Self, BoxError> {
        let sessions = SessionLayer::new(store.clone(), &keyring).base_url(&config.issuer)?;
        let sessions = sessions.pages(theme()?);
        let (callers, notes) = (Callers::of(&store)?, Notes::default());
        // A host that sends real mail gives the worker a mailer of its own.
        let mailbox = Mailbox::default();
        let worker = Worker::new(&store, &keyring, mailbox.clone());
        let webhooks = WebhookEndpoints::new(&store, &keyring);
        let seen = Seen { callers: &callers, notes: &notes, webhooks: &webhooks, mails: &worker };
        let accounts = accounts(config, &store, &keyring, seen, is_demo)?;
        quietly(is_demo, seed::users(config, accounts.accounts())).await?;
        let saml = saml(config, &store, &keyring, accounts.accounts())?;
        let provider = provider(config, &store, &keyring, accounts.accounts()).await?;

        let mut app = Router::new()
            .merge(home::routes(config, is_demo))
            .merge(team::routes(&store))
            .merge(notes::routes(&notes))
            .merge(api::routes(&provider, &callers))
            .layer(Extension(accounts.clone()));
        if config.has_mailbox() {
            app = app.merge(mailbox::routes(mailbox, worker.clone(), config));
        }
        if config.provider.danger_test_hooks {
            app = app.merge(test_hooks::routes(provider.clone()));
        }
        let app = app.layer(accounts.clone()).layer(provider.clone()).layer(saml).layer(sessions);
        // What goes wrong anywhere inside ends on a page of ours.
        let router =
            app.layer(CatchPanicLayer::new()).layer(ErrorPagesLayer::new(theme()?).home("/"));
        if is_demo {
            quietly(is_demo, personas::seed(&accounts, router.clone())).await?;
        }
        let hooks = WebhookWorker::new(&store, &keyring, &egress(config)?).start();
        Ok(Self { router, provider, mails: worker.start(), webhooks, hooks })
    }

    /// Brings what goes on in the background to an end.
    pub(crate) async fn stop(self) {
        self.provider.shut_down().await;
        self.mails.stop().await;
        self.hooks.stop().await;
    }
}

/// What the pages of users and administrators show besides accounts.
struct Seen<'a> {
    callers: &'a Callers,
    notes: &'a Notes,
    webhooks: &'a WebhookEndpoints,
    mails: &'a Worker,
}

/// The users of our own: every page there is.
fn accounts(
    config: &Config,
    store: &SqlStore,
    keyring: &Keyring,
    Seen { callers, notes, webhooks, mails }: Seen<'_>,
    is_demo: bool,
) -> Result<AccountLayer, BoxError> {
    let doors = config.saml.connections.iter().map(|c| OtherLogin::new(c.name(), c.login_path()));
    let accounts = AccountLayer::builder(store, keyring, &config.issuer)
        .pages(theme()?)
        .other_logins(doors)
        .api_tokens(&callers.tokens)
        .apps(&callers.apps)
        .organizations(OrganizationPolicy {
            single_sign_on: true,
            service_accounts: Some(SERVICE_ACCOUNTS),
            ..Default::default()
        })
        .account_hook(Names)
        .sign_up_fields(Names::fields())
        .export_source(notes.clone())
        .deletion_hook(notes.clone())
        .administrators(Staff)
        .webhooks(webhooks)
        .mails(mails);
    // They belong to a name, and an address has none.
    #[cfg(feature = "passkeys")]
    let accounts = match RelyingParty::at(&config.issuer) {
        Ok(_) => accounts.passkeys(Passkeys::default()),
        Err(_) => accounts,
    };
    #[cfg(feature = "social")]
    let accounts = match is_demo {
        true => accounts.social(crate::lantern::social(egress(config)?)),
        false => accounts,
    };
    #[cfg(not(feature = "social"))]
    let _ = is_demo;
    Ok(accounts.build()?)
}

/// The identity providers of customers.
fn saml(
    config: &Config,
    store: &SqlStore,
    keyring: &Keyring,
    accounts: &Accounts,
) -> Result<SamlLayer, BoxError> {
    let connections = &config.saml.connections;
    domains::warnings(config).for_each(|warning| tracing::warn!("{warning}"));
    let mapper = Arc::new(SamlUsers::new(accounts, connections));
    let mut layer = SamlLayer::builder(store, keyring, &config.issuer, mapper).pages(theme()?);
    for (index, connection) in connections.iter().enumerate() {
        let ConnectionConfig { id, idp_metadata, name_id_format, .. } = connection;
        let key = |key: &str| format!("saml.connections[{index}].{key}");
        let metadata = config.read_file(&key("idp_metadata"), idp_metadata)?;
        let connection = Connection::from_metadata(id, &metadata, SystemClock.now());
        let mut connection = connection.map_err(|error| match error {
            ConnectionError::InvalidId(_) => config.fault(key("id"), error),
            error => config.fault(key("idp_metadata"), error),
        })?;
        connection.name_id_format = name_id_format.clone();
        layer = layer.connection(connection);
    }
    Ok(layer.build().map_err(|error| config.fault("saml.connections", error))?)
}

/// The authorization server.
async fn provider(
    config: &Config,
    store: &SqlStore,
    keyring: &Keyring,
    accounts: &Accounts,
) -> Result<AuthorizationServer, BoxError> {
    let clients = config.clients.iter().cloned().map(Client::new).enumerate();
    let clients = clients.map(|(index, client)| {
        client.map_err(|error| match error {
            ClientError::Invalid { field, fault, .. } => {
                config.fault(format!("clients[{index}].{field}"), fault)
            }
            error => config.fault(format!("clients[{index}]"), error),
        })
    });
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let server = AuthorizationServer::builder(&config.issuer)
        .resolver(Arc::new(Resolver { accounts: accounts.clone() }))
        .store(store)
        .keyring(keyring.clone())
        .pages(theme()?)
        .clients(clients)
        .scopes([api::SCOPE])
        .egress(egress(config)?)
        .build()
        .await;
    server.map_err(|error| match error {
        BuildError::Client(error) => config.fault("clients", error).into(),
        error => BoxError::from(error),
    })
}

/// What fetches the addresses that others name.
fn egress(config: &Config) -> Result<Egress, ConfigError> {
    const KEY: &str = "egress.extra_roots";
    let mut egress = Egress::builder().danger_allow(config.egress.danger_allow.iter().copied());
    if let Some(file) = &config.egress.extra_roots {
        let roots = egress.extra_roots(&config.read_file(KEY, file)?);
        egress =
            roots.map_err(|error| config.fault(KEY, format!("{}: {error}", file.display())))?;
    }
    Ok(egress.build())
}

#[cfg(test)]
mod tests;
