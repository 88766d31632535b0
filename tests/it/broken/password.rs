use std::sync::Arc;

use async_trait::async_trait;
use donjon::scope::UserId;
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
    /// Tells everybody who changes a password that they were first.
    LosesARaceSilently,
    /// Sets a first password where there is one.
    SetsOverAPassword,
    /// Lets all sessions go on.
    EndsNoSession,
    /// Ends the session in which the password was changed.
    EndsItsOwnSession,
    /// Requires a change, and forgets it.
    ForgetsTheRequirement,
    /// Does not mind that the user's epoch has moved.
    IgnoresTheEpoch,
    /// Does not mind that the session is over.
    IgnoresTheSession,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Says of no login where it was seen.
    SignsNoSighting,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn PasswordStore>,
    sessions: Arc<dyn SessionStore>,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn kept<'a>(&self, along: &'a Effects, none: &'a Effects) -> &'a Effects {
        if self.is(Fault::ForgetsWhatGoesAlong) { none } else { along }
    }
}

#[async_trait]
impl PasswordStore for Broken {
    async fn load_login_user(&self, user: &UserId) -> Result<Option<LoginUser>> {
        let mut found = self.good.load_login_user(user).await?;
        if let Some(user) = found.as_mut().filter(|_| self.is(Fault::ForgetsTheRequirement)) {
            user.must_change_password = false;
        }
        Ok(found)
    }

    async fn change_password(
        &self,
        change: &NewPassword,
        along: &Effects,
    ) -> Result<PasswordChange> {
        let mut change = change.clone();
        match self.fault {
            Fault::SetsOverAPassword if change.replaces.is_none() => {
                let user = self.good.load_login_user(&change.user).await?;
                change.replaces = user.and_then(|user| user.password);
            }
            Fault::IgnoresTheSession => {
                let alive = self.sessions.sessions_of(&change.user, change.chosen_at).await?;
                change.keep = change.keep.filter(|id| alive.iter().any(|other| other.id == *id));
            }
            Fault::IgnoresTheEpoch => change.epoch = None,
            Fault::EndsItsOwnSession => change.keep = None,
            Fault::EndsNoSession => {
                let sessions = self.sessions.sessions_of(&change.user, change.chosen_at).await?;
                if let Some(another) =
                    sessions.iter().find(|session| Some(session.id) != change.keep)
                {
                    change.keep = Some(another.id);
                }
            }
            _ => {}
        }
        let none = Effects::none();
        let along = if self.is(Fault::SignsNoSighting) { &unsigned(along) } else { along };
        let told = self.good.change_password(&change, self.kept(along, &none)).await?;
        let lies = self.is(Fault::LosesARaceSilently);
        Ok(if lies { PasswordChange::Done { device_epoch: 1 } } else { told })
    }

    async fn require_password_change(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let none = Effects::none();
        self.good.require_password_change(user, self.kept(along, &none), now).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_passwords_breaks() {
    const ENDS: &str = "a change ends every session but the one it was made in, and notes it";
    for (fault, rule) in [
        (Fault::LosesARaceSilently, "a password is replaced once"),
        (Fault::SetsOverAPassword, "a first password is set where there is none"),
        (Fault::IgnoresTheEpoch, "a change that was begun before the epoch moved is none"),
        (Fault::EndsNoSession, ENDS),
        (Fault::EndsItsOwnSession, ENDS),
        (Fault::ForgetsTheRequirement, "a change that is required is told until it is made"),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let (good, sessions) = ((&store).into(), (&store).into());
        let broken = Broken { good, sessions, fault };
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::passwords(Arc::new(broken), users, sessions, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_password_in_a_session_that_is_over() {
    let store = Database::sqlite().store().await;
    let fault = Fault::IgnoresTheSession;
    let passwords = Arc::new(Broken { good: (&store).into(), sessions: (&store).into(), fault });
    let seen = contract::ways_in(WaysInParts { passwords, ..parts(&store) }).await;
    assert_eq!(seen.unwrap_err().rule, "a way in is made in a session that is alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_passwords_that_does_not_say_what_it_wrote() {
    for (fault, rule) in [(Fault::SignsNoSighting, "a store says where a login was seen")] {
        let store = Database::sqlite().store().await;
        let passwords =
            Arc::new(Broken { good: (&store).into(), sessions: (&store).into(), fault });
        let seen = contract::receipts(ReceiptParts { passwords, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
