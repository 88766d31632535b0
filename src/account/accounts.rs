use std::sync::Arc;

use super::password::{Busy, PasswordPool, check_length};
use super::second_factor::Factors;
use super::site::Site;
use super::{Email, InvalidEmail};
use crate::audit::{Action, AuditActor, Entry};
use crate::crypto::{Clock, Random, RandomExt as _, Redacted};
use crate::page::{PasswordLength, PasswordProblem};
use crate::scope::{Account, Attributes, UserId, storable, storable_text};
use crate::store::{
    AccountStore, Effects, EmailChange, EmailChanged, EmailProof, NewUser, Registration, StoreError,
};

/// The accounts, for the host's own code: to seed, to import, to find, and all that administrators do
/// on their pages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(super) site: Arc<Site>,
    pub(super) store: Arc<dyn AccountStore>,
    pub(super) passwords: PasswordPool,
    pub(super) password_length: PasswordLength,
    pub(super) factors: Arc<Factors>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The address is none.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// The address has an account.
    #[error("the address already has an account")]
    EmailTaken,
    /// The password cannot be chosen.
    #[error("the password is too short or too long")]
    Password(PasswordProblem),
    /// Too many passwords at a time.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the address of an account was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeEmailError {
    /// The address is none.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// Another account has the address, and has confirmed it.
    #[error("the address belongs to another account")]
    EmailTaken,
    /// There is no such account, or it is going to be deleted.
    #[error("there is no such account, or it is going to be deleted")]
    NoAccount,
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Makes an account that the host vouches for; nothing is mailed. Without a password its
    /// owner logs in by other means, or sets one by mail. `verified` says whether the owner is
    /// known to hold the address.
    ///
    /// # Errors
    /// [`CreateError`].
    pub async fn create(
        &self,
        email: &str,
        password: Option<&str>,
        attributes: Attributes,
        verified: bool,
    ) -> Result<Account, CreateError> {
        let email = Email::parse(email)?;
        let password = match password {
            Some(password) => {
                check_length(password, self.password_length).map_err(CreateError::Password)?;
                Some(self.passwords.hash(Redacted(password.to_owned())).await?)
            }
            None => None,
        };
        let created_at = self.clock.now();
        let account = Account::new(UserId::from(self.random.uuid_v7(created_at)))
            .with_email(email.as_str(), verified)
            .with_attributes(attributes);
        let user = NewUser { account: account.clone(), password, created_at };
        let entry = Entry::new(Action::CREATE).by(AuditActor::System);
        let along = Effects::from(entry.at(created_at, &*self.random));
        match self.store.create_user(&user, &along).await? {
            Registration::Registered => {
                along.announce();
                Ok(account)
            }
            Registration::EmailTaken => Err(CreateError::EmailTaken),
        }
    }

    /// Gives an account an attribute that it has not got yet, and answers what it has then: of
    /// two callers the first one's value stays, and both are told so. `None` if there is no such
    /// account. For facts that must not change under anybody's feet, such as the name that an
    /// identity provider knows the user by. In texts U+0000 becomes U+FFFD, as in
    /// [`Account::with_attributes`].
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
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let first = accounts.claim_attribute(alice.id(), "payroll", &"A-17".into()).await?;
    /// let again = accounts.claim_attribute(alice.id(), "payroll", &"B-99".into()).await?;
    /// assert_eq!((first, again), (Some("A-17".into()), Some("A-17".into())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_attribute(
        &self,
        id: &UserId,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<Option<serde_json::Value>, StoreError> {
        let (name, value) = (storable_text(name.to_owned()), storable(value.clone()));
        self.store.claim_attribute(id, &name, &value).await
    }

    /// Gives an account another address, which the host vouches for as its owner's. Every session of
    /// the user ends, and so does every link that was mailed; who signed up with the address and
    /// never confirmed it loses it. Nothing is mailed. Into a domain for which single sign-on is enforced
    /// the user takes nothing that came another way: no session, and no grant of an application.
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
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// accounts.change_email(alice.id(), "alice@new.example.test").await?;
    /// let found = accounts.find_by_email("alice@new.example.test").await?;
    /// assert_eq!(found.map(|found| found.id().clone()).as_ref(), Some(alice.id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`ChangeEmailError`].
    pub async fn change_email(&self, id: &UserId, email: &str) -> Result<(), ChangeEmailError> {
        let (email, at) = (Email::parse(email)?, self.clock.now());
        let entry = || Entry::new(Action::CHANGE_EMAIL).by(AuditActor::System);
        let written = |entry: Entry| Effects::from(entry.at(at, &*self.random));
        let along = written(entry().with("email", email.as_str()));
        let proof = EmailProof::Host(email.as_str().to_owned());
        let change = EmailChange { user: id.clone(), proof, keep: None, at };
        let released = written(entry().with("released", true));
        match self.store.change_email(&change, &along, &released).await? {
            EmailChanged::Done { .. } => {
                along.announce();
                released.announce_if_written();
                Ok(())
            }
            EmailChanged::Taken => Err(ChangeEmailError::EmailTaken),
            EmailChanged::Invalid | EmailChanged::Managed => Err(ChangeEmailError::NoAccount),
        }
    }

    /// The account with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        self.store.find_account(id).await
    }

    /// The account with this address, however it is spelt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        match Email::parse(email) {
            Ok(email) => self.store.find_account_by_email(email.as_str()).await,
            Err(InvalidEmail) => Ok(None),
        }
    }
}
