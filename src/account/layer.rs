use std::sync::{Arc, Once, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use tower_layer::Layer;

use super::accounts::Accounts;
use super::admin::impersonate;
use super::admin::permitted::end_unpermitted;
use super::builder::AccountLayerBuilder;
use super::deletion::{execute_due, remove_abandoned};
use super::json;
use super::organization::Organizations;
use super::site::{Site, answer};
use crate::crypto::Keyring;
use crate::http::{Body, Mount, Mounted, Reader, Rejection, Role, wants_json};
use crate::page::{Rejected, reject};
use crate::scope::CurrentScope;
use crate::store::{AccountStore, StoreError};

const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_BATCH: u32 = 500;
/// How long tokens that are over are still shown to their owners.
const TOKENS_KEPT: time::Duration = time::Duration::days(90);

/// Answers the account pages, and passes all other requests to the service it wraps. Cheap to
/// clone. See the [module](super).
#[derive(Clone, Debug)]
pub struct AccountLayer {
    site: Arc<Site>,
    /// The same, for programs.
    in_json: Arc<Site>,
    accounts: Accounts,
    sweeping: Arc<Once>,
}

impl AccountLayer {
    /// Begins a layer over `store`, whose mails are sealed with `keyring`. Links lead to
    /// `base_url`, where browsers reach the application: an origin, https or on loopback.
    pub fn builder(
        store: impl Into<Arc<dyn AccountStore>>,
        keyring: &Keyring,
        base_url: impl Into<String>,
    ) -> AccountLayerBuilder {
        AccountLayerBuilder::new(store.into(), keyring.clone(), base_url.into())
    }

    pub(super) fn new(site: Arc<Site>, accounts: Accounts) -> Self {
        let in_json = Arc::new(site.in_json());
        Self { site, in_json, accounts, sweeping: Arc::new(Once::new()) }
    }

    /// What the flows work with.
    #[cfg(feature = "testing")]
    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// The tokens of providers, for the host's own code.
    #[cfg(feature = "social")]
    pub fn provider_tokens(&self) -> super::social::ProviderTokens {
        super::social::ProviderTokens::new(Arc::clone(&self.site))
    }

    /// The accounts, for the host's own code.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// What must be seen on every page while an administrator acts as a user: a piece of HTML with a
    /// button to stop. `None` at all other times.
    pub fn impersonation_banner(&self, scope: &CurrentScope) -> Option<String> {
        impersonate::banner(&self.site, scope)
    }

    /// Deletes accounts whose time has come, a few at a time; answers how many were taken in hand.
    /// The task that [`Layer::layer`] starts does it every minute: this is for tests, and for a
    /// host that calls it when it likes.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); what was begun is gone on with later.
    pub async fn execute_due_deletions(&self) -> crate::store::Result<u64> {
        execute_due(&self.site).await
    }

    /// Removes accounts of which nothing came ([`Policy::abandoned_for`](super::Policy::abandoned_for)),
    /// some at a time; answers how many. The task that [`Layer::layer`] starts does it every minute:
    /// this is for tests, and for a host that calls it when it likes.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn remove_abandoned(&self) -> crate::store::Result<u64> {
        remove_abandoned(&self.site).await
    }

    /// Ends the impersonations that the [`AdminAuthorizer`](super::AdminAuthorizer) does not permit any
    /// more; answers how many. The task that [`Layer::layer`] starts does it every minute: this is for
    /// tests, and for a host that has just taken somebody's rights away.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn end_unpermitted_impersonations(&self) -> crate::store::Result<u64> {
        end_unpermitted(&self.site).await
    }

    /// The organizations, for the host's own code.
    pub fn organizations(&self) -> Organizations {
        Organizations::new(Arc::clone(&self.site))
    }
}

/// The service that [`AccountLayer`] makes.
pub type AccountService<S> = Mounted<AccountLayer, S>;

impl Role for AccountLayer {
    fn mount(&self, _: &Method, path: &str) -> Option<Mount> {
        self.site.flow(path).map(|flow| flow.mount())
    }

    fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            if wants_json(request.headers()) {
                json::answer(&self.in_json, request).await
            } else {
                answer(&self.site, request).await
            }
        })
    }

    fn origin(&self) -> Option<&str> {
        Some(&self.site.origin)
    }

    fn reject(&self, rejection: Rejection, reader: Reader) -> Response<Body> {
        let page = Rejected::new(rejection).with_home(&self.site.paths.home);
        reject(&*self.site.pages, reader, &page)
    }
}

impl<S> Layer<S> for AccountLayer {
    type Service = AccountService<S>;

    /// Inside a tokio runtime, the first call also starts the tasks that remove links, counters
    /// and limits that are over, accounts that are to be deleted or of which nothing came, and
    /// impersonations that are not permitted any more; they end with the last service and the last
    /// [`Accounts`].
    fn layer(&self, inner: S) -> Self::Service {
        self.sweeping.call_once(|| start_sweeping(&self.site));
        Mounted::new(Arc::new(self.clone()), inner)
    }
}

fn start_sweeping(site: &Arc<Site>) {
    let weak = Arc::downgrade(site);
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => {
            if site.authorizer.is_some() {
                drop(runtime.spawn(watch_impersonations(weak.clone())));
            }
            // Apart: the host may take its time to delete an account, and holds nothing else up.
            drop(runtime.spawn(repeat(weak.clone(), |site| Box::pin(execute_due(site)))));
            #[cfg(feature = "social")]
            drop(
                runtime
                    .spawn(repeat(weak.clone(), |site| Box::pin(super::social::revoke_due(site)))),
            );
            drop(runtime.spawn(repeat(weak, |site| Box::pin(sweep_batch(site)))));
        }
        Err(_) => tracing::warn!("expired links are not swept: no tokio runtime to do it in"),
    }
}

/// One batch of what is done every minute: answers how much there was.
type Batch = for<'s> fn(&'s Site) -> BoxFuture<'s, Result<u64, StoreError>>;

async fn repeat(site: Weak<Site>, batch: Batch) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        loop {
            let Some(site) = site.upgrade() else { return };
            match batch(&site).await {
                Ok(0) => break,
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => {
                    tracing::warn!(%error, "what is over could not be swept");
                    break;
                }
            }
        }
    }
}

async fn watch_impersonations(site: Weak<Site>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(site) = site.upgrade() else { return };
        if let Err(error) = end_unpermitted(&site).await {
            tracing::warn!(%error, "it is not known who may go on acting as a user");
        }
    }
}

/// One batch of everything that is over.
async fn sweep_batch(site: &Site) -> Result<u64, StoreError> {
    let now = site.now();
    let removed = site.store.sweep_accounts(now, SWEEP_BATCH).await?;
    let tokens = site.store.sweep_api_tokens(now - TOKENS_KEPT, SWEEP_BATCH).await?;
    let cancelled = site.store.sweep_deletions(now, SWEEP_BATCH).await?;
    let invitations = site.store.sweep_invitations(now, SWEEP_BATCH).await?;
    let parked = site.store.sweep_parked_identities(now, SWEEP_BATCH).await?;
    let apps = match &site.apps {
        Some(apps) => apps.store.sweep_app_sessions(now, SWEEP_BATCH).await?,
        None => 0,
    };
    let removed = parked + removed + tokens + cancelled + invitations + apps;
    Ok(removed + remove_abandoned(site).await?)
}
