//! What keeps a user out who is let in: an address that is not confirmed, and too many wrong guesses.

use super::{By, is_there};
use crate::account::Accounts;
use crate::audit::Action;
use crate::scope::UserId;
use crate::store::Result;

/// How it ended to confirm an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirming {
    /// It is confirmed.
    Confirmed,
    /// It was: nothing changed.
    AlreadyConfirmed,
    /// The account has no address, or another one this very moment: nothing changed.
    NoAddress,
    /// There is no such account, or it is deleted.
    NoAccount,
}

/// How it ended to unlock an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unlocking {
    /// The wrong guesses are forgotten.
    Unlocked,
    /// There were none: nothing changed.
    NotLocked,
    /// There is no such account, or it is deleted.
    NoAccount,
}

impl Accounts {
    /// Confirms the address of an account by the host's word: its owner holds it, and it was they who
    /// set the account up. Who only knows the first has them choose a password by mail
    /// ([`Accounts::send_reset`]): that confirms it, too, and takes away what somebody else has set up.
    /// Of callers who do it at once exactly one is told [`Confirming::Confirmed`]. Nothing is mailed.
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
    /// use donjon::account::{By, Confirming};
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), false).await?;
    /// let told = accounts.confirm_email(alice.id(), &By::system()).await?;
    /// assert_eq!(told, Confirming::Confirmed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); nothing changed.
    pub async fn confirm_email(&self, id: &UserId, by: &By) -> Result<Confirming> {
        let Some(account) = self.store.find_account(id).await? else {
            return Ok(Confirming::NoAccount);
        };
        let Some(email) = account.email() else { return Ok(Confirming::NoAddress) };
        let along = self.site.effects(by.entry(Action::CONFIRM_EMAIL, id));
        if self.store.vouch_for_email(id, email, &along).await? {
            along.announce();
            return Ok(Confirming::Confirmed);
        }
        if !is_there(&self.site, id).await? {
            return Ok(Confirming::NoAccount);
        }
        let now = self.store.find_account(id).await?;
        let is_same = |now: &crate::scope::Account| now.email() == Some(email);
        Ok(match now.as_ref().is_some_and(is_same) {
            true => Confirming::AlreadyConfirmed,
            false => Confirming::NoAddress,
        })
    }

    /// Lets a user in again whom too many wrong passwords or codes keep out, whoever typed them: what is
    /// counted for the account is forgotten. How often forms may be posted
    /// ([`Limits`](crate::account::Limits)) stays as it is. Of callers who do it at once exactly one is
    /// told [`Unlocking::Unlocked`]. Nothing is mailed.
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
    /// use donjon::account::{By, Unlocking};
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let told = accounts.unlock(alice.id(), &By::system()).await?;
    /// assert_eq!(told, Unlocking::NotLocked);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); nothing changed.
    pub async fn unlock(&self, id: &UserId, by: &By) -> Result<Unlocking> {
        let along = self.site.effects(by.entry(Action::UNLOCK, id));
        if self.store.unlock(id, &along).await? {
            along.announce();
            return Ok(Unlocking::Unlocked);
        }
        Ok(match is_there(&self.site, id).await? {
            true => Unlocking::NotLocked,
            false => Unlocking::NoAccount,
        })
    }
}
