//! Accounts that come with the password hash of another system.

use super::password::{StoredCost, StoredHash, StoredHashError};
use super::{Accounts, Email, InvalidEmail};
use crate::audit::{Action, AuditActor, Entry};
use crate::crypto::{RandomExt as _, Redacted};
use crate::scope::{Account, Attributes, UserId};
use crate::store::{Effects, NewUser, Registration, StoreError};

/// Why an account was not imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The address is none.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// The address has an account.
    #[error("the address already has an account")]
    EmailTaken,
    /// The hash is none that can be verified here: its user could never log in with it.
    #[error(transparent)]
    Hash(#[from] StoredHashError),
    /// The hash is of a cost that is not declared: a stranger could tell by the time of a login that the
    /// account is there.
    #[error(
        "password hashes that begin with {0} are not declared: name StoredCost::{0:?} to \
         AccountLayerBuilder::stored_as"
    )]
    Undeclared(StoredCost),
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Makes an account whose owner has chosen a password elsewhere: `hash` is what the other system
    /// has stored, in one of the forms of [`StoredHash`]. Whoever logs in with that password is let
    /// in, and the hash is replaced by one made here. Nothing is mailed, and the password is held to
    /// no rules. `verified` says whether the owner is known to hold the address.
    ///
    /// What such hashes cost has to be declared
    /// ([`AccountLayerBuilder::stored_as`](super::AccountLayerBuilder::stored_as)), so that logging in
    /// takes everybody the same time, and for as long as one of them is stored.
    ///
    /// Who has no password is made by [`Accounts::create`]; a hash that no form fits, such as a bare
    /// MD5, is better left behind: the owner sets a password by mail.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use donjon::account::AccountLayer;
    /// # use donjon::crypto::{Keyring, SystemRandom};
    /// # use donjon::store::SqlStore;
    /// # let store = SqlStore::connect("sqlite::memory:").await?;
    /// # let keyring = Keyring::ephemeral(&SystemRandom);
    /// use donjon::account::ImportError;
    /// use donjon::account::password::StoredCost;
    ///
    /// let layer = AccountLayer::builder(&store, &keyring, "https://app.example")
    ///     .stored_as([StoredCost::Bcrypt { cost: 12 }])
    ///     .build()?;
    /// let accounts = layer.accounts();
    ///
    /// let hash = "$2a$12$K3TvkPBr4LVQAbZHcbT6VOQVdmMKSnVJp0pBUUxDkbWfo1fpJTWxy";
    /// accounts.import("alice@example.test", hash, Default::default(), true).await?;
    ///
    /// let md5 = "5f4dcc3b5aa765d61d8327deb882cf99";
    /// let refused = accounts.import("bob@example.test", md5, Default::default(), true).await;
    /// assert!(matches!(refused, Err(ImportError::Hash(_))));
    /// let slower = hash.replace("$12$", "$13$");
    /// let refused = accounts.import("bob@example.test", &slower, Default::default(), true).await;
    /// let Err(ImportError::Undeclared(cost)) = refused else { panic!("it is not declared") };
    /// assert_eq!(cost, StoredCost::Bcrypt { cost: 13 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import(
        &self,
        email: &str,
        hash: &str,
        attributes: Attributes,
        verified: bool,
    ) -> Result<Account, ImportError> {
        let email = Email::parse(email)?;
        let hash = StoredHash::parse(hash, self.passwords.limits())?;
        if !self.passwords.expects(hash.cost()) {
            return Err(ImportError::Undeclared(hash.cost()));
        }
        let created_at = self.clock.now();
        let account = Account::new(UserId::from(self.random.uuid_v7(created_at)))
            .with_email(email.as_str(), verified)
            .with_attributes(attributes);
        let password: Option<Redacted<String>> = Some(hash.text().clone());
        let user = NewUser { account: account.clone(), password, created_at };
        let entry = Entry::new(Action::CREATE).by(AuditActor::System).with("imported", true);
        let along = Effects::from(entry.at(created_at, &*self.random));
        match self.store.create_user(&user, &along).await? {
            Registration::Registered => {
                along.announce();
                Ok(account)
            }
            Registration::EmailTaken => Err(ImportError::EmailTaken),
        }
    }
}
