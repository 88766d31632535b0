//! The stack: the host's own routes, and the layers around them.

use std::sync::Arc;

use axum::{BoxError, Router};
use donjon::account::{AccountLayer, Accounts};
use donjon::crypto::{Clock as _, Keyring, SystemClock};
use donjon::delivery::{Mailbox, RunningWorker, Worker};
use donjon::http::Egress;
use donjon::provider::{AuthorizationServer, Client};
use donjon::saml::{Connection, SamlLayer};
use donjon::session::SessionLayer;
use donjon::store::SqlStore;

use crate::config::{self, Config, ConnectionConfig, EgressConfig};
use crate::page::theme;
use crate::resolver::Resolver;
use crate::saml_users::SamlUsers;
use crate::{api, home, mailbox, seed, test_hooks};

/// The application, and what works for it in the background.
pub(crate) struct App {
    pub(crate) router: Router,
    provider: AuthorizationServer,
    mails: RunningWorker,
}

impl App {
    pub(crate) async fn build(
        config: &Config,
        store: SqlStore,
        keyring: Keyring,
    ) -> Result<Self, BoxError> {
        let sessions = SessionLayer::new(store.clone(), &keyring).base_url(&config.issuer)?;
        let accounts =
            AccountLayer::builder(&store, &keyring, &config.issuer).pages(theme()?).build()?;
        seed::users(&config.users, accounts.accounts()).await?;
        let saml = saml(config, &store, &keyring, accounts.accounts())?;
        let provider = provider(config, &store, &keyring, accounts.accounts()).await?;

        // A host that sends real mail gives the worker a mailer of its own.
        let mailbox = Mailbox::default();
        let worker = Worker::new(&store, &keyring, mailbox.clone());

        let mut app = Router::new().merge(home::routes(config)).merge(api::routes(&provider));
        if config.has_mailbox() {
            app = app.merge(mailbox::routes(mailbox, worker.clone()));
        }
        if config.provider.danger_test_hooks {
            app = app.merge(test_hooks::routes(provider.clone()));
        }
        let router = app.layer(accounts).layer(provider.clone()).layer(saml).layer(sessions);
        Ok(Self { router, provider, mails: worker.start() })
    }

    /// Brings what goes on in the background to an end.
    pub(crate) async fn stop(self) {
        self.provider.shut_down().await;
        self.mails.stop().await;
    }
}

/// The identity providers of customers.
fn saml(
    config: &Config,
    store: &SqlStore,
    keyring: &Keyring,
    accounts: &Accounts,
) -> Result<SamlLayer, BoxError> {
    let connections = &config.saml.connections;
    let mapper = Arc::new(SamlUsers::new(accounts, connections));
    let mut layer = SamlLayer::builder(store, keyring, &config.issuer, mapper).pages(theme()?);
    for ConnectionConfig { id, idp_metadata, name_id_format, .. } in connections {
        let metadata = config::read(idp_metadata)?;
        let mut connection = Connection::from_metadata(id, &metadata, SystemClock.now())?;
        connection.name_id_format = name_id_format.clone();
        layer = layer.connection(connection);
    }
    Ok(layer.build()?)
}

/// The authorization server.
async fn provider(
    config: &Config,
    store: &SqlStore,
    keyring: &Keyring,
    accounts: &Accounts,
) -> Result<AuthorizationServer, BoxError> {
    let clients = config.clients.iter().cloned().map(Client::new).collect::<Result<Vec<_>, _>>()?;
    let server = AuthorizationServer::builder(&config.issuer)
        .resolver(Arc::new(Resolver { accounts: accounts.clone() }))
        .store(store)
        .keyring(keyring.clone())
        .pages(theme()?)
        .clients(clients)
        .scopes([api::SCOPE])
        .egress(egress(&config.egress)?)
        .build()
        .await?;
    Ok(server)
}

/// What fetches the addresses that others name.
fn egress(config: &EgressConfig) -> Result<Egress, BoxError> {
    let mut egress = Egress::builder().danger_allow(config.danger_allow.iter().copied());
    if let Some(roots) = &config.extra_roots {
        egress = egress.extra_roots(&config::read(roots)?)?;
    }
    Ok(egress.build())
}
