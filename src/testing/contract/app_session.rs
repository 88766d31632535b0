mod code;
mod rotation;

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::account::new_user;
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{RandomExt as _, Sealed, SystemRandom, TokenHash};
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::{
    AppCodeRedemption, AppRefresh, AppRotation, AppSessionStore, AuditFilter, AuditStore, Device,
    Effects, NewAppAccess, NewAppCode, NewAppSession, NewSession, RedeemAppCode, RotateAppSession,
    SessionStore, UserStore,
};

type Checked = Result<(), Violation>;

/// The app of the kit.
const APP: &str = "kit-app";
const REDIRECT: &str = "https://app.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const GRACE: Duration = Duration::seconds(30);
const ACCESS: Duration = Duration::minutes(15);
const IDLE: Duration = Duration::days(30);
const ABSOLUTE: Duration = Duration::days(90);

/// Proves the contract of an [`AppSessionStore`] whose users are in `users` and whose sessions in
/// `sessions`, and whose entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn app_sessions(
    store: Arc<dyn AppSessionStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions, audit };
    code::check(&kit).await?;
    rotation::check(&kit).await?;
    kit.a_session_is_ended_by_its_secrets_once().await?;
    kit.an_access_token_works_while_its_session_does().await?;
    kit.only_what_is_over_is_swept().await?;
    kit.however_often_a_token_is_replaced_few_are_kept().await
}

#[derive(Clone)]
struct Kit {
    store: Arc<dyn AppSessionStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
}

/// A user who is logged in with a browser.
struct User {
    email: String,
    id: UserId,
    browser: SessionId,
}

/// A session of an app.
#[derive(Clone, Copy)]
struct Begun {
    id: SessionId,
    refresh: AppRefresh,
    access: TokenHash,
}

impl Kit {
    async fn user(&self) -> Result<User, Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = new_user(&email);
        self.users.create_user(&user, &Effects::none()).await?;
        let id = user.account.id().clone();
        let browser = self.browser(&id, None).await?;
        Ok(User { email, id, browser })
    }

    /// A browser in which the user is logged in, or an administrator as the user.
    async fn browser(
        &self,
        user: &UserId,
        impersonator: Option<UserId>,
    ) -> Result<SessionId, Violation> {
        let mut session = new_session(Some(user.as_str()));
        if let Some(login) = &mut session.login {
            (login.impersonator, login.organization) = (impersonator, None);
        }
        self.write(session).await
    }

    /// A browser in which the user is logged in by somebody who has set the login an end.
    async fn browser_until(
        &self,
        user: &UserId,
        ends_at: OffsetDateTime,
    ) -> Result<SessionId, Violation> {
        let mut session = new_session(Some(user.as_str()));
        if let Some(login) = &mut session.login {
            (login.impersonator, login.organization) = (None, None);
            login.authentication.ends_at = Some(ends_at);
        }
        self.write(session).await
    }

    async fn write(&self, mut session: NewSession) -> Result<SessionId, Violation> {
        session.idle_expires_at = None;
        session.expires_at = epoch() + ABSOLUTE * 2;
        self.sessions.create_session(&session).await?;
        Ok(session.id)
    }

    async fn code(&self, user: &User) -> Result<NewAppCode, Violation> {
        let code = new_code(&user.id, user.browser);
        let issued = self.store.issue_app_code(&code).await?;
        rule("whoever is logged in gets a code for an app", issued, issued)?;
        Ok(code)
    }

    /// A session of an app, of this user.
    async fn begun(&self, user: &User) -> Result<Begun, Violation> {
        let redeem = redemption(&self.code(user).await?, epoch());
        let done = self.redeem(&redeem).await?;
        let redeemed = matches!(done, AppCodeRedemption::Redeemed { .. });
        rule("a code opens a session of its user's", redeemed, &done)?;
        Ok(begun(&redeem))
    }

    async fn redeem(&self, redeem: &RedeemAppCode) -> Result<AppCodeRedemption, Violation> {
        Ok(self.store.redeem_app_code(redeem, &Effects::none(), &Effects::none()).await?)
    }

    async fn rotate(&self, rotate: &RotateAppSession) -> Result<AppRotation, Violation> {
        Ok(self.store.rotate_app_session(rotate, &Effects::none()).await?)
    }

    /// Whether an access token opens something.
    async fn opens(&self, access: &TokenHash, now: OffsetDateTime) -> Result<bool, Violation> {
        Ok(self.store.find_app_session(access, now).await?.is_some())
    }

    /// Whether a refresh token yields another one, for a while or for good.
    async fn yields(&self, token: AppRefresh, now: OffsetDateTime) -> Result<bool, Violation> {
        let done = self.rotate(&rotation(token, now)).await?;
        Ok(matches!(done, AppRotation::Rotated { .. } | AppRotation::Repeated { .. }))
    }

    /// Why a session ended, each time it was told of.
    async fn ends(&self, session: SessionId) -> Result<Vec<SessionEnd>, Violation> {
        let events = self.sessions.session_events(0, 100_000).await?;
        let own = events.iter().filter(|event| event.session_id == Some(session));
        Ok(own.map(|event| event.end).collect())
    }

    /// An entry to be found again.
    fn along(&self) -> (String, Effects) {
        let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
        let action = Action::host(&name).unwrap_or(Action::CREATE);
        (name, Entry::new(action).at(epoch(), &SystemRandom).into())
    }

    /// How often it was written, about this user.
    async fn wrote(&self, name: &str, user: &UserId) -> Result<usize, Violation> {
        let action = Some(name.to_owned());
        let filter = AuditFilter { action, user: Some(user.clone()), ..AuditFilter::default() };
        Ok(self.audit.audit_entries(&filter, 10).await?.len())
    }

    async fn a_session_is_ended_by_its_secrets_once(&self) -> Checked {
        const RULE: &str = "a session of an app is ended once, by any of its secrets";
        let user = self.user().await?;
        let (session, (name, along)) = (self.begun(&user).await?, self.along());
        let outcomes = race(|_| {
            let (store, token, along) = (Arc::clone(&self.store), session.access, along.clone());
            async move { store.revoke_app_session(&token, None, &along, at(1)).await }
        })
        .await?;
        let times = outcomes.iter().filter(|ended| **ended).count();
        rule(RULE, times == 1, times)?;
        let wrote = self.wrote(&name, &user.id).await?;
        rule("what goes along with an end is written once, and names its user", wrote == 1, wrote)?;
        let ends = self.ends(session.id).await?;
        rule("the end of an app's session is told of", ends == [SessionEnd::LoggedOut], ends)?;
        rule(RULE, !self.opens(&session.access, at(1)).await?, "its access token opens it")?;
        rule(RULE, !self.yields(session.refresh, at(1)).await?, "its refresh token opens it")?;

        let parent = self.begun(&user).await?;
        self.rotate(&rotation(parent.refresh, epoch())).await?;
        let other = self.begun(&user).await?;
        let (first, old) = (self.begun(&user).await?.refresh, self.begun(&user).await?.refresh);
        let last = self.rotate_often(first, 3).await?;
        self.rotate_often(old, 3).await?;
        for refresh in [parent.refresh, other.refresh, last, old] {
            let ended = self.revoke(refresh).await?;
            rule(RULE, ended, (refresh == old, ended))?;
        }
        let ended = self.revoke(refresh()).await?;
        rule(RULE, !ended, "a token of nobody's ended something")?;
        let left = self.store.app_sessions_of(&user.id).await?;
        rule(RULE, left.is_empty(), left)
    }

    async fn revoke(&self, refresh: AppRefresh) -> Result<bool, Violation> {
        let (none, family) = (Effects::none(), Some(&refresh.family));
        Ok(self.store.revoke_app_session(&refresh.token, family, &none, at(1)).await?)
    }

    /// Rotates so many times, one after the other; answers the last token.
    async fn rotate_often(
        &self,
        mut refresh: AppRefresh,
        times: usize,
    ) -> Result<AppRefresh, Violation> {
        for _ in 0..times {
            let rotate = rotation(refresh, epoch());
            let done = self.rotate(&rotate).await?;
            let rotated = matches!(done, AppRotation::Rotated { .. });
            rule("a refresh token of an app is replaced by its use", rotated, done)?;
            refresh = rotate.next();
        }
        Ok(refresh)
    }

    async fn however_often_a_token_is_replaced_few_are_kept(&self) -> Checked {
        const RULE: &str =
            "however often a token of an app is replaced, two of its family are kept";
        const TIMES: usize = 20;
        let over = epoch() + IDLE * 3;
        self.drain(over, "only codes and tokens that are over are swept, in bounded batches")
            .await?;
        let session = self.begun(&self.user().await?).await?;
        self.rotate_often(session.refresh, TIMES).await?;
        // With an access token each, and the code.
        let most = 2 + (TIMES + 1) + 1;
        let swept = self.store.sweep_app_sessions(over, 1000).await?;
        rule(RULE, swept == most as u64, swept)
    }

    async fn an_access_token_works_while_its_session_does(&self) -> Checked {
        const RULE: &str = "an access token works until it is over, or its session is";
        let user = self.user().await?;
        let session = self.begun(&user).await?;
        let end = epoch() + ACCESS;
        for (now, expected) in [(end - Duration::MICROSECOND, true), (end, false)] {
            let opens = self.opens(&session.access, now).await?;
            rule(RULE, opens == expected, (now, opens))?;
        }
        self.sessions.end_session(&user.id, session.id, SessionEnd::Revoked, at(1)).await?;
        rule(RULE, !self.opens(&session.access, at(1)).await?, "its session was revoked")?;
        rule(RULE, !self.yields(session.refresh, at(1)).await?, "its session was revoked")?;
        let all = self.begun(&user).await?;
        let end = SessionEnd::SignedOutEverywhere;
        self.sessions.end_sessions_of(&user.id, None, end, at(1)).await?;
        rule(RULE, !self.opens(&all.access, at(1)).await?, "the user signed out everywhere")
    }

    async fn only_what_is_over_is_swept(&self) -> Checked {
        const RULE: &str = "only codes and tokens that are over are swept, in bounded batches";
        let user = self.user().await?;
        let spent = self.code(&user).await?;
        let session = redemption(&spent, epoch());
        self.redeem(&session).await?;
        let rotate = rotation(session.session.refresh, epoch());
        self.rotate(&rotate).await?;
        // Long after the grace window, the sealed copy of the successor is gone.
        self.drain(epoch() + Duration::hours(2), RULE).await?;
        rule(RULE, !self.opens(&rotate.access.token, at(1)).await?, "it is still there")?;
        let late = RotateAppSession { grace: Duration::DAY, ..rotation(rotate.presented, at(1)) };
        let reused = self.rotate(&late).await?;
        let name = "no sealed successor is kept for longer than any grace window";
        rule(name, reused == AppRotation::Reused, reused)?;

        let (user, other) = (self.user().await?, self.user().await?);
        let session = self.begun(&user).await?;
        let replayed = self.code(&other).await?;
        let redeem = redemption(&replayed, epoch());
        self.redeem(&redeem).await?;
        self.drain(replayed.expires_at + Duration::hours(23), RULE).await?;
        rule(RULE, self.yields(session.refresh, at(1)).await?, "a live token was swept")?;
        let again = self.redeem(&redemption(&replayed, at(2))).await?;
        rule("a code is known for a day", again == AppCodeRedemption::Replayed, again)?;
        self.drain(replayed.expires_at + Duration::DAY, RULE).await?;
        let again = self.redeem(&redemption(&replayed, at(2))).await?;
        rule(RULE, again == AppCodeRedemption::Unknown, again)
    }

    /// Sweeps until nothing is left to.
    async fn drain(&self, now: OffsetDateTime, name: &'static str) -> Checked {
        // Of four kinds of rows.
        const MOST: u64 = 4 * 2;
        loop {
            let swept = self.store.sweep_app_sessions(now, 2).await?;
            rule(name, swept <= MOST, swept)?;
            if swept == 0 {
                return Ok(());
            }
        }
    }
}

fn new_code(user: &UserId, made_in: SessionId) -> NewAppCode {
    NewAppCode {
        code: SystemRandom.token().hash(),
        app: APP.to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        code_challenge: CHALLENGE.to_owned(),
        scopes: vec!["a:read".to_owned(), "b:write".to_owned()],
        user: user.clone(),
        made_in,
        created_at: epoch(),
        expires_at: at(60),
    }
}

fn redemption(code: &NewAppCode, now: OffsetDateTime) -> RedeemAppCode {
    RedeemAppCode {
        code: code.code,
        app: code.app.clone(),
        redirect_uri: code.redirect_uri.clone(),
        code_challenge: code.code_challenge.clone(),
        session: NewAppSession {
            id: SessionId(SystemRandom.uuid_v7(now)),
            unusable: SystemRandom.token().hash(),
            data_id: Uuid::from_bytes(SystemRandom.bytes()),
            device: Device { address: Some([192, 0, 2, 9].into()), user_agent: Some(APP.into()) },
            refresh: refresh(),
            access: new_access(now),
            idle_expires_at: now + IDLE,
            expires_at: now + ABSOLUTE,
            beside: None,
        },
        now,
    }
}

/// A token of a family of its own.
fn refresh() -> AppRefresh {
    AppRefresh { token: SystemRandom.token().hash(), family: SystemRandom.token().hash() }
}

fn new_access(now: OffsetDateTime) -> NewAppAccess {
    NewAppAccess { token: SystemRandom.token().hash(), expires_at: now + ACCESS }
}

fn begun(redeem: &RedeemAppCode) -> Begun {
    let NewAppSession { id, refresh, access, .. } = redeem.session;
    Begun { id, refresh, access: access.token }
}

fn rotation(presented: AppRefresh, now: OffsetDateTime) -> RotateAppSession {
    RotateAppSession {
        presented,
        app: APP.to_owned(),
        successor: SystemRandom.token().hash(),
        successor_sealed: Sealed::from_bytes(SystemRandom.bytes::<16>().to_vec()),
        access: new_access(now),
        grace: GRACE,
        idle_expires_at: now + IDLE,
        now,
    }
}
