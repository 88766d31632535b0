use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::{RandomExt as _, SystemRandom, TokenHash};
use donjon::scope::{Account, Authentication, Method, SessionEnd, SessionId, UserId};
use donjon::store::*;
use donjon::testing::contract;
use time::{Duration, OffsetDateTime};

use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Gives a code to whoever asks.
    IssuesForAnybody,
    /// Opens another session with a code that was used.
    RedeemsTwice,
    /// Refuses a code that was used, and leaves the session that it opened.
    ForgivesReplays,
    /// Does not look at the verifier.
    IgnoresTheVerifier,
    /// Refuses a code that comes with another verifier, and waits for the right one.
    ForgivesGuesses,
    /// Does not look whose a code is.
    RedeemsForAnyApp,
    /// Opens codes that are over.
    RedeemsLate,
    /// Does not look whether the login behind a code is still there.
    IgnoresTheLogin,
    /// Opens sessions for who has signed out everywhere.
    OutlivesASignOut,
    /// Does not look when the login behind a code ends.
    IgnoresTheEndOfTheLogin,
    /// Tells nobody of a session that begins.
    ForgetsTheStart,
    /// Says to everybody that they rotated.
    RotatesForEverybody,
    /// Refuses a token that was used, and leaves its session.
    ForgivesReuse,
    /// Forgets tokens that were replaced by what was replaced in its turn.
    ForgetsOldTokens,
    /// Keeps each token that was replaced.
    KeepsEveryToken,
    /// Has a grace window of twice its length.
    GraceTooLong,
    /// Keeps the grace window open when the successor was used.
    GraceTooLate,
    /// Does not look whose a refresh token is.
    RotatesForAnyApp,
    /// Never finds a session idle.
    NeverIdle,
    /// Tells nobody of reuse.
    ForgetsReuse,
    /// Opens with access tokens that are over.
    OpensLate,
    /// Says to everybody that they ended a session.
    EndsForEverybody,
    /// Lists nothing.
    ListsNothing,
    /// Takes what is not over.
    SweepsTooMuch,
    /// Takes all at once.
    SweepsUnbounded,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn AppSessionStore>,
    sessions: Arc<dyn SessionStore>,
    fault: Fault,
    codes: Mutex<HashMap<TokenHash, NewAppCode>>,
    /// Codes that are used, or spent on a guess.
    spent: Mutex<HashSet<TokenHash>>,
    /// What was rotated, into what it was, and what it got sealed.
    rotated: Mutex<HashMap<TokenHash, (TokenHash, AppRotation)>>,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Whether a token was replaced.
    fn is_replaced(&self, token: &TokenHash) -> bool {
        self.rotated.lock().unwrap().contains_key(token)
    }

    /// A session that nobody wrote.
    fn made_up(code: &NewAppCode) -> AppCodeRedemption {
        let account = Box::new(Account::new(code.user.clone()));
        let expires_at = code.created_at + Duration::days(90);
        AppCodeRedemption::Redeemed { account, scopes: code.scopes.clone(), expires_at }
    }

    /// The session that a code would have opened, of a user who is not logged in any more.
    async fn open_all_the_same(
        &self,
        code: &NewAppCode,
        redeem: &RedeemAppCode,
    ) -> Result<AppCodeRedemption> {
        let none = Effects::none();
        let authentication = Authentication {
            at: code.created_at,
            methods: vec![Method::PASSWORD],
            context_class: None,
            session_id: redeem.session.id,
            login_path: None,
            ends_at: None,
            fresh_until: None,
        };
        let browser = NewSession {
            along: none.clone(),
            token: SystemRandom.token().hash(),
            id: SessionId(SystemRandom.uuid_v7(redeem.now)),
            login: Some(Login::new(Account::new(code.user.clone()), authentication)),
            data_id: SystemRandom.uuid_v7(redeem.now),
            device: Device::default(),
            remembered: false,
            created_at: redeem.now,
            last_active_at: redeem.now,
            idle_expires_at: None,
            expires_at: redeem.session.expires_at,
            beside: None,
        };
        self.sessions.create_session(&browser).await?;
        let token = SystemRandom.token().hash();
        let code = NewAppCode { code: token, made_in: browser.id, ..code.clone() };
        self.good.issue_app_code(&code).await?;
        let redeem = RedeemAppCode { code: token, ..redeem.clone() };
        let done = self.good.redeem_app_code(&redeem, &none, &none).await?;
        let end = SessionEnd::LoggedOut;
        self.sessions.end_session(&code.user, browser.id, end, redeem.now).await?;
        Ok(done)
    }
}

#[async_trait]
impl AppSessionStore for Broken {
    async fn issue_app_code(&self, code: &NewAppCode) -> Result<bool> {
        self.codes.lock().unwrap().insert(code.code, code.clone());
        Ok(self.good.issue_app_code(code).await? || self.is(Fault::IssuesForAnybody))
    }

    async fn redeem_app_code(
        &self,
        redeem: &RedeemAppCode,
        along: &Effects,
        denied: &Effects,
    ) -> Result<AppCodeRedemption> {
        let none = Effects::none();
        let along = if self.is(Fault::ForgetsTheStart) { &none } else { along };
        let code = self.codes.lock().unwrap().get(&redeem.code).cloned();
        let Some(code) = code else {
            return self.good.redeem_app_code(redeem, along, denied).await;
        };
        let mut redeem = redeem.clone();
        let spent = self.spent.lock().unwrap().contains(&redeem.code);
        let own = redeem.app == code.app;
        let right = (&redeem.code_challenge, &redeem.redirect_uri)
            == (&code.code_challenge, &code.redirect_uri);
        match self.fault {
            Fault::ForgivesReplays if spent && own => return Ok(AppCodeRedemption::Replayed),
            Fault::ForgivesGuesses if own && !right && !spent => {
                return Ok(AppCodeRedemption::Mismatched);
            }
            Fault::IgnoresTheVerifier if !spent => {
                redeem.code_challenge = code.code_challenge.clone();
            }
            Fault::RedeemsForAnyApp => redeem.app = code.app.clone(),
            Fault::RedeemsLate if redeem.now >= code.expires_at => redeem.now = code.created_at,
            _ => {}
        }
        let done = self.good.redeem_app_code(&redeem, along, denied).await?;
        let redeemed = matches!(done, AppCodeRedemption::Redeemed { .. });
        if redeemed || done == AppCodeRedemption::Mismatched {
            self.spent.lock().unwrap().insert(redeem.code);
        }
        let over = redeem.now >= code.expires_at;
        match done {
            AppCodeRedemption::Replayed if self.is(Fault::RedeemsTwice) => Ok(Self::made_up(&code)),
            AppCodeRedemption::Redeemed { account, scopes, .. }
                if self.is(Fault::IgnoresTheEndOfTheLogin) =>
            {
                let expires_at = redeem.session.expires_at;
                Ok(AppCodeRedemption::Redeemed { account, scopes, expires_at })
            }
            AppCodeRedemption::Unknown
                if self.is(Fault::OutlivesASignOut) && own && !spent && !over =>
            {
                self.open_all_the_same(&code, &redeem).await
            }
            AppCodeRedemption::Unknown
                if self.is(Fault::IgnoresTheLogin) && own && !spent && !over =>
            {
                Ok(Self::made_up(&code))
            }
            done => Ok(done),
        }
    }

    async fn rotate_app_session(
        &self,
        rotate: &RotateAppSession,
        denied: &Effects,
    ) -> Result<AppRotation> {
        let none = Effects::none();
        let denied = if self.is(Fault::ForgetsReuse) { &none } else { denied };
        let mut rotate = rotate.clone();
        let presented = rotate.presented.token;
        let known = self.rotated.lock().unwrap().get(&presented).cloned();
        if let Some((successor, first)) = known {
            let used = self.rotated.lock().unwrap().contains_key(&successor);
            match self.fault {
                Fault::ForgetsOldTokens if self.is_replaced(&successor) => {
                    return Ok(AppRotation::Unknown);
                }
                Fault::ForgivesReuse if used => return Ok(AppRotation::Reused),
                Fault::GraceTooLate if used && rotate.now - rotate.grace < at_first(&first) => {
                    return Ok(first);
                }
                _ => {}
            }
        }
        match self.fault {
            Fault::GraceTooLong => rotate.grace *= 2,
            Fault::RotatesForAnyApp => rotate.app = "kit-app".to_owned(),
            _ => {}
        }
        let mut done = self.good.rotate_app_session(&rotate, denied).await?;
        if done == AppRotation::Unknown && self.is(Fault::NeverIdle) {
            rotate.now -= Duration::SECOND;
            done = self.good.rotate_app_session(&rotate, denied).await?;
        }
        match &done {
            AppRotation::Rotated { expires_at } => {
                let (successor_sealed, expires_at) = (rotate.successor_sealed.clone(), *expires_at);
                let repeated = AppRotation::Repeated { successor_sealed, expires_at };
                let it = (rotate.successor, repeated);
                self.rotated.lock().unwrap().insert(presented, it);
                Ok(done)
            }
            AppRotation::Repeated { expires_at, .. } if self.is(Fault::RotatesForEverybody) => {
                Ok(AppRotation::Rotated { expires_at: *expires_at })
            }
            _ => Ok(done),
        }
    }

    async fn find_app_session(
        &self,
        access: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<PresentedApp>> {
        let now = if self.is(Fault::OpensLate) { now - Duration::SECOND } else { now };
        self.good.find_app_session(access, now).await
    }

    async fn revoke_app_session(
        &self,
        token: &TokenHash,
        family: Option<&TokenHash>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let ended = self.good.revoke_app_session(token, family, along, now).await?;
        Ok(ended || self.is(Fault::EndsForEverybody))
    }

    async fn app_sessions_of(&self, user: &UserId) -> Result<Vec<(SessionId, String)>> {
        let mut listed = self.good.app_sessions_of(user).await?;
        listed.retain(|_| !self.is(Fault::ListsNothing));
        Ok(listed)
    }

    async fn sweep_app_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let now = if self.is(Fault::SweepsTooMuch) { now + Duration::HOUR } else { now };
        let bound = if self.is(Fault::SweepsUnbounded) { 1000 } else { limit };
        let swept = self.good.sweep_app_sessions(now, bound).await?;
        let kept = self.is(Fault::KeepsEveryToken) && limit == 1000;
        Ok(swept + if kept { self.rotated.lock().unwrap().len() as u64 } else { 0 })
    }
}

/// The kit rotates within a window of half a minute from its first moment.
fn at_first(rotation: &AppRotation) -> OffsetDateTime {
    match rotation {
        AppRotation::Repeated { expires_at, .. } => *expires_at - Duration::days(90),
        _ => OffsetDateTime::UNIX_EPOCH,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_app_sessions_breaks() {
    for (fault, rule) in [
        (
            Fault::IssuesForAnybody,
            "a code is made in a browser's live session, by its user in person",
        ),
        (Fault::RedeemsTwice, "of many redemptions of one code exactly one wins"),
        (Fault::ForgivesReplays, "a replay is told of if it ended something"),
        (
            Fault::IgnoresTheVerifier,
            "a code that comes with another verifier or address opens nothing any more",
        ),
        (
            Fault::ForgivesGuesses,
            "a code that comes with another verifier or address opens nothing any more",
        ),
        (Fault::RedeemsForAnyApp, "a code of another app is unknown, and stays good"),
        (Fault::RedeemsLate, "a code is redeemed before it expires, and not after"),
        (Fault::IgnoresTheLogin, "a code opens nothing once the login it was made in has ended"),
        (
            Fault::ForgetsTheStart,
            "what goes along with a session is written once, and names its user",
        ),
        (
            Fault::RotatesForEverybody,
            "of many rotations of one refresh token of an app exactly one wins",
        ),
        (Fault::ForgivesReuse, "reuse is told of, and names its user"),
        (Fault::ForgetsReuse, "reuse is told of, and names its user"),
        (Fault::GraceTooLong, "the grace window of an app's rotation is as long as it says"),
        (
            Fault::GraceTooLate,
            "the grace window of an app's rotation closes when the successor is used",
        ),
        (Fault::RotatesForAnyApp, "a refresh token of another app is unknown, and stays good"),
        (
            Fault::NeverIdle,
            "a refresh token of an app works while its session is used, and not for ever",
        ),
        (
            Fault::OutlivesASignOut,
            "no session of an app outlives the end of all its user's sessions",
        ),
        (
            Fault::IgnoresTheEndOfTheLogin,
            "no session of an app outlives the end that its login was given",
        ),
        (Fault::ForgetsOldTokens, "a reused refresh token of an app ends its session for good"),
        (
            Fault::KeepsEveryToken,
            "however often a token of an app is replaced, two of its family are kept",
        ),
        (Fault::OpensLate, "an access token works until it is over, or its session is"),
        (Fault::EndsForEverybody, "a session of an app is ended once, by any of its secrets"),
        (Fault::ListsNothing, "a user's sessions of apps are listed"),
        (Fault::SweepsTooMuch, "a code is known for a day"),
        (
            Fault::SweepsUnbounded,
            "only codes and tokens that are over are swept, in bounded batches",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken {
            good: (&store).into(),
            sessions: (&store).into(),
            fault,
            codes: Mutex::default(),
            spent: Mutex::default(),
            rotated: Mutex::default(),
        };
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::app_sessions(Arc::new(broken), users, sessions, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
