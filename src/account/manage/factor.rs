//! A second factor that is lost, taken away so that the password alone logs in.

use super::{By, is_there};
use crate::account::Accounts;
use crate::account::site::Site;
use crate::audit::Action;
use crate::page::Letter;
use crate::scope::UserId;
use crate::store::{Effects, FactorRemoval, PasskeyRemoval, Result};

/// How it ended to take a second factor away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecondFactorRemoval {
    /// What there was is gone, but for a passkey that is the only way in.
    Removed,
    /// There is a passkey and nothing else, neither a password nor another provider: it stays.
    LastWayIn,
    /// Something stays, since nobody else is the owner who comes in although single sign-on is enforced.
    LastToComeIn,
    /// There is none: nothing changed.
    None,
    /// There is no such account, or it is deleted.
    NoAccount,
}

impl Accounts {
    /// Takes a user's second factor away: the passkeys, but for one that is the only way in, and the
    /// app with its backup codes, so that the password alone logs in. The owner is told by mail, and
    /// no browser is known to be theirs any more.
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
    /// use donjon::account::{By, SecondFactorRemoval};
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let secret = TotpSecret::imported(b"from the old system!")?;
    /// accounts.import_totp(alice.id(), &secret).await?;
    /// let by = By::system().because("the telephone is lost; seen in person");
    /// let removed = accounts.remove_second_factor(alice.id(), &by).await?;
    /// assert_eq!(removed, SecondFactorRemoval::Removed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); of several factors some may be gone by then.
    pub async fn remove_second_factor(&self, id: &UserId, by: &By) -> Result<SecondFactorRemoval> {
        remove_second_factor(&self.site, id, by).await
    }
}

/// First the passkeys and then the app, so that whoever has both is told once.
pub(in crate::account) async fn remove_second_factor(
    site: &Site,
    id: &UserId,
    by: &By,
) -> Result<SecondFactorRemoval> {
    let (store, now) = (&site.store, site.now());
    let Some(account) = store.find_account(id).await? else {
        return Ok(SecondFactorRemoval::NoAccount);
    };
    let none_left = |effects: Effects| match account.email() {
        Some(to) => effects.and_delivery(site.letters.notice(
            to,
            |forgot| Letter::SecondFactorRemoved { forgot },
            now,
        )),
        None => effects,
    };
    let (mut is_removed, mut is_needed, mut is_only_way) = (false, false, false);
    for passkey in store.passkeys_of(id).await? {
        let entry = by.entry(Action::REMOVE_PASSKEY, id).to("passkey", passkey.id);
        let (along, last) = (site.effects(entry), none_left(Effects::none()));
        match store.remove_passkey(id, passkey.id, &site.open_ways(), &along, &last).await? {
            PasskeyRemoval::Removed { .. } => {
                along.announce();
                is_removed = true;
            }
            PasskeyRemoval::LastToComeIn => is_needed = true,
            PasskeyRemoval::LastWayIn => is_only_way = true,
            PasskeyRemoval::NotFound => {}
        }
    }
    let along = site.effects(by.entry(Action::DISABLE, id));
    let along = match (store.passkeys_of(id).await?.is_empty(), account.email()) {
        (false, Some(to)) => {
            along.and_delivery(site.letters.notice(to, |forgot| Letter::AppRemoved { forgot }, now))
        }
        _ => none_left(along),
    };
    match store.remove_totp(id, None, &along).await? {
        FactorRemoval::Removed { .. } => {
            along.announce();
            is_removed = true;
        }
        FactorRemoval::LastToComeIn => is_needed = true,
        FactorRemoval::Refused => {}
    }
    Ok(match (is_needed, is_removed, is_only_way) {
        (true, ..) => SecondFactorRemoval::LastToComeIn,
        (_, true, _) => SecondFactorRemoval::Removed,
        (.., true) => SecondFactorRemoval::LastWayIn,
        _ if is_there(site, id).await? => SecondFactorRemoval::None,
        _ => SecondFactorRemoval::NoAccount,
    })
}
