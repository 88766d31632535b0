//! Passwords, as others than their users see to them.

use super::By;
use crate::account::letters::{Linked, password_chosen};
use crate::account::password::{Busy, check_length};
use crate::account::site::Site;
use crate::account::trip::Trip;
use crate::account::{Accounts, Email};
use crate::audit::Action;
use crate::crypto::Redacted;
use crate::page::PasswordProblem;
use crate::scope::UserId;
use crate::store::{
    LinkRequest, LoginCounter, NewPassword, PasswordChange, PasswordRemoval, Result, Standing,
    StoreError,
};

/// How often a password is set again after another one came before it.
const TRIES: usize = 8;

/// How it ended to mail a link to a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetMail {
    /// It is mailed; older ones open nothing any more.
    Sent,
    /// Too many were asked for of late ([`Policy::link_requests`](crate::account::Policy::link_requests)),
    /// by whomever.
    TooOften,
    /// The account has no address.
    NoAddress,
    /// There is no such account, or it is deleted.
    NoAccount,
}

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetPasswordError {
    /// The password cannot be chosen.
    #[error("the password is too short or too long")]
    Password(PasswordProblem),
    /// There is no such account, or it is going to be deleted.
    #[error("there is no such account, or it is going to be deleted")]
    NoAccount,
    /// Nobody's fault: others changed it again and again in between.
    #[error("the password is being changed by too many at once")]
    Contended,
    /// Too many passwords at a time.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Gives a user this password, in the place of the one they have, if any. Every session and every
    /// link of theirs ends, no browser is known to be theirs any more, and a change that was
    /// [required](Accounts::require_password_change) is made. The owner is told by mail. Of the rules
    /// only the length counts: the host vouches for the rest.
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
    /// accounts.set_password(alice.id(), "Welcome-back-17", &By::system()).await?;
    /// // So that nobody but the owner knows it for long:
    /// accounts.require_password_change(alice.id(), &By::system()).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`SetPasswordError`].
    pub async fn set_password(
        &self,
        id: &UserId,
        password: &str,
        by: &By,
    ) -> std::result::Result<(), SetPasswordError> {
        check_length(password, self.password_length).map_err(SetPasswordError::Password)?;
        let site = &self.site;
        let hash = self.passwords.hash(Redacted(password.to_owned())).await?;
        for _ in 0..TRIES {
            let Some(user) = site.store.load_login_user(id).await? else {
                return Err(SetPasswordError::NoAccount);
            };
            // What the account becomes after this moves the epoch.
            let standing = site.store.standing(id).await?;
            let stays = |it: &Standing| it.deletion_at.is_none() && it.deleted_at.is_none();
            if !standing.as_ref().is_some_and(stays) {
                return Err(SetPasswordError::NoAccount);
            }
            let is_first = user.password.is_none();
            let action = if is_first { Action::SET_PASSWORD } else { Action::CHANGE_PASSWORD };
            let mut along = site.effects(by.entry(action, id));
            if let Some(to) = user.account.email() {
                let letter = |forgot| password_chosen(is_first, forgot);
                along = along.and_delivery(site.letters.notice(to, letter, site.now()));
            }
            let change = NewPassword {
                user: id.clone(),
                replaces: user.password,
                password: hash.clone(),
                keep: None,
                epoch: Some(user.device_epoch),
                counter: LoginCounter::Address,
                chosen_at: site.now(),
            };
            if let PasswordChange::Done { .. } = site.store.change_password(&change, &along).await?
            {
                along.announce();
                return Ok(());
            }
        }
        Err(SetPasswordError::Contended)
    }

    /// Takes the password of a user away: they log in by other means from now on, or set another one by
    /// mail. Every session and every link of theirs ends, and no browser is known to be theirs any more.
    /// Of callers who do it at once exactly one is told [`PasswordRemoval::Removed`]. Nothing is mailed.
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
    /// use donjon::store::PasswordRemoval;
    ///
    /// let alice = accounts.create("alice@example.test", Some("Welcome-17"), Default::default(), true);
    /// let told = accounts.remove_password(alice.await?.id(), &By::system()).await?;
    /// assert_eq!(told, PasswordRemoval::Removed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`]; nothing changed.
    pub async fn remove_password(&self, id: &UserId, by: &By) -> Result<PasswordRemoval> {
        let along = self.site.effects(by.entry(Action::REMOVE_PASSWORD, id));
        let told = self.store.remove_password(id, &along, self.clock.now()).await?;
        if told == PasswordRemoval::Removed {
            along.announce();
        }
        Ok(told)
    }

    /// Has the user choose another password: the next login, by whichever way, leads to a page for
    /// that and gets no session before. All sessions of the user end, and logins that are under way
    /// do not stand. `false` if there is no such account. Nothing is mailed.
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
    /// let alice = accounts.create("alice@example.test", Some("Welcome-17"), Default::default(), true);
    /// assert!(accounts.require_password_change(alice.await?.id(), &By::system()).await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`]; nothing changed.
    pub async fn require_password_change(&self, id: &UserId, by: &By) -> Result<bool> {
        require_password_change(&self.site, id, by).await
    }

    /// Mails a link to a new password, the same as the user can ask for, under the same limit.
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
    /// use donjon::account::{By, ResetMail};
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// assert_eq!(accounts.send_reset(alice.id(), &By::system()).await?, ResetMail::Sent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`]; nothing is mailed.
    pub async fn send_reset(&self, id: &UserId, by: &By) -> Result<ResetMail> {
        send_reset(&self.site, id, by).await
    }
}

pub(in crate::account) async fn require_password_change(
    site: &Site,
    id: &UserId,
    by: &By,
) -> Result<bool> {
    let along = site.effects(by.entry(Action::REQUIRE_PASSWORD_CHANGE, id));
    let marked = site.store.require_password_change(id, &along, site.now()).await?;
    if marked {
        along.announce();
    }
    Ok(marked)
}

pub(in crate::account) async fn send_reset(site: &Site, id: &UserId, by: &By) -> Result<ResetMail> {
    let Some(account) = site.store.find_account(id).await? else {
        return Ok(ResetMail::NoAccount);
    };
    let Some(to) = account.email().and_then(|email| Email::parse(email).ok()) else {
        return Ok(ResetMail::NoAddress);
    };
    let (now, trip) = (site.now(), Trip::default());
    let life = (now, site.policy.reset_for);
    let mut link = site.letters.link(Linked::Reset, &to, (&site.paths, &trip), life);
    let entry = by.entry(Action::REQUEST_LINK, id).with("purpose", "reset");
    link.effects = link.effects.and_entry(entry.at(now, &*site.random));
    let limit = site.policy.link_requests;
    Ok(match site.store.request_link(to.as_str(), &link, limit, now).await? {
        LinkRequest::Sent => {
            link.effects.announce();
            ResetMail::Sent
        }
        LinkRequest::Limited => ResetMail::TooOften,
        LinkRequest::NoAccount => ResetMail::NoAccount,
    })
}
