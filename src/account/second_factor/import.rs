use crate::account::Accounts;
use crate::account::mfa::TotpSecret;
use crate::audit::{Action, AuditActor, Entry};
use crate::scope::UserId;
use crate::store::{Effects, Enrolment, NewTotp, StoreError};

impl Accounts {
    /// Gives a user the authenticator app that they have set up elsewhere, as when users move here
    /// from another system ([`TotpSecret::imported`]): from now on a login takes a code of it. Answers fresh backup codes, in
    /// plain, for the host to hand over or to drop; `None`, and nothing changes, if the user has an
    /// app already or there is no such account. Nothing is mailed.
    ///
    /// Which codes were used elsewhere nobody knows here, so each works once more.
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
    /// use donjon::account::mfa::TotpSecret;
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let secret = TotpSecret::imported(b"from the old system!")?;
    /// let codes = accounts.import_totp(alice.id(), &secret).await?;
    /// assert_eq!(codes.map(|codes| codes.len()), Some(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn import_totp(
        &self,
        id: &UserId,
        secret: &TotpSecret,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let (now, random) = (self.clock.now(), &*self.random);
        let (codes, backup_codes) = self.factors.backup_codes(random, id);
        let totp = NewTotp {
            user: id.clone(),
            secret: self.factors.seal(random, id, secret),
            step: 0,
            backup_codes,
            created_at: now,
        };
        let entry = Entry::new(Action::ENROLL).by(AuditActor::System).about(id);
        let along = Effects::from(entry.at(now, random));
        match self.store.enroll_totp(&totp, None, &along).await? {
            Enrolment::Enrolled => {
                along.announce();
                Ok(Some(codes))
            }
            Enrolment::Refused => Ok(None),
        }
    }
}
