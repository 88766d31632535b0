mod limited;
mod usage;

use std::sync::Arc;

use time::Duration;
use uuid::Uuid;

use super::account::{new_delivery, new_user};
use super::audit::{new_note, wrote};
use super::identity::new_identity;
use super::{CALLERS, Violation, at, epoch, open_ways, race, rule};
use crate::crypto::{KeyedHash, RandomExt as _, Sealed, SystemRandom, TokenHash};
use crate::scope::UserId;
use crate::store::{
    AccountStore, AnsweredChallenge, CredentialId, Effects, LockoutPolicy, MAX_PASSKEYS, NewTotp,
    NewUser, Passkey, PasskeyAddition, PasskeyProof, PasskeyRemoval, PasskeyStore, PasskeyUse,
    SessionStore, SignCountPolicy,
};

const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 5, lock_for: Duration::minutes(15) };

/// Proves the contract of a [`PasskeyStore`] whose users are in `users` and `sessions`.
///
/// # Errors
/// The first [`Violation`].
pub async fn passkeys(
    store: Arc<dyn PasskeyStore>,
    users: Arc<dyn AccountStore>,
    sessions: Arc<dyn SessionStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions };
    kit.a_passkey_is_found_as_it_was_written().await?;
    kit.a_credential_is_registered_once().await?;
    kit.nobody_has_more_than_allowed().await?;
    kit.a_challenge_is_answered_once().await?;
    kit.a_count_that_falls_is_judged_by_the_policy().await?;
    kit.attempts_are_counted_with_those_of_codes().await?;
    kit.an_answer_that_a_limit_refuses_is_none().await?;
    kit.no_login_outlives_a_reset().await?;
    kit.a_passkey_is_changed_by_its_owner_only().await?;
    kit.a_passkey_is_removed_once().await?;
    kit.the_last_way_in_stays().await?;
    kit.what_opens_nothing_is_no_way_in().await?;
    kit.what_goes_along_with_a_passkey_is_written_with_it().await?;
    kit.answered_challenges_are_forgotten_when_they_are_over().await
}

struct Kit {
    store: Arc<dyn PasskeyStore>,
    users: Arc<dyn AccountStore>,
    sessions: Arc<dyn SessionStore>,
}

impl Kit {
    async fn a_passkey_is_found_as_it_was_written(&self) -> Result<(), Violation> {
        const RULE: &str = "a passkey is found as it was written";
        let (email, user) = self.user().await?;
        rule("a login says whether there is a passkey", !self.asks(&email).await?, &user)?;
        let before = self.users.find_proofs(&user).await?;
        rule("a user proves who they are by a passkey, too", !before.passkey, before)?;
        let mut written = Vec::new();
        for number in 0..3 {
            let passkey = Passkey {
                name: format!("Zoë's \"key\" {number}"),
                transports: vec!["internal".into(), "hybrid".into()],
                backed_up: number == 1,
                sign_count: u32::MAX - number,
                created_at: at(i64::from(number)),
                last_used_at: (number == 2).then(|| at(9)),
                ..new_passkey(&user)
            };
            let added = self.add(&passkey).await?;
            rule(RULE, added == PasskeyAddition::Added, added)?;
            written.push(passkey);
        }
        let found = self.store.passkeys_of(&user).await?;
        rule(RULE, found == written, &found)?;
        rule("a login says whether there is a passkey", self.asks(&email).await?, &user)?;
        let after = self.users.find_proofs(&user).await?;
        rule("a user proves who they are by a passkey, too", after.passkey, after)?;
        let [first, ..] = written.as_slice() else { return Ok(()) };
        for whose in [None, Some(&user)] {
            let attempt = self.begin(&first.credential, whose).await?;
            let same = attempt.is_some_and(|found| {
                found.passkey == *first
                    && found.account.email() == Some(&email)
                    && found.device_epoch == 0
            });
            rule(RULE, same, whose)?;
        }
        const MARKED: &str = "a passkey tells that its user must choose another password";
        for marked in [false, true] {
            let found = self.begin(&first.credential, None).await?;
            let told = found.map(|found| found.must_change_password);
            rule(MARKED, told == Some(marked), told)?;
            self.users.require_password_change(&user, &Effects::none(), epoch()).await?;
        }
        let (_, other) = self.user().await?;
        let foreign = self.begin(&first.credential, Some(&other)).await?;
        rule("a passkey is its owner's", foreign.is_none(), foreign)?;
        let unknown = self.begin(&new_credential(), None).await?;
        rule("a passkey is found by its credential", unknown.is_none(), unknown)?;
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let refused = self.add(&new_passkey(&nobody)).await?;
        rule("nobody has a passkey", refused == PasskeyAddition::Refused, refused)
    }

    async fn a_credential_is_registered_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a credential is registered once, whoever it is for";
        let (_, alice) = self.user().await?;
        let (_, bob) = self.user().await?;
        let credential = new_credential();
        let outcomes = race(|caller| {
            let user = if caller % 2 == 0 { &alice } else { &bob };
            let passkey = Passkey { credential: credential.clone(), ..new_passkey(user) };
            let store = Arc::clone(&self.store);
            async move { store.add_passkey(&passkey, new_challenge(), None, &Effects::none()).await }
        })
        .await?;
        let added = outcomes.iter().filter(|o| **o == PasskeyAddition::Added).count();
        rule(RULE, added == 1, &outcomes)?;
        let (of_alice, of_bob) = (self.count(&alice).await?, self.count(&bob).await?);
        rule(RULE, of_alice + of_bob == 1, (of_alice, of_bob))?;
        // Who lost has lost nothing but this one.
        for user in [&alice, &bob] {
            for _ in self.count(user).await?..MAX_PASSKEYS as usize {
                let added = self.add(&new_passkey(user)).await?;
                rule("who was refused one may add others", added == PasskeyAddition::Added, added)?;
            }
        }
        Ok(())
    }

    async fn nobody_has_more_than_allowed(&self) -> Result<(), Violation> {
        const RULE: &str = "nobody has more passkeys than allowed";
        let (_, user) = self.user().await?;
        let outcomes = race(|_| {
            let (store, passkey) = (Arc::clone(&self.store), new_passkey(&user));
            async move { store.add_passkey(&passkey, new_challenge(), None, &Effects::none()).await }
        })
        .await?;
        let added = outcomes.iter().filter(|o| **o == PasskeyAddition::Added).count();
        let full = outcomes.iter().filter(|o| **o == PasskeyAddition::TooMany).count();
        let cap = MAX_PASSKEYS as usize;
        rule(RULE, added == cap && added + full == CALLERS, &outcomes)?;
        let left = self.store.passkeys_of(&user).await?;
        rule(RULE, left.len() == cap, left.len())?;
        let [one, ..] = left.as_slice() else { return Ok(()) };
        self.remove(&user, one.id).await?;
        for expected in [PasskeyAddition::Added, PasskeyAddition::TooMany] {
            let added = self.add(&new_passkey(&user)).await?;
            rule("a place that was freed is free once", added == expected, added)?;
        }
        Ok(())
    }

    async fn a_passkey_is_changed_by_its_owner_only(&self) -> Result<(), Violation> {
        const RULE: &str = "a passkey is changed by its owner only";
        let (user, passkey) = self.registered().await?;
        let (_, other) = self.user().await?;
        let none = Effects::none();
        let renamed = self.store.rename_passkey(&other, passkey.id, "mine", &none).await?;
        rule(RULE, !renamed, renamed)?;
        let removed = self.remove(&other, passkey.id).await?;
        rule(RULE, removed == PasskeyRemoval::NotFound, removed)?;
        let proof = PasskeyProof { user: other.clone(), ..proof(&passkey) };
        let used = self.store.use_passkey(&proof, SignCountPolicy::Warn, &none, &none).await?;
        rule(RULE, used == PasskeyUse::Refused, used)?;
        let found = self.store.passkeys_of(&user).await?;
        rule(RULE, found == [passkey.clone()], &found)?;
        let renamed = self.store.rename_passkey(&user, passkey.id, "new name", &none).await?;
        let found = self.store.passkeys_of(&user).await?;
        let expected = Passkey { name: "new name".into(), ..passkey };
        rule("a passkey is renamed", renamed && found == [expected], &found)
    }

    async fn a_passkey_is_removed_once(&self) -> Result<(), Violation> {
        const RULE: &str =
            "a passkey is removed once, and with the last one goes the second factor";
        let (email, user) = self.user().await?;
        let (first, second) = (new_passkey(&user), new_passkey(&user));
        for passkey in [&first, &second] {
            self.add(passkey).await?;
        }
        for (passkey, device_epoch, last_factor) in [(&first, 0, false), (&second, 1, true)] {
            let outcomes = race(|_| {
                let (store, user, id) = (Arc::clone(&self.store), user.clone(), passkey.id);
                async move {
                    store.remove_passkey(&user, id, &open_ways(), &nothing(), &nothing()).await
                }
            })
            .await?;
            let gone: Vec<_> =
                outcomes.into_iter().filter(|o| *o != PasskeyRemoval::NotFound).collect();
            let expected = PasskeyRemoval::Removed { device_epoch, last_factor };
            rule(RULE, gone == [expected], &gone)?;
            rule(RULE, self.asks(&email).await? != last_factor, last_factor)?;
        }
        let late = self.use_it(&second, 1, None).await?;
        rule("a passkey that is gone opens nothing", late == PasskeyUse::Refused, late)?;
        // Beside an app it is not the last one.
        let third = new_passkey(&user);
        self.add(&third).await?;
        self.enroll(&user).await?;
        let removed = self.remove(&user, third.id).await?;
        let expected = PasskeyRemoval::Removed { device_epoch: 1, last_factor: false };
        rule("an app is a second factor too", removed == expected, removed)?;
        rule("an app is a second factor too", self.asks(&email).await?, &user)
    }

    async fn the_last_way_in_stays(&self) -> Result<(), Violation> {
        const RULE: &str = "who has no password keeps a passkey";
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = NewUser { password: None, ..new_user(&email) };
        let user_id = user.account.id().clone();
        self.users.create_user(&user, &Effects::none()).await?;
        let passkeys: Vec<_> = (0..4).map(|_| new_passkey(&user_id)).collect();
        for passkey in &passkeys {
            self.add(passkey).await?;
        }
        let outcomes =
            race(|caller| {
                let (store, user) = (Arc::clone(&self.store), user_id.clone());
                let id = passkeys.get(caller % 4).map_or_else(Uuid::nil, |passkey| passkey.id);
                async move {
                    store.remove_passkey(&user, id, &open_ways(), &nothing(), &nothing()).await
                }
            })
            .await?;
        let kept = self.count(&user_id).await?;
        let refused = outcomes.contains(&PasskeyRemoval::LastWayIn);
        rule(RULE, kept == 1 && refused, (kept, &outcomes))
    }

    async fn what_opens_nothing_is_no_way_in(&self) -> Result<(), Violation> {
        const RULE: &str =
            "a passkey of another domain, and what a provider of old knew, is no way in";
        const ALONE: &str = "a passkey that never verified its user is no way in";
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = NewUser { password: None, ..new_user(&email) };
        let id = user.account.id();
        self.users.create_user(&user, &nothing()).await?;
        let ours = new_passkey(id);
        let theirs = Passkey { rp_id: "elsewhere.test".into(), ..new_passkey(id) };
        for passkey in [&ours, &theirs] {
            self.add(passkey).await?;
        }
        let of_old = new_identity("of-old");
        self.users.link_identity(id, &of_old, None, &nothing()).await?;
        let ways = self.users.ways_in(id, &open_ways()).await?;
        rule(RULE, ways.count == 1 && ways.identities.len() == 1, ways)?;
        let told = self.remove(id, ours.id).await?;
        rule(RULE, told == PasskeyRemoval::LastWayIn, told)?;
        let key = Passkey { user_verified: false, sign_count: 0, ..new_passkey(id) };
        self.add(&key).await?;
        let found = self.store.passkeys_of(id).await?;
        let unproven = found.iter().any(|found| found.id == key.id && !found.user_verified);
        rule("a passkey is found as it was written", unproven, &found)?;
        let told = self.remove(id, ours.id).await?;
        rule(ALONE, told == PasskeyRemoval::LastWayIn, told)?;
        let mut used = proof(&key);
        used.user_verified = false;
        self.store.use_passkey(&used, SignCountPolicy::Warn, &nothing(), &nothing()).await?;
        let told = self.remove(id, ours.id).await?;
        rule(ALONE, told == PasskeyRemoval::LastWayIn, told)?;
        // Once it has verified its user, it does.
        let used = PasskeyProof { sign_count: 2, ..proof(&key) };
        self.store.use_passkey(&used, SignCountPolicy::Warn, &nothing(), &nothing()).await?;
        let ways = self.users.ways_in(id, &open_ways()).await?;
        rule("a passkey that has verified its user logs in", ways.count == 2, ways)?;
        let told = self.remove(id, key.id).await?;
        rule(ALONE, matches!(told, PasskeyRemoval::Removed { .. }), told)?;
        // What opens nothing may go, as long as something is left that does.
        let told = self.remove(id, theirs.id).await?;
        rule(RULE, matches!(told, PasskeyRemoval::Removed { .. }), told)?;
        self.users.link_identity(id, &new_identity("acme"), None, &nothing()).await?;
        let told = self.remove(id, ours.id).await?;
        rule("an identity is a way in", matches!(told, PasskeyRemoval::Removed { .. }), told)
    }

    async fn user(&self) -> Result<(String, UserId), Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        // Whoever has confirmed the address keeps what they have at a reset.
        let mut user = new_user(&email);
        user.account = user.account.with_email(&email, true);
        self.users.create_user(&user, &Effects::none()).await?;
        Ok((email, user.account.id().clone()))
    }

    /// A user with one passkey.
    async fn registered(&self) -> Result<(UserId, Passkey), Violation> {
        let (_, user) = self.user().await?;
        let passkey = new_passkey(&user);
        self.add(&passkey).await?;
        Ok((user, passkey))
    }

    async fn add(&self, passkey: &Passkey) -> Result<PasskeyAddition, Violation> {
        Ok(self.store.add_passkey(passkey, new_challenge(), None, &Effects::none()).await?)
    }

    async fn remove(&self, user: &UserId, id: Uuid) -> Result<PasskeyRemoval, Violation> {
        Ok(self.store.remove_passkey(user, id, &open_ways(), &nothing(), &nothing()).await?)
    }

    async fn count(&self, user: &UserId) -> Result<usize, Violation> {
        Ok(self.store.passkeys_of(user).await?.len())
    }

    async fn begin(
        &self,
        credential: &CredentialId,
        user: Option<&UserId>,
    ) -> Result<Option<crate::store::FoundPasskey>, Violation> {
        let none = Effects::none();
        Ok(self.store.begin_passkey(credential, user, LOCKOUT, &none, &[], epoch()).await?.found)
    }

    async fn use_it(
        &self,
        passkey: &Passkey,
        sign_count: u32,
        epoch: Option<i64>,
    ) -> Result<PasskeyUse, Violation> {
        let (proof, none) = (PasskeyProof { sign_count, epoch, ..proof(passkey) }, Effects::none());
        Ok(self.store.use_passkey(&proof, SignCountPolicy::Warn, &none, &none).await?)
    }

    /// Whether a login with this address has to go on with a second factor.
    async fn asks(&self, email: &str) -> Result<bool, Violation> {
        let none = Effects::none();
        let attempt =
            self.users.begin_login((email, false), None, LOCKOUT, &none, &[], epoch()).await?;
        Ok(attempt.user.is_some_and(|user| user.has_second_factor))
    }

    async fn enroll(&self, user: &UserId) -> Result<(), Violation> {
        let totp = NewTotp {
            user: user.clone(),
            secret: Sealed::from_bytes(SystemRandom.bytes::<40>().to_vec()),
            step: 100,
            backup_codes: vec![KeyedHash::from_bytes(SystemRandom.bytes())],
            created_at: epoch(),
        };
        self.users.enroll_totp(&totp, None, &Effects::none()).await?;
        Ok(())
    }
}

pub(super) fn new_credential() -> CredentialId {
    SystemRandom.bytes::<32>().into()
}

pub(super) fn new_challenge() -> AnsweredChallenge {
    let hash = TokenHash::from_bytes(SystemRandom.bytes());
    AnsweredChallenge { hash, expires_at: at(600) }
}

pub(super) fn new_passkey(user: &UserId) -> Passkey {
    Passkey {
        id: SystemRandom.uuid_v7(epoch()),
        user: user.clone(),
        credential: new_credential(),
        public_key: SystemRandom.bytes::<77>().to_vec(),
        sign_count: 0,
        aaguid: Uuid::from_bytes(SystemRandom.bytes()),
        name: "a passkey".into(),
        transports: Vec::new(),
        backup_eligible: true,
        backed_up: false,
        user_verified: true,
        rp_id: "example.test".into(),
        created_at: epoch(),
        last_used_at: None,
        suspended_at: None,
    }
}

fn nothing() -> Effects {
    Effects::none()
}

/// An answer that counts one.
pub(super) fn proof(passkey: &Passkey) -> PasskeyProof {
    PasskeyProof {
        user: passkey.user.clone(),
        id: passkey.id,
        challenge: new_challenge(),
        sign_count: 1,
        backed_up: false,
        user_verified: true,
        at: at(5),
        epoch: None,
    }
}
