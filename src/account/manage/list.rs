//! Looking for accounts.

use crate::account::Accounts;
use crate::account::site::Site;
use crate::scope::{UserId, storable_text};
use crate::store::{AccountFilter, AccountSummary, Result};

/// The most accounts of one page.
const MAX_PAGE: u32 = 500;
/// The longest prefix that is looked for, in characters.
const PREFIX: usize = 254;

/// A question for accounts. All its conditions must hold.
#[derive(Clone, Debug)]
#[must_use]
pub struct AccountQuery<'a> {
    accounts: &'a Accounts,
    filter: AccountFilter,
}

/// Some accounts, those made last first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<AccountSummary>,
    /// Where the next page begins, if there is one: for [`AccountQuery::before`].
    pub next: Option<UserId>,
}

impl Accounts {
    /// Begins a query for all accounts, deleted ones too as far as anything is left of them.
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
    /// for name in ["ann", "bob", "anton"] {
    ///     let email = format!("{name}@example.test");
    ///     accounts.create(&email, None, Default::default(), true).await?;
    /// }
    /// let all = accounts.query().email("an");
    /// let page = all.clone().newest(1).await?;
    /// let next = page.next.ok_or("there is another one")?;
    /// let last = all.before(&next).newest(1).await?;
    /// assert_eq!(last.accounts[0].account.email(), Some("ann@example.test"));
    /// assert_eq!(last.next, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn query(&self) -> AccountQuery<'_> {
        AccountQuery { accounts: self, filter: AccountFilter::default() }
    }
}

impl AccountQuery<'_> {
    /// With an address that begins so, however it is spelt.
    pub fn email(mut self, prefix: &str) -> Self {
        self.filter.email_prefix = begins(prefix);
        self
    }

    /// Made before this one: goes on after a page.
    pub fn before(mut self, cursor: &UserId) -> Self {
        self.filter.before = Some(cursor.clone());
        self
    }

    /// The newest accounts that fit, at most `limit` and never more than 500.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn newest(&self, limit: u32) -> Result<AccountPage> {
        read(&self.accounts.site, &self.filter, limit.clamp(1, MAX_PAGE)).await
    }
}

/// How an address begins, from what somebody typed.
pub(in crate::account) fn begins(typed: &str) -> String {
    storable_text(typed.trim().to_lowercase().chars().take(PREFIX).collect())
}

pub(in crate::account) async fn read(
    site: &Site,
    filter: &AccountFilter,
    limit: u32,
) -> Result<AccountPage> {
    let mut accounts = site.store.list_accounts(filter, limit.saturating_add(1)).await?;
    let more = accounts.len() > limit as usize;
    accounts.truncate(limit as usize);
    let last = accounts.last().filter(|_| more);
    let next = last.map(|summary| summary.account.id().clone());
    Ok(AccountPage { accounts, next })
}
