use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::{Duration, OffsetDateTime};

use super::AppSessions;
use super::login::Ask;
use super::profile::Profile;
use crate::account::token::{ApiToken, TokenPrefix};
use crate::audit::{Action, Entry};
use crate::crypto::{OpaqueToken, RandomExt as _, open_successor, seal_successor, sha256};
use crate::scope::{Account, SessionId, UserId};
use crate::store::{
    AppCodeRedemption, AppRefresh, AppRotation, Device, Effects, NewAppAccess, NewAppCode,
    NewAppSession, RedeemAppCode, Result, RotateAppSession, StoreError,
};

/// How long a code works: for as long as a browser takes to go back to the app.
const CODE_FOR: Duration = Duration::MINUTE;

/// What an app brings for its code.
pub(super) struct Exchange<'a> {
    pub(super) code: OpaqueToken,
    pub(super) verifier: &'a str,
    pub(super) redirect_uri: &'a str,
}

/// The secrets of a session, with how long they work.
pub(super) struct Secrets {
    pub(super) access: ApiToken,
    pub(super) access_for: Duration,
    pub(super) refresh: ApiToken,
    pub(super) refresh_for: Duration,
}

/// A session that has begun.
pub(super) struct Begun {
    pub(super) session: SessionId,
    pub(super) account: Account,
    pub(super) scopes: Vec<String>,
    pub(super) secrets: Secrets,
}

impl AppSessions {
    /// A code for an app that the user lets in; `None` if the session in which they do is over.
    pub(super) async fn issue(
        &self,
        ask: &Ask<'_>,
        user: &UserId,
        made_in: SessionId,
    ) -> Result<Option<OpaqueToken>> {
        let (now, code) = (self.clock.now(), self.random.token());
        let new = NewAppCode {
            code: code.hash(),
            app: ask.app.id.clone(),
            redirect_uri: ask.redirect_uri.clone(),
            code_challenge: ask.code_challenge.clone(),
            scopes: ask.app.scopes.clone(),
            user: user.clone(),
            made_in,
            created_at: now,
            expires_at: now + CODE_FOR,
        };
        Ok(self.store.issue_app_code(&new).await?.then_some(code))
    }

    /// Exchanges a code for a session; `None` if it opens nothing.
    pub(super) async fn redeem(
        &self,
        app: &Profile,
        exchange: &Exchange<'_>,
        device: &Device,
        entry: impl Fn(Action) -> Entry,
    ) -> Result<Option<Begun>> {
        let now = self.clock.now();
        let id = SessionId(self.random.uuid_v7(now));
        let (access, refresh) = (self.token(&self.access), self.token(&self.refresh));
        let session = NewAppSession {
            id,
            unusable: self.random.token().hash(),
            data_id: uuid::Uuid::from_bytes(self.random.bytes()),
            device: device.clone(),
            refresh: known(&refresh),
            access: new_access(app, &access, now),
            idle_expires_at: now + app.lifetimes.idle,
            expires_at: now + app.lifetimes.absolute,
            beside: Some(self.per_user.saturating_sub(1)),
        };
        let redeem = RedeemAppCode {
            code: exchange.code.hash(),
            app: app.id.clone(),
            redirect_uri: exchange.redirect_uri.to_owned(),
            code_challenge: URL_SAFE_NO_PAD.encode(sha256(exchange.verifier.as_bytes())),
            session,
            now,
        };
        let start = entry(Action::START_APP_SESSION).to("session", id.0);
        let along = self.effects(start.with("app", app.id.as_str()));
        let denied = self.effects(reuse(&entry, app, "code"));
        match self.store.redeem_app_code(&redeem, &along, &denied).await? {
            AppCodeRedemption::Redeemed { account, scopes, expires_at } => {
                along.announce();
                let secrets = secrets(app, access, refresh, (now, expires_at));
                Ok(Some(Begun { session: id, account: *account, scopes, secrets }))
            }
            AppCodeRedemption::Replayed => {
                denied.announce();
                Ok(None)
            }
            AppCodeRedemption::Mismatched | AppCodeRedemption::Unknown => Ok(None),
        }
    }

    /// Replaces a refresh token; `None` if it opens nothing.
    pub(super) async fn rotate(
        &self,
        app: &Profile,
        presented: &ApiToken,
        entry: impl Fn(Action) -> Entry,
    ) -> Result<Option<Secrets>> {
        let now = self.clock.now();
        let (access, successor) = (self.token(&self.access), presented.successor(&*self.random));
        let (parent, child) = (presented.expose().as_bytes(), successor.expose().as_bytes());
        let sealed = seal_successor(&*self.random, parent, child).ok_or_else(unsealable)?;
        let rotate = RotateAppSession {
            presented: known(presented),
            app: app.id.clone(),
            successor: successor.hash(),
            successor_sealed: sealed,
            access: new_access(app, &access, now),
            grace: app.lifetimes.grace,
            idle_expires_at: now + app.lifetimes.idle,
            now,
        };
        let denied = self.effects(reuse(&entry, app, "refresh_token"));
        match self.store.rotate_app_session(&rotate, &denied).await? {
            AppRotation::Rotated { expires_at } => {
                Ok(Some(secrets(app, access, successor, (now, expires_at))))
            }
            AppRotation::Repeated { successor_sealed, expires_at } => {
                let opened = open_successor(parent, &successor_sealed).ok_or_else(unsealable)?;
                let text = std::str::from_utf8(&opened).unwrap_or_default();
                let successor = ApiToken::parse(&self.refresh, text).map_err(|_| unsealable())?;
                Ok(Some(secrets(app, access, successor, (now, expires_at))))
            }
            AppRotation::Reused => {
                denied.announce();
                Ok(None)
            }
            AppRotation::Unknown => Ok(None),
        }
    }

    /// A refresh token that somebody shows, if it can be one.
    pub(super) fn read_refresh(&self, text: &str) -> Option<ApiToken> {
        ApiToken::parse(&self.refresh, text).ok()
    }

    /// Ends the session that one of its secrets belongs to; `false` if there is none.
    pub(super) async fn end(&self, secret: &str, entry: Entry) -> Result<bool> {
        let refresh = self.read_refresh(secret);
        let family = refresh.as_ref().map(ApiToken::family);
        let token = refresh.or_else(|| ApiToken::parse(&self.access, secret).ok());
        let Some(token) = token else { return Ok(false) };
        let (along, now) = (self.effects(entry), self.clock.now());
        let hash = token.hash();
        let ended = self.store.revoke_app_session(&hash, family.as_ref(), &along, now).await?;
        if ended {
            along.announce();
        }
        Ok(ended)
    }

    fn token(&self, prefix: &TokenPrefix) -> ApiToken {
        ApiToken::generate(&*self.random, prefix)
    }

    fn effects(&self, entry: Entry) -> Effects {
        entry.at(self.clock.now(), &*self.random).into()
    }
}

/// What the store knows a refresh token by.
fn known(refresh: &ApiToken) -> AppRefresh {
    AppRefresh { token: refresh.hash(), family: refresh.family() }
}

fn new_access(app: &Profile, token: &ApiToken, now: OffsetDateTime) -> NewAppAccess {
    NewAppAccess { token: token.hash(), expires_at: now + app.lifetimes.access }
}

/// Nothing works longer than the session.
fn secrets(
    app: &Profile,
    access: ApiToken,
    refresh: ApiToken,
    (now, ends_at): (OffsetDateTime, OffsetDateTime),
) -> Secrets {
    let left = ends_at - now;
    let (access_for, refresh_for) = (app.lifetimes.access.min(left), app.lifetimes.idle.min(left));
    Secrets { access, access_for, refresh, refresh_for }
}

fn reuse(entry: &impl Fn(Action) -> Entry, app: &Profile, what: &str) -> Entry {
    entry(Action::REUSE_APP_SECRET).refused().with("app", app.id.as_str()).with("secret", what)
}

fn unsealable() -> StoreError {
    StoreError::Corrupt("a sealed successor of a refresh token")
}
