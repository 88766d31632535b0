use std::sync::Arc;

use async_trait::async_trait;
use donjon::crypto::{Sealed, TokenHash};
use donjon::scope::{SessionId, UserId};
use donjon::store::*;
use donjon::testing::contract::{self, ReceiptParts, WaysInParts};
use time::OffsetDateTime;

use super::unsigned;
use crate::account::receipts;
use crate::account::ways_in::parts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells everybody who registers that they did.
    RegistersEverybody,
    /// Takes whoever has the address for whoever has the identity.
    FindsByAddress,
    /// Says that a login is written, and writes nothing.
    ForgetsLogins,
    /// Does not mind that the user's epoch has moved.
    IgnoresTheEpoch,
    /// Tells everybody who links that they did.
    LinksEverybody,
    /// Takes the last way in away, and says so.
    UnlinksBlindly,
    /// Takes an identity of a provider that is gone for a way in.
    CountsProvidersOfOld,
    /// Gives what waits to everybody.
    GivesTwice,
    /// Says that every mail was written.
    CountsNoMails,
    /// Lets everybody refresh at once.
    LetsAllRefresh,
    /// Writes tokens whatever their version.
    WritesOldTokens,
    /// Lets a login go on with tokens that somebody refreshes.
    OvertakesRefreshes,
    /// Writes the tokens of a login over any others.
    WritesOverOthers,
    /// Gives an account to everybody who takes it over.
    GivesAccountsAgain,
    /// Gives an account that somebody has confirmed to whoever comes from elsewhere.
    GivesConfirmedAccounts,
    /// Does not mind that the session is over.
    IgnoresTheSession,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Says of no login where it was seen.
    SignsNoSighting,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn IdentityStore>,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn open(&self, open: &OpenWays) -> OpenWays {
        let mut open = open.clone();
        if self.is(Fault::CountsProvidersOfOld) {
            open.providers.push("of-old".into());
        }
        open
    }

    fn along(&self, along: &Effects) -> Effects {
        if self.is(Fault::ForgetsWhatGoesAlong) { Effects::none() } else { along.clone() }
    }
}

#[async_trait]
impl IdentityStore for Broken {
    async fn find_identity(
        &self,
        provider: &str,
        subject: &str,
        email: Option<&str>,
    ) -> Result<IdentityOwners> {
        let mut found = self.good.find_identity(provider, subject, email).await?;
        if self.is(Fault::FindsByAddress) && found.identity.is_none() {
            found.identity = found.email.clone().map(|account| LoginUser {
                account,
                password: None,
                device_epoch: 0,
                has_second_factor: false,
                password_set_at: None,
                must_change_password: false,
            });
        }
        Ok(found)
    }

    async fn ways_in(&self, user: &UserId, open: &OpenWays) -> Result<WaysIn> {
        self.good.ways_in(user, &self.open(open)).await
    }

    async fn register_with_identity(
        &self,
        user: &NewUser,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration> {
        let told = self.good.register_with_identity(user, identity, &self.along(along)).await?;
        let lies = self.is(Fault::RegistersEverybody);
        Ok(if lies { IdentityRegistration::Registered } else { told })
    }

    async fn take_over_with_identity(
        &self,
        user: &UserId,
        email: &str,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration> {
        let told = self.good.take_over_with_identity(user, email, identity, along).await?;
        let gives = self.is(Fault::GivesAccountsAgain)
            || self.is(Fault::GivesConfirmedAccounts) && identity.provider == "other";
        if gives && told == IdentityRegistration::EmailTaken {
            self.good.link_identity(user, identity, None, along).await?;
            return Ok(IdentityRegistration::Registered);
        }
        Ok(told)
    }

    async fn log_in_with_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        (epoch, mut replaced): (i64, ReplacedTokens),
        along: &Effects,
    ) -> Result<IdentityUse> {
        let stored = self.good.provider_tokens(user, &identity.provider).await?;
        match (self.fault, replaced, stored.as_ref().map(|stored| stored.version)) {
            (Fault::OvertakesRefreshes, ReplacedTokens::Version(version), Some(stored))
                if version == stored =>
            {
                replaced = ReplacedTokens::Any;
            }
            (Fault::WritesOverOthers, ReplacedTokens::Version(_), Some(stored)) => {
                replaced = ReplacedTokens::Version(stored);
            }
            _ => {}
        }
        if self.is(Fault::ForgetsLogins) {
            return Ok(IdentityUse::Done);
        }
        if self.is(Fault::IgnoresTheEpoch) {
            let found = self.find_identity(&identity.provider, &identity.subject, None).await?;
            let owner = found.identity.filter(|owner| owner.account.id() == user);
            let epoch = owner.map_or(epoch, |owner| owner.device_epoch);
            return self.good.log_in_with_identity(user, identity, (epoch, replaced), along).await;
        }
        let along = if self.is(Fault::SignsNoSighting) { &unsigned(along) } else { along };
        let since = (epoch, replaced);
        self.good.log_in_with_identity(user, identity, since, &self.along(along)).await
    }

    async fn link_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Linking> {
        let made_in = made_in.filter(|_| !self.is(Fault::IgnoresTheSession));
        let told = self.good.link_identity(user, identity, made_in, &self.along(along)).await?;
        Ok(if self.is(Fault::LinksEverybody) { Linking::Linked } else { told })
    }

    async fn unlink_identity(
        &self,
        user: &UserId,
        provider: &str,
        open: &OpenWays,
        along: &Effects,
    ) -> Result<Unlinking> {
        let open = self.open(open);
        let told = self.good.unlink_identity(user, provider, &open, &self.along(along)).await?;
        let lies = self.is(Fault::UnlinksBlindly) && told == Unlinking::LastWayIn;
        Ok(if lies { Unlinking::Unlinked } else { told })
    }

    async fn park_identity(&self, parked: &ParkedIdentity) -> Result<()> {
        self.good.park_identity(parked).await
    }

    async fn park_identity_with_mail(
        &self,
        parked: &ParkedIdentity,
        email: &str,
        mail: &Effects,
        limit: (RateLimit, OffsetDateTime),
    ) -> Result<bool> {
        let told = self.good.park_identity_with_mail(parked, email, mail, limit).await?;
        Ok(told || self.is(Fault::CountsNoMails))
    }

    async fn parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>> {
        self.good.parked_identity(handle, now).await
    }

    async fn take_parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>> {
        if self.is(Fault::GivesTwice) {
            return self.good.parked_identity(handle, now).await;
        }
        self.good.take_parked_identity(handle, now).await
    }

    async fn provider_tokens(&self, user: &UserId, provider: &str) -> Result<Option<StoredTokens>> {
        self.good.provider_tokens(user, provider).await
    }

    async fn begin_token_refresh(
        &self,
        user: &UserId,
        provider: &str,
        version: i64,
        time: (OffsetDateTime, OffsetDateTime),
    ) -> Result<bool> {
        let told = self.good.begin_token_refresh(user, provider, version, time).await?;
        Ok(told || self.is(Fault::LetsAllRefresh))
    }

    async fn finish_token_refresh(
        &self,
        user: &UserId,
        provider: &str,
        version: i64,
        tokens: Option<&Sealed>,
    ) -> Result<bool> {
        let version = match self.good.provider_tokens(user, provider).await? {
            Some(stored) if self.is(Fault::WritesOldTokens) => stored.version,
            _ => version,
        };
        self.good.finish_token_refresh(user, provider, version, tokens).await
    }

    async fn sweep_parked_identities(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.good.sweep_parked_identities(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_identities_breaks() {
    for (fault, rule) in [
        (Fault::RegistersEverybody, "an identity registers once"),
        (Fault::FindsByAddress, "an identity is found by provider and subject alone"),
        (
            Fault::ForgetsLogins,
            "a login writes what the provider says, and leaves what it does not say",
        ),
        (Fault::IgnoresTheEpoch, "no login by an identity that was begun before a reset stands"),
        (Fault::GivesAccountsAgain, "an unconfirmed account is taken over once"),
        (Fault::GivesConfirmedAccounts, "only an account that nobody has confirmed is taken over"),
        (Fault::LinksEverybody, "an identity is linked to one user"),
        (Fault::UnlinksBlindly, "the last way in stays"),
        (
            Fault::CountsProvidersOfOld,
            "an identity of a provider that is not configured is no way in",
        ),
        (Fault::GivesTwice, "an identity waits for so long, and is taken once"),
        (Fault::CountsNoMails, "an identity waits whether or not its mail may be sent so soon"),
        (Fault::LetsAllRefresh, "tokens are refreshed by one at a time"),
        (
            Fault::WritesOldTokens,
            "tokens of a login are not overwritten by a refresh begun before it",
        ),
        (Fault::OvertakesRefreshes, "a login does not go on with tokens that are being refreshed"),
        (Fault::WritesOverOthers, "tokens that go on with others are written over those only"),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { good: (&store).into(), fault };
        let (users, audit) = ((&store).into(), (&store).into());
        let seen = contract::identities(Arc::new(broken), users, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_linked_identity_in_a_session_that_is_over() {
    let store = Database::sqlite().store().await;
    let fault = Fault::IgnoresTheSession;
    let identities = Arc::new(Broken { good: (&store).into(), fault });
    let seen = contract::ways_in(WaysInParts { identities, ..parts(&store) }).await;
    assert_eq!(seen.unwrap_err().rule, "a way in is made in a session that is alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_identities_that_does_not_say_what_it_wrote() {
    for (fault, rule) in [(Fault::SignsNoSighting, "a store says where a login was seen")] {
        let store = Database::sqlite().store().await;
        let identities = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::receipts(ReceiptParts { identities, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
