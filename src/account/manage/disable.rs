//! Keeping a user out, and letting them in again.

use super::{By, is_there};
use crate::account::Accounts;
use crate::account::site::Site;
use crate::audit::Action;
use crate::scope::UserId;
use crate::store::Result;

/// How it ended to disable an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disabling {
    /// The user is kept out from now on.
    Disabled,
    /// They were already: nothing changed.
    AlreadyDisabled,
    /// There is no such account, or it is deleted.
    NoAccount,
}

/// How it ended to enable an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Enabling {
    /// The user is let in again.
    Enabled,
    /// They were not kept out: nothing changed.
    NotDisabled,
    /// There is no such account, or it is deleted.
    NoAccount,
}

impl Accounts {
    /// Keeps a user out from now on: every session of theirs ends, no login that was begun goes on,
    /// and what they have invited to is void. Of callers who do it at once exactly one is told
    /// [`Disabling::Disabled`]. Nothing is mailed.
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
    /// use donjon::account::{By, Disabling, Enabling};
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let by = By::system().because("unpaid for a year");
    /// assert_eq!(accounts.disable(alice.id(), &by).await?, Disabling::Disabled);
    /// assert_eq!(accounts.disable(alice.id(), &by).await?, Disabling::AlreadyDisabled);
    /// assert_eq!(accounts.enable(alice.id(), &By::system()).await?, Enabling::Enabled);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); nothing changed.
    pub async fn disable(&self, id: &UserId, by: &By) -> Result<Disabling> {
        disable(&self.site, id, by).await
    }

    /// Lets a user in again who was kept out. See [`Accounts::disable`]. Nothing is mailed.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); nothing changed.
    pub async fn enable(&self, id: &UserId, by: &By) -> Result<Enabling> {
        enable(&self.site, id, by).await
    }
}

pub(in crate::account) async fn disable(site: &Site, id: &UserId, by: &By) -> Result<Disabling> {
    let along = site.effects(by.entry(Action::DISABLE_ACCOUNT, id));
    if site.store.disable_account(id, &along, site.now()).await? {
        along.announce();
        return Ok(Disabling::Disabled);
    }
    Ok(match is_there(site, id).await? {
        true => Disabling::AlreadyDisabled,
        false => Disabling::NoAccount,
    })
}

pub(in crate::account) async fn enable(site: &Site, id: &UserId, by: &By) -> Result<Enabling> {
    let along = site.effects(by.entry(Action::ENABLE_ACCOUNT, id));
    if site.store.enable_account(id, &along).await? {
        along.announce();
        return Ok(Enabling::Enabled);
    }
    Ok(match is_there(site, id).await? {
        true => Enabling::NotDisabled,
        false => Enabling::NoAccount,
    })
}
