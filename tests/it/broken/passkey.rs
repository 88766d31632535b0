use std::sync::Arc;

use async_trait::async_trait;
use donjon::crypto::{RandomExt as _, SystemRandom, TokenHash};
use donjon::scope::{SessionId, UserId};
use donjon::store::*;
use donjon::testing::contract::{self, ReceiptParts, WaysInParts};
use time::OffsetDateTime;
use uuid::Uuid;

use super::unsigned;
use crate::account::receipts;
use crate::account::ways_in::parts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Takes a passkey again that was suspended.
    AcceptsTheSuspended,
    /// Tells everybody who registers a credential that they did.
    RegistersTwice,
    /// Tells whoever is one too many that there was room.
    CountsThenInserts,
    /// Forgets which challenges were answered.
    ReplaysChallenges,
    /// Does not look at the count.
    IgnoresTheCount,
    /// Looks at answers without counting.
    CountsNoAttempts,
    /// Counts what a limit refuses towards the lock all the same.
    CountsWhatIsRefused,
    /// Counts answers that name nobody against whoever they are of.
    LetsAnybodyLock,
    /// Tells of a lock only if it was a passkey of the user's own that was refused.
    TellsOfOwnPasskeysOnly,
    /// Does not mind that the user's epoch has moved.
    IgnoresTheEpoch,
    /// Renames anybody's.
    RenamesAnybodys,
    /// Tells everybody who removes one that they did.
    RemovesTwice,
    /// Removes the last way in.
    LocksOut,
    /// Takes what opens nothing for a way in.
    CountsWhatOpensNothing,
    /// Believes every passkey that it has verified its user.
    BelievesEveryKey,
    /// Removes what its owner must come in with.
    LetsTheLastGo,
    /// Does not say who must choose another password.
    ForgetsTheMark,
    /// Does not mind that the session is over.
    IgnoresTheSession,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Says of no lock that it was told of.
    SignsNoLock,
    /// Says of no suspicion that it was written.
    SignsNoSuspicion,
    /// Says of no login where it was seen.
    SignsNoSighting,
}

/// A store that removes what its owner must come in with.
pub fn letting_go(good: Arc<dyn PasskeyStore>) -> Arc<dyn PasskeyStore> {
    Arc::new(Broken { good, fault: Fault::LetsTheLastGo })
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn PasskeyStore>,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn challenge(&self, challenge: AnsweredChallenge) -> AnsweredChallenge {
        let hash = TokenHash::from_bytes(SystemRandom.bytes());
        let forgets = self.is(Fault::ReplaysChallenges);
        if forgets { AnsweredChallenge { hash, ..challenge } } else { challenge }
    }
}

#[async_trait]
impl PasskeyStore for Broken {
    async fn add_passkey(
        &self,
        passkey: &Passkey,
        challenge: AnsweredChallenge,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<PasskeyAddition> {
        let (challenge, made_in) =
            (self.challenge(challenge), made_in.filter(|_| !self.is(Fault::IgnoresTheSession)));
        let told = self.good.add_passkey(passkey, challenge, made_in, along).await?;
        let lie = match told {
            PasskeyAddition::Refused => Fault::RegistersTwice,
            _ => Fault::CountsThenInserts,
        };
        Ok(if self.is(lie) { PasskeyAddition::Added } else { told })
    }

    async fn passkeys_of(&self, user: &UserId) -> Result<Vec<Passkey>> {
        self.good.passkeys_of(user).await
    }

    async fn begin_passkey(
        &self,
        credential: &CredentialId,
        user: Option<&UserId>,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<PasskeyAttempt> {
        let own =
            self.good.begin_passkey(credential, None, policy, &Effects::none(), &[], now).await?;
        let owner = own.found.map(|found| found.passkey.user);
        let foreign = user.is_some() && owner.as_ref() != user;
        let named = owner.as_ref().filter(|_| self.is(Fault::LetsAnybodyLock));
        let silent = foreign && self.is(Fault::TellsOfOwnPasskeysOnly);
        let locked = if silent { &Effects::none() } else { locked };
        let locked = if self.is(Fault::SignsNoLock) { &unsigned(locked) } else { locked };
        let user = user.or(named);
        if self.is(Fault::CountsWhatIsRefused) && !uses.is_empty() {
            let attempt =
                self.good.begin_passkey(credential, user, policy, locked, uses, now).await?;
            let none = Effects::none();
            if attempt.found.is_none() {
                self.good.begin_passkey(credential, user, policy, &none, &[], now).await?;
            }
            return Ok(attempt);
        }
        let mut attempt =
            self.good.begin_passkey(credential, user, policy, locked, uses, now).await?;
        if self.is(Fault::CountsNoAttempts) {
            attempt.locked_until = None;
        }
        if let (true, Some(found)) = (self.is(Fault::ForgetsTheMark), &mut attempt.found) {
            found.must_change_password = false;
        }
        Ok(attempt)
    }

    async fn use_passkey(
        &self,
        proof: &PasskeyProof,
        policy: SignCountPolicy,
        along: &Effects,
        suspected: &Effects,
    ) -> Result<PasskeyUse> {
        let mut proof =
            PasskeyProof { challenge: self.challenge(proof.challenge), ..proof.clone() };
        proof.user_verified |= self.is(Fault::BelievesEveryKey);
        if self.is(Fault::IgnoresTheEpoch) {
            proof.epoch = None;
        }
        let policy = if self.is(Fault::IgnoresTheCount) { SignCountPolicy::Warn } else { policy };
        let along = if self.is(Fault::SignsNoSighting) { &unsigned(along) } else { along };
        let suspected =
            if self.is(Fault::SignsNoSuspicion) { &unsigned(suspected) } else { suspected };
        let used = self.good.use_passkey(&proof, policy, along, suspected).await?;
        let lets_in = used == PasskeyUse::Refused && self.is(Fault::AcceptsTheSuspended) && {
            let held = self.good.passkeys_of(&proof.user).await?;
            held.iter().any(|held| held.id == proof.id && held.suspended_at.is_some())
        };
        Ok(if lets_in { PasskeyUse::Done } else { used })
    }

    async fn rename_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        name: &str,
        along: &Effects,
    ) -> Result<bool> {
        let told = self.good.rename_passkey(user, id, name, along).await?;
        Ok(told || self.is(Fault::RenamesAnybodys))
    }

    async fn remove_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        open: &OpenWays,
        along: &Effects,
        last: &Effects,
    ) -> Result<PasskeyRemoval> {
        let mut open = open.clone();
        if self.is(Fault::CountsWhatOpensNothing) {
            open.providers.push("of-old".into());
        }
        let kept = if self.is(Fault::ForgetsWhatGoesAlong) { &Effects::none() } else { along };
        let told = self.good.remove_passkey(user, id, &open, kept, last).await?;
        let removed = PasskeyRemoval::Removed { device_epoch: 0, last_factor: false };
        Ok(match told {
            PasskeyRemoval::NotFound if self.is(Fault::RemovesTwice) && along.audit.is_empty() => {
                let own = self.good.passkeys_of(user).await?;
                if own.is_empty() { told } else { removed }
            }
            PasskeyRemoval::LastToComeIn if self.is(Fault::LetsTheLastGo) => removed,
            PasskeyRemoval::LastWayIn if self.is(Fault::LocksOut) => removed,
            told => told,
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_passkeys_breaks() {
    for (fault, rule) in [
        (Fault::RegistersTwice, "nobody has a passkey"),
        (Fault::CountsThenInserts, "nobody has more passkeys than allowed"),
        (Fault::ReplaysChallenges, "a challenge is answered once"),
        (Fault::IgnoresTheCount, "a passkey counts up, and what else it does the policy judges"),
        (
            Fault::AcceptsTheSuspended,
            "a suspended passkey is refused for good, and goes when it is removed",
        ),
        (Fault::CountsNoAttempts, "attempts with passkeys are counted with those of codes"),
        (Fault::CountsWhatIsRefused, "an answer that a limit refuses counts towards no lock"),
        (
            Fault::LetsAnybodyLock,
            "an answer of a passkey that says who they are counts against nobody",
        ),
        (
            Fault::TellsOfOwnPasskeysOnly,
            "what goes along is written if the change was made, and names its user",
        ),
        (Fault::IgnoresTheEpoch, "no login by passkey that was begun before a reset outlives it"),
        (Fault::ForgetsTheMark, "a passkey tells that its user must choose another password"),
        (Fault::RenamesAnybodys, "a passkey is changed by its owner only"),
        (
            Fault::RemovesTwice,
            "a passkey is removed once, and with the last one goes the second factor",
        ),
        (Fault::LocksOut, "who has no password keeps a passkey"),
        (Fault::BelievesEveryKey, "a passkey that never verified its user is no way in"),
        (
            Fault::CountsWhatOpensNothing,
            "a passkey of another domain, and what a provider of old knew, is no way in",
        ),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { good: (&store).into(), fault };
        let seen = contract::passkeys(Arc::new(broken), (&store).into(), (&store).into()).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_passkey_in_a_session_that_is_over() {
    let store = Database::sqlite().store().await;
    let fault = Fault::IgnoresTheSession;
    let passkeys = Arc::new(Broken { good: (&store).into(), fault });
    let seen = contract::ways_in(WaysInParts { passkeys, ..parts(&store) }).await;
    assert_eq!(seen.unwrap_err().rule, "a way in is made in a session that is alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_passkeys_that_does_not_say_what_it_wrote() {
    for (fault, rule) in [
        (Fault::SignsNoLock, "a store says with which attempt it locked"),
        (Fault::SignsNoSuspicion, "a store says whether it suspected a passkey"),
        (Fault::SignsNoSighting, "a store says where a login was seen"),
    ] {
        let store = Database::sqlite().store().await;
        let passkeys = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::receipts(ReceiptParts { passkeys, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
