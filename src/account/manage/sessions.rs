use super::By;
use crate::account::Accounts;
use crate::account::site::Site;
use crate::audit::Action;
use crate::scope::{SessionEnd, UserId};
use crate::store::Result;

impl Accounts {
    /// Ends all sessions of a user, those of apps and applications too, as far as they are in the store
    /// of the accounts; with them the API tokens, the links that were mailed and the logins that are
    /// under way, and no browser is known to be the user's any more. Answers how many sessions ended.
    /// Nothing is mailed.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use donjon::account::AccountLayer;
    /// # use donjon::crypto::{Keyring, SystemRandom};
    /// # use donjon::store::SqlStore;
    /// # let store = SqlStore::connect("sqlite::memory:").await?;
    /// # let keyring = Keyring::ephemeral(&SystemRandom);
    /// # let layer = AccountLayer::builder(&store, &keyring, "https://app.example").build()?;
    /// # let accounts = layer.accounts();
    /// use donjon::account::By;
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let by = By::system().because("the laptop was stolen");
    /// assert_eq!(accounts.end_sessions(alice.id(), &by).await?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); nothing changed.
    pub async fn end_sessions(&self, id: &UserId, by: &By) -> Result<u64> {
        end_sessions(&self.site, id, by).await
    }
}

pub(in crate::account) async fn end_sessions(site: &Site, id: &UserId, by: &By) -> Result<u64> {
    let along = site.effects(by.entry(Action::ADMIN_REVOKE_SESSIONS, id));
    let end = SessionEnd::SignedOutEverywhere;
    let ended = site.store.end_sessions_along(id, None, end, &along, site.now()).await?;
    along.announce();
    Ok(ended)
}
