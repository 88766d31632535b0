//! Backup codes of who has passkeys and no app.

use super::*;
use crate::store::{
    FactorProof, FactorRemoval, LockoutPolicy, Passkey, PasskeyProof, PasskeyRemoval, PasskeyUse,
    SecondFactor, SignCountPolicy,
};

impl Kit {
    pub(super) async fn backup_codes_take_a_passkey(&self) -> Result<(), Violation> {
        const RULE: &str = "backup codes without an app take a passkey";
        let (_, id) = self.user(true).await?;
        let own = self.session(&id).await?;
        let refused = self.write(&id, own).await?;
        rule(RULE, refused == FactorUse::Refused, refused)?;
        self.passkey(&id).await?;
        let (_, somebody) = self.user(true).await?;
        let theirs = self.session(&somebody).await?;
        for (session, expected) in [(theirs, FactorUse::Refused), (own, FactorUse::Done)] {
            let told = self.write(&id, session).await?;
            rule("a way in is made in a session that is alive", told == expected, told)?;
        }
        let found = self.codes(&id).await?;
        let three = Some(SecondFactor { app_since: None, backup_codes_left: 3 });
        rule(RULE, found == three, found)?;

        const REPLACED: &str = "new backup codes without an app take the place of all old ones";
        let old = self.hashes(&id).await?;
        self.write(&id, own).await?;
        let new = self.hashes(&id).await?;
        let fresh = new.len() == 3 && new.iter().all(|code| !old.contains(code));
        rule(REPLACED, fresh, (old.len(), new.len()))?;

        let none = Effects::none();
        let typed = self.0.factors.complete_totp(&id, 101, None, &none).await?;
        rule("there is no code of an app without an app", typed == FactorUse::Refused, typed)?;
        let app = new_totp(&id);
        let told = self.0.factors.enroll_totp(&app, Some(own), &none).await?;
        rule("an app takes the place of codes without one", told == Enrolment::Enrolled, told)?;
        let found = self.hashes(&id).await?;
        rule("an app takes the place of codes without one", found == app.backup_codes, found)?;
        let told = self.write(&id, own).await?;
        rule("the codes of an app are the app's", told == FactorUse::Refused, told)
    }

    pub(super) async fn a_backup_code_without_an_app_works_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a backup code without an app works once";
        let (_, id) = self.user(true).await?;
        self.passkey(&id).await?;
        self.write(&id, self.session(&id).await?).await?;
        let codes = self.hashes(&id).await?;
        let Some(code) = codes.first().copied() else { return rule(RULE, false, "no codes") };
        let uses = race(|_| {
            let (store, id) = (Arc::clone(&self.0.factors), id.clone());
            async move { store.consume_backup_code(&id, &code, Some(0), &Effects::none()).await }
        })
        .await?;
        let done = uses.iter().filter(|used| **used == FactorUse::Done).count();
        rule(RULE, done == 1, done)?;
        let left = self.hashes(&id).await?;
        rule(RULE, codes.get(1..).is_some_and(|rest| rest == left), left.len())
    }

    pub(super) async fn backup_codes_go_with_the_last_factor(&self) -> Result<(), Violation> {
        const RULE: &str = "backup codes go with the last passkey";
        for suspected in [false, true] {
            let (_, id) = self.user(true).await?;
            let keys = [self.passkey(&id).await?, self.passkey(&id).await?];
            self.write(&id, self.session(&id).await?).await?;
            for (key, expected) in keys.iter().zip([true, false]) {
                self.remove(key, suspected).await?;
                let found = self.codes(&id).await?;
                rule(RULE, found.is_some() == expected, (suspected, found))?;
            }
            let standing = self.standing(&id).await?;
            rule("backup codes are no factor by themselves", standing == EMPTY, standing)?;
        }

        const KEPT: &str = "who has passkeys keeps the backup codes when the app goes";
        let (_, id) = self.user(true).await?;
        self.passkey(&id).await?;
        let (app, none) = (new_totp(&id), Effects::none());
        self.0.factors.enroll_totp(&app, None, &none).await?;
        let Some(code) = app.backup_codes.first().copied() else {
            return rule(KEPT, false, "no codes");
        };
        let store = &self.0.factors;
        let proof = Some(FactorProof::BackupCode(code));
        for expected in [true, false] {
            let told = store.remove_totp(&id, proof, &none).await?;
            rule(KEPT, (told != FactorRemoval::Refused) == expected, told)?;
            let left = self.hashes(&id).await?;
            rule(KEPT, app.backup_codes.get(1..).is_some_and(|rest| rest == left), left.len())?;
        }
        store.remove_totp(&id, None, &none).await?;
        let found = self.codes(&id).await?;
        rule("without a proof, all codes go", found.is_none(), found)?;
        self.a_suspended_passkey_holds_no_codes().await
    }

    /// Whoever suspends one may not live to remove it.
    async fn a_suspended_passkey_holds_no_codes(&self) -> Result<(), Violation> {
        const RULE: &str = "a passkey that is suspended is no factor that codes are kept for";
        let (_, id) = self.user(true).await?;
        let key = self.passkey(&id).await?;
        let (own, app, none) = (self.session(&id).await?, new_totp(&id), Effects::none());
        self.0.factors.enroll_totp(&app, None, &none).await?;
        self.suspend(&key).await?;
        let Some(code) = app.backup_codes.first().copied() else {
            return rule(RULE, false, "no codes");
        };
        let proof = Some(FactorProof::BackupCode(code));
        let told = self.0.factors.remove_totp(&id, proof, &none).await?;
        rule(RULE, matches!(told, FactorRemoval::Removed { .. }), told)?;
        let found = self.codes(&id).await?;
        rule(RULE, found.is_none(), found)?;
        let told = self.write(&id, own).await?;
        rule(RULE, told == FactorUse::Refused, told)
    }

    async fn passkey(&self, user: &UserId) -> Result<Passkey, Violation> {
        let (key, none) = (Passkey { sign_count: 7, ..new_passkey(user) }, Effects::none());
        let told = self.0.passkeys.add_passkey(&key, new_challenge(), None, &none).await?;
        rule("a passkey is added", told == PasskeyAddition::Added, told)?;
        Ok(key)
    }

    /// Removes one, by its owner or since it may have been copied.
    async fn remove(&self, key: &Passkey, suspected: bool) -> Result<(), Violation> {
        let (store, none) = (&self.0.passkeys, Effects::none());
        if !suspected {
            let told = store.remove_passkey(&key.user, key.id, &open_ways(), &none, &none).await?;
            let gone = matches!(told, PasskeyRemoval::Removed { .. });
            return rule("a passkey is removed", gone, told);
        }
        self.suspend(key).await?;
        let told = store.remove_passkey(&key.user, key.id, &open_ways(), &none, &none).await?;
        let gone = matches!(told, PasskeyRemoval::Removed { .. });
        rule("a passkey that may have been copied is removed", gone, told)
    }

    async fn suspend(&self, key: &Passkey) -> Result<(), Violation> {
        let (store, none) = (&self.0.passkeys, Effects::none());
        let proof = PasskeyProof {
            user: key.user.clone(),
            id: key.id,
            challenge: new_challenge(),
            sign_count: 1,
            backed_up: false,
            user_verified: true,
            at: at(1),
            epoch: None,
        };
        let told = store.use_passkey(&proof, SignCountPolicy::Revoke, &none, &none).await?;
        rule(
            "a passkey that may have been copied is suspended",
            told == PasskeyUse::Suspected,
            told,
        )
    }

    async fn write(&self, user: &UserId, session: SessionId) -> Result<FactorUse, Violation> {
        let (codes, none, store) = (new_codes(), Effects::none(), &self.0.factors);
        Ok(store.write_backup_codes(user, &codes, Some(session), &none, at(1)).await?)
    }

    async fn codes(&self, user: &UserId) -> Result<Option<SecondFactor>, Violation> {
        Ok(self.0.factors.find_second_factor(user).await?)
    }

    async fn hashes(&self, user: &UserId) -> Result<Vec<crate::crypto::KeyedHash>, Violation> {
        let policy = LockoutPolicy { attempts: 1000, lock_for: time::Duration::MINUTE };
        let none = Effects::none();
        let attempt = self.0.factors.begin_second_factor(user, policy, &none, &[], epoch()).await?;
        Ok(attempt.user.map(|user| user.backup_codes).unwrap_or_default())
    }
}
