use std::sync::Arc;

use async_trait::async_trait;
use donjon::crypto::KeyedHash;
use donjon::scope::{SessionId, UserId};
use donjon::store::*;
use donjon::testing::contract::{self, ReceiptParts, WaysInParts};
use sqlx::{Connection as _, SqliteConnection};
use time::OffsetDateTime;

use super::unsigned;
use crate::account::receipts;
use crate::account::ways_in::parts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells everybody who enrols that they did.
    EnrolsEverybody,
    /// Tells everybody who uses a code of the app that they were first.
    ReplaysTotp,
    /// Tells everybody who uses a backup code that they were first.
    ReplaysBackupCodes,
    /// Reads which code is used, and says yes to what is newer or older.
    LetsStepsGoBack,
    /// Looks at codes without counting.
    CountsNothing,
    /// Does not mind that the user's epoch has moved.
    IgnoresTheEpoch,
    /// Says that the codes were replaced, and keeps them.
    KeepsOldCodes,
    /// Removes the app whatever the code.
    RemovesBlindly,
    /// Gives new backup codes to a session that is over.
    KeepsTheCodesOpen,
    /// Does not mind that the session is over.
    IgnoresTheSession,
    /// Gives backup codes to whoever asks.
    WritesCodesBlindly,
    /// Says that codes without an app were replaced, and keeps them.
    KeepsCodesWithoutAnApp,
    /// Takes the codes with the app, whatever they still stand in for.
    TakesCodesWithTheApp,
    /// Does without an app that its owner must come in by.
    LetsTheLastGo,
    /// Tells everybody who forgets browsers of the same epoch.
    ForgetsOnce,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Says of no lock that it was told of.
    SignsNoLock,
    /// Says of no login where it was seen.
    SignsNoSighting,
    /// The same, of backup codes.
    SignsNoBackupSighting,
}

/// A store that does without an app that its owner must come in by.
pub fn letting_go(good: Arc<dyn MfaStore>) -> Arc<dyn MfaStore> {
    Arc::new(Broken { good, fault: Fault::LetsTheLastGo })
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn MfaStore>,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn lie(&self, fault: Fault, told: FactorUse) -> FactorUse {
        if self.is(fault) { FactorUse::Done } else { told }
    }

    fn epoch(&self, epoch: Option<i64>) -> Option<i64> {
        epoch.filter(|_| !self.is(Fault::IgnoresTheEpoch))
    }
}

#[async_trait]
impl MfaStore for Broken {
    async fn enroll_totp(
        &self,
        totp: &NewTotp,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Enrolment> {
        let made_in = made_in.filter(|_| !self.is(Fault::IgnoresTheSession));
        let told = self.good.enroll_totp(totp, made_in, along).await?;
        Ok(if self.is(Fault::EnrolsEverybody) { Enrolment::Enrolled } else { told })
    }

    async fn find_second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>> {
        self.good.find_second_factor(user).await
    }

    async fn begin_second_factor(
        &self,
        user: &UserId,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<FactorAttempt> {
        let locked = if self.is(Fault::SignsNoLock) { &unsigned(locked) } else { locked };
        let mut attempt = self.good.begin_second_factor(user, policy, locked, uses, now).await?;
        if self.is(Fault::CountsNothing) {
            attempt.locked_until = None;
        }
        Ok(attempt)
    }

    async fn complete_totp(
        &self,
        user: &UserId,
        step: i64,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let along = if self.is(Fault::SignsNoSighting) { &unsigned(along) } else { along };
        let told = self.good.complete_totp(user, step, self.epoch(epoch), along).await?;
        let steps_back = if step < 100 { Fault::LetsStepsGoBack } else { Fault::ReplaysTotp };
        Ok(self.lie(steps_back, told))
    }

    async fn consume_backup_code(
        &self,
        user: &UserId,
        code: &KeyedHash,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let along = if self.is(Fault::SignsNoBackupSighting) { &unsigned(along) } else { along };
        let told = self.good.consume_backup_code(user, code, self.epoch(epoch), along).await?;
        // Only of those that are the user's.
        let lies = self.is(Fault::ReplaysBackupCodes) && epoch.is_some();
        Ok(if lies { FactorUse::Done } else { told })
    }

    async fn regenerate_backup_codes(
        &self,
        user: &UserId,
        step: i64,
        codes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let made_in = made_in.filter(|_| !self.is(Fault::KeepsTheCodesOpen));
        if self.is(Fault::KeepsOldCodes) {
            return self.good.complete_totp(user, step, None, along).await;
        }
        self.good.regenerate_backup_codes(user, step, codes, made_in, along).await
    }

    async fn write_backup_codes(
        &self,
        user: &UserId,
        codes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
        at: OffsetDateTime,
    ) -> Result<FactorUse> {
        let has_some = self.good.find_second_factor(user).await?.is_some();
        if self.is(Fault::KeepsCodesWithoutAnApp) && has_some {
            return Ok(FactorUse::Done);
        }
        let told = self.good.write_backup_codes(user, codes, made_in, along, at).await?;
        Ok(self.lie(Fault::WritesCodesBlindly, told))
    }

    async fn remove_totp(
        &self,
        user: &UserId,
        proof: Option<FactorProof>,
        along: &Effects,
    ) -> Result<FactorRemoval> {
        let proof = proof.filter(|_| !self.is(Fault::RemovesBlindly));
        let proof = proof.filter(|_| !self.is(Fault::TakesCodesWithTheApp));
        let kept = if self.is(Fault::ForgetsWhatGoesAlong) { &Effects::none() } else { along };
        let told = self.good.remove_totp(user, proof, kept).await?;
        let lies = self.is(Fault::LetsTheLastGo) && told == FactorRemoval::LastToComeIn;
        Ok(if lies { FactorRemoval::Removed { device_epoch: 1 } } else { told })
    }

    async fn forget_browsers(&self, user: &UserId, along: &Effects) -> Result<Option<i64>> {
        let told = self.good.forget_browsers(user, along).await?;
        Ok(told.map(|epoch| if self.is(Fault::ForgetsOnce) { 1 } else { epoch }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_second_factors_breaks() {
    for (fault, rule) in [
        (Fault::EnrolsEverybody, "an app is enrolled once, with its codes"),
        (Fault::ReplaysTotp, "a code of the app works once"),
        (Fault::ReplaysBackupCodes, "a backup code works once"),
        (Fault::LetsStepsGoBack, "a code of the app is newer than the last one"),
        (
            Fault::CountsNothing,
            "any number of callers get the allowed attempts at codes and no more",
        ),
        (Fault::IgnoresTheEpoch, "no login that was begun before a reset outlives it"),
        (Fault::KeepsOldCodes, "new backup codes take the place of all old ones"),
        (Fault::RemovesBlindly, "an app is removed by a good code only"),
        (Fault::ForgetsOnce, "to forget browsers moves the epoch, by one for each who does"),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { good: (&store).into(), fault };
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::second_factors(Arc::new(broken), users, sessions, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_second_factor_in_a_session_that_is_over() {
    let store = Database::sqlite().store().await;
    for fault in [Fault::IgnoresTheSession, Fault::KeepsTheCodesOpen] {
        let factors = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::ways_in(WaysInParts { factors, ..parts(&store) }).await;
        let rule = "a way in is made in a session that is alive";
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_what_is_wrong_with_backup_codes_without_an_app() {
    for (fault, rule) in [
        (Fault::WritesCodesBlindly, "backup codes without an app take a passkey"),
        (
            Fault::KeepsCodesWithoutAnApp,
            "new backup codes without an app take the place of all old ones",
        ),
        (Fault::ReplaysTotp, "there is no code of an app without an app"),
        (Fault::ReplaysBackupCodes, "a backup code without an app works once"),
        (Fault::TakesCodesWithTheApp, "who has passkeys keeps the backup codes when the app goes"),
    ] {
        let store = Database::sqlite().store().await;
        let factors = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::ways_in(WaysInParts { factors, ..parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

/// A store that leaves codes behind when their last passkey goes.
#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_backup_codes_that_outlive_the_last_passkey() {
    let directory = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", directory.path().join("broken.db").display());
    let store = SqlStore::connect(&file).await.unwrap();
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let trigger = "CREATE TRIGGER broken BEFORE DELETE ON donjon_totp
         WHEN old.secret IS NULL AND EXISTS
             (SELECT 1 FROM donjon_users u WHERE u.id = old.user_id AND u.passkeys = 0)
         BEGIN SELECT RAISE(IGNORE); END";
    sqlx::query(trigger).execute(&mut connection).await.unwrap();
    let seen = contract::ways_in(parts(&store)).await;
    assert_eq!(seen.unwrap_err().rule, "backup codes go with the last passkey");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_second_factors_that_does_not_say_what_it_wrote() {
    for (fault, rule) in [
        (Fault::SignsNoLock, "a store says with which attempt it locked"),
        (Fault::SignsNoSighting, "a store says where a login was seen"),
        (Fault::SignsNoBackupSighting, "a store says where a login was seen"),
    ] {
        let store = Database::sqlite().store().await;
        let factors = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::receipts(ReceiptParts { factors, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
