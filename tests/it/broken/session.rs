use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::TokenHash;
use donjon::scope::{Account, SessionEnd, SessionEvent, SessionId, UserId};
use donjon::store::{
    DataChange, Effects, NewSession, OthersEnd, Refresh, Result, Rotation, SESSION_EVENTS_KEPT,
    SessionData, SessionStore, SqlStore, StoredSession, UserEpoch,
};
use donjon::testing::contract;
use sqlx::{Connection as _, SqliteConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::unreachable::unreachable;
use crate::support::database::Database;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Checks, then writes: two callers can both pass the check.
    RotatesTwice,
    /// Deletes sessions without writing their events.
    ForgetsTheEnd,
    /// Notes the ends of sessions, but not of what sessions left behind.
    ForgetsTheGrants,
    /// Notes activity of a session that was over a moment ago.
    RevivesTheDead,
    /// Forgets to look at the idle limit.
    IgnoresIdleness,
    /// Ends sessions by id alone.
    EndsStrangers,
    /// Reads the host's data, and writes all of it back later.
    LosesUpdates,
    /// Keeps the host's data when its session ends.
    KeepsTheDataOfTheDead,
    /// Notes that a user changed only if nobody else does.
    LosesChanges,
    /// Writes what the host said, however long ago.
    LetsTheSlowWin,
    /// Takes what a rotation writes for the latest word.
    ClaimsToBeNew,
    /// Cannot write what the host says, as when a disk is full.
    CannotRefresh,
    /// Takes events out of the log before they are old enough.
    SweepsWhatIsNeeded,
    /// Takes events out of the log whether or not they were read.
    SweepsTheUnread,
    /// Ends all sessions, and leaves the links by which somebody comes in.
    LeavesTheLinks,
    /// Ends all sessions, and leaves the browsers that are trusted.
    LeavesTheEpoch,
    /// Ends all other sessions, and leaves the links.
    LeavesOthersLinks,
    /// Ends all other sessions for one that was ended itself.
    HearsTheDead,
    /// Writes a session, and not what goes along with it.
    ForgetsWhatGoesAlong,
    /// Writes a session beside however many others.
    DisplacesNobody,
    /// Displaces by a login, and not by that of a visitor.
    DisplacesByNewOnesOnly,
}

/// A store that works, but for [`SessionStore::refresh_account`].
pub fn without_refresh(store: impl Into<Arc<dyn SessionStore>>) -> Arc<dyn SessionStore> {
    let (store, fault) = (store.into(), Fault::CannotRefresh);
    Arc::new(Broken { store, fault, data: Mutex::default(), file: None })
}

#[derive(Debug)]
struct Broken {
    store: Arc<dyn SessionStore>,
    fault: Fault,
    /// Where data outlives its session.
    data: Mutex<HashMap<Uuid, SessionData>>,
    /// The database whose log of events is swept blindly, or whose users are written behind its back.
    file: Option<String>,
}

impl Broken {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn move_epoch(&self, user: &UserId, by: i64) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut connection = SqliteConnection::connect(file).await?;
        sqlx::query("UPDATE donjon_users SET device_epoch = device_epoch + $2 WHERE id = $1")
            .bind(user.as_str())
            .bind(by)
            .execute(&mut connection)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Broken {
    async fn create_session(&self, session: &NewSession) -> Result<()> {
        let mut session = session.clone();
        if self.has(Fault::IgnoresIdleness) {
            session.idle_expires_at = None;
        }
        if self.has(Fault::DisplacesNobody) {
            session.beside = None;
        }
        if self.has(Fault::ForgetsWhatGoesAlong) {
            session.along = Effects::none();
        }
        self.store.create_session(&session).await
    }

    async fn load_session(
        &self,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<StoredSession>> {
        let mut loaded = self.store.load_session(token, now).await?;
        if self.has(Fault::IgnoresIdleness)
            && let Some(session) = &mut loaded
        {
            session.idle_expires_at = Some(session.created_at + Duration::minutes(30));
        }
        Ok(loaded)
    }

    async fn rotate_session(
        &self,
        current: &TokenHash,
        next: &NewSession,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<Rotation> {
        if self.has(Fault::RotatesTwice) {
            if self.store.load_session(current, now).await?.is_none() {
                return Ok(Rotation::Lost);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            if self.store.rotate_session(current, next, end, now).await? == Rotation::Lost {
                self.store.create_session(next).await?;
            }
            return Ok(Rotation::Rotated);
        }
        let mut next = next.clone();
        if self.has(Fault::DisplacesByNewOnesOnly) {
            next.beside = None;
        }
        if self.has(Fault::ClaimsToBeNew)
            && let Some(login) = &mut next.login
        {
            login.as_of = self.store.user_epoch(login.account.id()).await?;
        }
        self.store.rotate_session(current, &next, end, now).await
    }

    async fn user_epoch(&self, user: &UserId) -> Result<Option<UserEpoch>> {
        self.store.user_epoch(user).await
    }

    async fn user_changed(&self, user: &UserId) -> Result<UserEpoch> {
        static NOTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        if self.has(Fault::LosesChanges) {
            let before = self.store.user_epoch(user).await?.unwrap();
            let Ok(_alone) = NOTING.try_lock() else { return Ok(UserEpoch(before.0 + 1)) };
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            return self.store.user_changed(user).await;
        }
        self.store.user_changed(user).await
    }

    async fn refresh_account(
        &self,
        id: SessionId,
        account: &Account,
        epoch: UserEpoch,
    ) -> Result<Refresh> {
        if self.has(Fault::LetsTheSlowWin) {
            static LATER: AtomicI64 = AtomicI64::new(1_000);
            let later = UserEpoch(LATER.fetch_add(1, Ordering::SeqCst));
            return self.store.refresh_account(id, account, later).await;
        }
        if self.has(Fault::CannotRefresh) {
            return unreachable();
        }
        self.store.refresh_account(id, account, epoch).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        idle_expires_at: Option<OffsetDateTime>,
    ) -> Result<()> {
        self.store.touch_session(id, now, idle_expires_at).await?;
        if self.has(Fault::RevivesTheDead) {
            let before = now - Duration::MICROSECOND;
            self.store.touch_session(id, before, idle_expires_at).await?;
        }
        Ok(())
    }

    async fn end_session_along(
        &self,
        user: &UserId,
        id: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let owner = if self.has(Fault::EndsStrangers) {
            UserId::new("ends").unwrap()
        } else {
            user.clone()
        };
        self.store.end_session_along(&owner, id, end, along, now).await
    }

    async fn discard_session(&self, token: &TokenHash) -> Result<()> {
        self.store.discard_session(token).await
    }

    async fn end_sessions_along(
        &self,
        user: &UserId,
        except: Option<SessionId>,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64> {
        if self.has(Fault::LeavesTheLinks) && except.is_none() {
            // As if one were to be kept.
            let nothing = SessionId(Uuid::nil());
            self.move_epoch(user, 1).await?;
            return self.store.end_sessions_along(user, Some(nothing), end, along, now).await;
        }
        let ended = self.store.end_sessions_along(user, except, end, along, now).await?;
        if self.has(Fault::LeavesTheEpoch) && except.is_none() {
            self.move_epoch(user, -1).await?;
        }
        Ok(ended)
    }

    async fn end_other_sessions(
        &self,
        user: &UserId,
        kept: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OthersEnd> {
        if self.has(Fault::HearsTheDead) || self.has(Fault::LeavesOthersLinks) {
            self.move_epoch(user, 1).await?;
            let ended = self.store.end_sessions_along(user, Some(kept), end, along, now).await?;
            let device_epoch = self.file.as_ref().map(|_| 1);
            return Ok(OthersEnd::Done { ended, device_epoch });
        }
        self.store.end_other_sessions(user, kept, end, along, now).await
    }

    async fn sessions_of(&self, user: &UserId, now: OffsetDateTime) -> Result<Vec<StoredSession>> {
        self.store.sessions_of(user, now).await
    }

    async fn sweep_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.store.sweep_sessions(now, limit).await
    }

    async fn load_session_data(&self, data_id: Uuid) -> Result<Option<SessionData>> {
        if self.has(Fault::KeepsTheDataOfTheDead) {
            return Ok(self.data.lock().unwrap().get(&data_id).cloned());
        }
        self.store.load_session_data(data_id).await
    }

    async fn change_session_data(&self, data_id: Uuid, change: &DataChange) -> Result<()> {
        if self.has(Fault::LosesUpdates) {
            let stored = self.store.load_session_data(data_id).await?.unwrap_or_default();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let set = change.apply(stored);
            let whole = DataChange { replaces: true, set, ..DataChange::default() };
            return self.store.change_session_data(data_id, &whole).await;
        }
        self.store.change_session_data(data_id, change).await?;
        if self.has(Fault::KeepsTheDataOfTheDead) {
            let stored = self.store.load_session_data(data_id).await?;
            self.data.lock().unwrap().extend(stored.map(|data| (data_id, data)));
        }
        Ok(())
    }

    async fn session_events(&self, after: i64, limit: u32) -> Result<Vec<SessionEvent>> {
        if self.has(Fault::ForgetsTheEnd) {
            return Ok(Vec::new());
        }
        let mut events = self.store.session_events(after, limit).await?;
        if self.has(Fault::ForgetsTheGrants) {
            events.retain(|event| event.session_id.is_some());
        }
        Ok(events)
    }

    async fn sweep_session_events(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let early = self.has(Fault::SweepsWhatIsNeeded);
        let now = if early { now + Duration::DAY } else { now };
        if let Some(file) = &self.file {
            let before = (now - SESSION_EVENTS_KEPT).unix_timestamp() * 1_000_000;
            let mut connection = SqliteConnection::connect(file).await?;
            let swept = sqlx::query("DELETE FROM donjon_session_events WHERE at <= $1")
                .bind(before)
                .execute(&mut connection)
                .await?;
            return Ok(swept.rows_affected());
        }
        self.store.sweep_session_events(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_broken_session_store_breaks() {
    for (fault, expected) in [
        (Fault::RotatesTwice, "of many rotations of one session exactly one wins"),
        (Fault::ForgetsTheEnd, "a login that is replaced has ended, and only then"),
        (
            Fault::ForgetsTheGrants,
            "an end that reaches offline access is noted without a session too",
        ),
        (Fault::RevivesTheDead, "a session that is over is never revived"),
        (
            Fault::IgnoresIdleness,
            "a session is found by its token until it is idle or old for too long",
        ),
        (Fault::EndsStrangers, "nobody ends another's session"),
        (Fault::HearsTheDead, "of sessions that end each other one is left"),
        (Fault::LosesUpdates, "changes of different keys do not undo each other"),
        (Fault::KeepsTheDataOfTheDead, "the host's data goes with its session"),
        (Fault::LosesChanges, "each change of a user moves their epoch on by one"),
        (Fault::LetsTheSlowWin, "what the host said last prevails, whoever writes it first"),
        (Fault::ClaimsToBeNew, "a session that is written again is as old as what is written"),
        (
            Fault::DisplacesNobody,
            "those of a user's sessions that are too many end, unused longest first",
        ),
        (Fault::DisplacesByNewOnesOnly, "a rotation displaces as a new session does"),
        (
            Fault::SweepsWhatIsNeeded,
            "an event of the log stays for a week, and then goes, in bounds",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { store: store.into(), fault, data: Mutex::default(), file: None };
        let outcome = contract::sessions(Arc::new(broken)).await;
        let violation = outcome.expect_err(&format!("{fault:?} goes unnoticed"));
        assert_eq!(violation.rule, expected, "{fault:?}: {violation}");
    }
}

/// What only whoever reads the log would notice.
#[tokio::test(flavor = "multi_thread")]
async fn the_kit_notices_ends_that_nobody_was_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", directory.path().join("swept.db").display());
    let store = SqlStore::connect(&file).await.unwrap();
    let broken = Broken {
        store: (&store).into(),
        fault: Fault::SweepsTheUnread,
        data: Mutex::default(),
        file: Some(file),
    };
    let violation = contract::provider(store.into(), Arc::new(broken)).await.unwrap_err();
    let expected = "what is swept from the log was applied for every issuer";
    assert_eq!(violation.rule, expected, "{violation}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_notices_what_a_sign_out_leaves_open() {
    for (fault, expected) in [
        (
            Fault::LeavesTheLinks,
            "whoever signs out everywhere ends the links by which somebody comes in",
        ),
        (Fault::LeavesTheEpoch, "signing out everywhere moves the epoch, by one"),
        (Fault::LeavesOthersLinks, "ending all other sessions leaves one way in"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}", directory.path().join("left.db").display());
        let store = SqlStore::connect(&file).await.unwrap();
        let broken =
            Broken { store: (&store).into(), fault, data: Mutex::default(), file: Some(file) };
        let (links, users, audit) = ((&store).into(), (&store).into(), (&store).into());
        let outcome = contract::mail_links(links, users, Arc::new(broken), audit).await;
        let violation = outcome.expect_err(&format!("{fault:?} goes unnoticed"));
        assert_eq!(violation.rule, expected, "{fault:?}: {violation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_of_organizations_looks_for_what_goes_along_with_a_session() {
    let store = Database::sqlite().store().await;
    let mut parts = crate::account::organizations::store::parts(&store);
    let (good, fault) = ((&store).into(), Fault::ForgetsWhatGoesAlong);
    parts.sessions = Arc::new(Broken { store: good, fault, data: Mutex::default(), file: None });
    let seen = contract::organizations(parts).await.unwrap_err();
    assert_eq!(seen.rule, "what goes along with a session is written if the session is");
}
