//! What both backends' sessions of apps share: statements, rows, judgements.

use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::account::{AccountRow, account, user_id};
use super::convert::{micros, time};
use super::provider::{RefreshState, judge_refresh};
use crate::scope::{Attributes, SessionId, UserId};
use crate::store::{
    AppRotation, Effects, Login, NewSession, PresentedApp, RedeemAppCode, RefreshRotation, Result,
    RotateAppSession, StoredSession,
};

/// Of a session `s` and its user `u`: whether it is alive at a moment.
macro_rules! alive {
    ($now:literal) => {
        concat!(
            "s.expires_at > ",
            $now,
            " AND (s.idle_expires_at IS NULL OR s.idle_expires_at > ",
            $now,
            ") AND u.disabled_at IS NULL AND u.deletion_at IS NULL AND u.deleted_at IS NULL AND ",
            $crate::store::sql::single_sign_on::let_in!()
        )
    };
}

/// Goes on after `SELECT … `: the session of app `$2` that the refresh tokens of this key belong to, if
/// it is alive at `$3`.
macro_rules! family {
    ($joins:literal, $key:literal) => {
        concat!(
            " FROM donjon_app_refresh_tokens r \
             JOIN donjon_app_sessions a ON a.session_id = r.session_id \
             JOIN donjon_sessions s ON s.id = a.session_id \
             JOIN donjon_users u ON u.id = s.user_id ",
            $joins,
            " WHERE ",
            $key,
            " AND a.app_id = $2 AND ",
            $crate::store::sql::app_session::alive!("$3")
        )
    };
}
pub(super) use alive;
#[cfg(feature = "postgres")]
pub(super) use family;

pub(super) const ISSUE: &str = concat!(
    "INSERT INTO donjon_app_codes (code, app_id, redirect_uri, code_challenge, scopes, user_id, \
     made_in, created_at, expires_at) \
     SELECT $1, $2, $3, $4, $5, s.user_id, s.id, $8, $9 FROM donjon_sessions s \
     JOIN donjon_users u ON u.id = s.user_id \
     WHERE s.user_id = $6 AND s.id = $7 AND s.impersonator_id IS NULL \
     AND NOT EXISTS (SELECT 1 FROM donjon_app_sessions a WHERE a.session_id = s.id) AND ",
    alive!("$8")
);

/// Code `$1` of app `$2`.
pub(super) const CODE: &str = "SELECT redirect_uri, code_challenge, scopes, user_id, made_in, \
     expires_at, redeemed_at, session_id FROM donjon_app_codes WHERE code = $1 AND app_id = $2";

pub(super) const SPEND: &str =
    "UPDATE donjon_app_codes SET redeemed_at = $2, session_id = $3 WHERE code = $1";

pub(super) const BEGIN: &str = "INSERT INTO donjon_app_sessions \
     (session_id, user_id, app_id, scopes, created_at) VALUES ($1, $2, $3, $4, $5)";

pub(super) const WRITE_REFRESH: &str = "INSERT INTO donjon_app_refresh_tokens \
     (token, session_id, issued_at, expires_at, family) VALUES ($1, $2, $3, $4, $5)";

pub(super) const WRITE_ACCESS: &str = "INSERT INTO donjon_app_access_tokens \
     (token, session_id, expires_at) VALUES ($1, $2, $3)";

/// A [`RotationRow`].
pub(super) const ROTATION: &str = concat!(
    "SELECT s.id, s.user_id, s.expires_at, r.expires_at, r.rotated_at, r.successor_sealed, \
     n.rotated_at IS NOT NULL",
    family!("LEFT JOIN donjon_app_refresh_tokens n ON n.token = r.successor", "r.token = $1")
);

/// The session that the tokens of family `$1` belong to, and whose it is.
pub(super) const FAMILY: &str =
    concat!("SELECT s.id, s.user_id", family!("", "r.family = $1"), " LIMIT 1");

pub(super) const FIND: &str = concat!(
    "SELECT s.id, a.app_id, a.scopes, u.id, u.email, u.email_verified, u.attributes \
     FROM donjon_app_access_tokens t \
     JOIN donjon_app_sessions a ON a.session_id = t.session_id \
     JOIN donjon_sessions s ON s.id = a.session_id JOIN donjon_users u ON u.id = s.user_id \
     WHERE t.token = $1 AND t.expires_at > $2 AND ",
    alive!("$2")
);

pub(super) const LIST: &str = "SELECT session_id, app_id FROM donjon_app_sessions \
     WHERE user_id = $1 ORDER BY created_at DESC, session_id DESC LIMIT 100";

/// `redirect_uri, code_challenge, scopes, user_id, made_in, expires_at, redeemed_at, session_id`.
pub(super) type CodeRow =
    (String, String, Json<Vec<String>>, String, Uuid, i64, Option<i64>, Option<Uuid>);

/// A code, as the app that it is for presents it.
#[derive(Debug)]
pub(super) struct PresentedCode {
    pub(super) scopes: Vec<String>,
    pub(super) user: UserId,
    /// The session in which it was made.
    pub(super) made_in: Uuid,
    pub(super) verdict: CodeVerdict,
}

/// What is to be done about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeVerdict {
    Good,
    /// It opened this session, which ends.
    Replayed(Uuid),
    /// It opens nothing any more.
    Mismatched,
    Over,
}

pub(super) fn presented_code(row: CodeRow, redeem: &RedeemAppCode) -> Result<PresentedCode> {
    let (redirect_uri, challenge, Json(scopes), user, made_in, expires_at, redeemed, opened) = row;
    let matches = redirect_uri == redeem.redirect_uri && challenge == redeem.code_challenge;
    let verdict = match (redeemed, opened) {
        (Some(_), Some(session)) => CodeVerdict::Replayed(session),
        (Some(_), None) => CodeVerdict::Over,
        (None, _) if expires_at <= micros(redeem.now) => CodeVerdict::Over,
        (None, _) if matches => CodeVerdict::Good,
        (None, _) => CodeVerdict::Mismatched,
    };
    Ok(PresentedCode { scopes, user: user_id(user)?, made_in, verdict })
}

/// The session that a code opens, after the login of the session it was made in; `None` if its user
/// has no account of ours.
pub(super) fn new_session(redeem: &RedeemAppCode, parent: StoredSession) -> Option<NewSession> {
    let login = parent.login.filter(|_| parent.user_epoch.is_none())?;
    let mut authentication = login.authentication;
    authentication.session_id = redeem.session.id;
    authentication.fresh_until = None;
    let organization = login.organization;
    let end = redeem.session.expires_at;
    let expires_at = authentication.ends_at.map_or(end, |vouched| vouched.min(end));
    let login = Login { organization, ..Login::new(login.account, authentication) };
    Some(NewSession {
        along: Effects::none(),
        token: redeem.session.unusable,
        id: redeem.session.id,
        login: Some(login),
        data_id: redeem.session.data_id,
        device: redeem.session.device.clone(),
        remembered: true,
        created_at: redeem.now,
        last_active_at: redeem.now,
        idle_expires_at: Some(redeem.session.idle_expires_at),
        expires_at,
        beside: redeem.session.beside,
    })
}

/// `id, user_id, expires_at` of the session; of the token `expires_at, rotated_at,
/// successor_sealed`, and whether its successor was used.
pub(super) type RotationRow = (Uuid, String, i64, i64, Option<i64>, Option<Vec<u8>>, bool);

/// What presenting a refresh token comes to, in which session of whom. `Rotated` and `Reused` are
/// what the caller has to do, and after `Repeated` an access token is to be written.
pub(super) fn judge_rotation(
    row: RotationRow,
    rotate: &RotateAppSession,
) -> Result<(Uuid, UserId, AppRotation)> {
    let (session, user, ends_at, expires_at, rotated_at, successor_sealed, successor_used) = row;
    let state = RefreshState {
        grant: session,
        ended: false,
        expires_at,
        rotated_at,
        successor_sealed,
        successor_used,
    };
    let ends_at: OffsetDateTime = time(ends_at)?;
    let judgement = match judge_refresh(Some(state), rotate.now, rotate.grace) {
        RefreshRotation::Rotated => AppRotation::Rotated { expires_at: ends_at },
        RefreshRotation::Repeated { successor_sealed } => {
            AppRotation::Repeated { successor_sealed, expires_at: ends_at }
        }
        RefreshRotation::Reused => AppRotation::Reused,
        _ => AppRotation::Unknown,
    };
    Ok((session, user_id(user)?, judgement))
}

/// `id` of the session, `app_id, scopes`, and an [`AccountRow`].
pub(super) type FoundRow =
    (Uuid, String, Json<Vec<String>>, String, Option<String>, bool, Json<Attributes>);

pub(super) fn found(row: FoundRow) -> Result<PresentedApp> {
    let (session, app, Json(scopes), user, email, verified, attributes) = row;
    let row: AccountRow = (user, email, verified, attributes);
    Ok(PresentedApp { session: SessionId(session), app, scopes, account: account(row)? })
}

/// The fault of a token that nothing keeps from being rotated, and that was not.
#[cfg(feature = "postgres")]
pub(super) const STUCK: crate::store::StoreError =
    crate::store::StoreError::Corrupt("a refresh token of an app that can be rotated, and cannot");
