//! The end of an account, asked for by somebody else than its user.

use time::{Duration, OffsetDateTime};

use super::{By, is_there};
use crate::account::Accounts;
use crate::account::deletion::{execute_own, request};
use crate::account::site::Site;
use crate::audit::Action;
use crate::scope::UserId;
use crate::store::{DeletionCancel, DeletionRequest, KeptBy, Result};

/// How it ended to delete an account at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deletion {
    /// It is deleted.
    Deleted,
    /// Nobody comes in any more, and it is too late to keep it; but the host's hook failed, or somebody
    /// else has it in hand. It is gone on with every minute.
    Underway,
    /// It is going to be deleted later, and may be kept until then: nothing changed. To delete it at
    /// once, [keep](Accounts::keep) it first.
    AlreadyScheduled,
    /// The last deletion was cancelled too recently: nothing changed.
    CoolingDown {
        /// Until when.
        until: OffsetDateTime,
    },
    /// These organizations have other members, and no other owner who stays: nothing changed.
    SoleOwner(Vec<String>),
    /// There is no such account, or it is deleted.
    NoAccount,
}

/// How it ended to keep an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keeping {
    /// It stays.
    Kept,
    /// It was not going to be deleted, or it is too late: nothing changed.
    NotLeaving,
    /// There is no such account, or it is deleted.
    NoAccount,
}

impl Accounts {
    /// Asks for the end of an account, as its user may: after the
    /// [grace](crate::account::DeletionPolicy::grace). From now on nobody comes in, and every
    /// session, link and token of the user ends; the link to keep it is mailed. Of callers who ask at
    /// once exactly one is told [`DeletionRequest::Scheduled`].
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
    /// use donjon::account::{By, Keeping};
    /// use donjon::store::DeletionRequest;
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let by = By::system().because("asked for on the telephone");
    /// let asked = accounts.request_deletion(alice.id(), &by).await?;
    /// assert_eq!(asked, DeletionRequest::Scheduled);
    /// assert_eq!(accounts.keep(alice.id(), &by).await?, Keeping::Kept);
    /// let asked = accounts.request_deletion(alice.id(), &by).await?;
    /// assert!(matches!(asked, DeletionRequest::CoolingDown { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); nothing changed.
    pub async fn request_deletion(&self, id: &UserId, by: &By) -> Result<DeletionRequest> {
        request_deletion(&self.site, id, by, self.site.policy.deletion.grace).await
    }

    /// Deletes an account at once, whatever the grace: what the
    /// [`DeletionHook`](crate::account::DeletionHook) does is awaited. The owner is told by mail. An
    /// organization that only this user owns keeps it from being deleted while others are in it.
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
    /// use donjon::account::{By, Deletion};
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// assert_eq!(accounts.delete_now(alice.id(), &By::system()).await?, Deletion::Deleted);
    /// assert!(accounts.find(alice.id()).await?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); if the deletion had been asked for by then it is gone on with.
    pub async fn delete_now(&self, id: &UserId, by: &By) -> Result<Deletion> {
        let asked = request_deletion(&self.site, id, by, Duration::ZERO).await?;
        match asked {
            DeletionRequest::Scheduled | DeletionRequest::AlreadyScheduled => {}
            DeletionRequest::CoolingDown { until } => return Ok(Deletion::CoolingDown { until }),
            DeletionRequest::SoleOwner(names) => return Ok(Deletion::SoleOwner(names)),
            DeletionRequest::NoAccount => return Ok(Deletion::NoAccount),
        }
        // Of one that is only to be deleted later, nothing is brought about.
        execute_own(&self.site, id).await?;
        let now = self.site.now();
        Ok(match self.site.store.standing(id).await? {
            None => Deletion::Deleted,
            Some(standing) if standing.deleted_at.is_some() => Deletion::Deleted,
            Some(standing) if standing.deletion_at.is_some_and(|at| now < at) => {
                Deletion::AlreadyScheduled
            }
            Some(_) => Deletion::Underway,
        })
    }

    /// Keeps an account that is going to be deleted, as its user may. See
    /// [`Accounts::request_deletion`]. Of callers who keep it at once exactly one is told
    /// [`Keeping::Kept`]. Nothing is mailed.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); nothing changed.
    pub async fn keep(&self, id: &UserId, by: &By) -> Result<Keeping> {
        keep(&self.site, id, by).await
    }
}

pub(in crate::account) async fn request_deletion(
    site: &Site,
    id: &UserId,
    by: &By,
    grace: Duration,
) -> Result<DeletionRequest> {
    let Some(account) = site.store.find_account(id).await? else {
        return Ok(DeletionRequest::NoAccount);
    };
    request(site, &account, grace, by.entry(Action::REQUEST_DELETION, id)).await
}

pub(in crate::account) async fn keep(site: &Site, id: &UserId, by: &By) -> Result<Keeping> {
    let along = site.effects(by.entry(Action::CANCEL_DELETION, id));
    let (whom, cooldown) = (KeptBy::Administrator(id.clone()), site.policy.deletion.cooldown);
    match site.store.cancel_deletion(&whom, cooldown, &along, site.now()).await? {
        DeletionCancel::Kept(_) => {
            along.announce();
            Ok(Keeping::Kept)
        }
        DeletionCancel::Late if is_there(site, id).await? => Ok(Keeping::NotLeaving),
        DeletionCancel::Late => Ok(Keeping::NoAccount),
    }
}
