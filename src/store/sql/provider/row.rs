use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::crypto::Sealed;
use crate::scope::UserId;
use crate::store::sql::convert::time;
use crate::store::{
    Consent, Grant, InteractionSave, Result, Revocation, RevocationTarget, StoreError, StoredCode,
    StoredInteraction, StoredKey, StoredRefreshToken,
};

pub(crate) type KeyRow = (String, String, Vec<u8>, i64, i64);

pub(crate) fn key(row: KeyRow) -> Result<StoredKey> {
    let (kid, algorithm, private_key, created_at, signs_from) = row;
    let private_key = Sealed::from_bytes(private_key);
    let (created_at, signs_from) = (time(created_at)?, time(signs_from)?);
    Ok(StoredKey { kid, algorithm, private_key, created_at, signs_from })
}

pub(crate) fn interaction(
    id: &str,
    (state, expires_at): (Vec<u8>, i64),
) -> Result<StoredInteraction> {
    let state = Sealed::from_bytes(state);
    Ok(StoredInteraction { interaction_id: id.to_owned(), state, expires_at: time(expires_at)? })
}

/// When the limit is over that was reached, if one was.
pub(crate) fn interaction_save(until: Option<i64>) -> Result<InteractionSave> {
    Ok(match until {
        Some(until) => InteractionSave::Limited { until: time(until)? },
        None => InteractionSave::Saved,
    })
}

pub(crate) type ConsentRow = (Json<Vec<String>>, i64);

pub(crate) fn consent(
    subject: &UserId,
    client_id: &str,
    resources: &[String],
    (Json(scopes), granted_at): ConsentRow,
) -> Result<Consent> {
    Ok(Consent {
        subject: subject.clone(),
        client_id: client_id.to_owned(),
        resources: resources.to_vec(),
        scopes,
        granted_at: time(granted_at)?,
    })
}

pub(crate) type CodeRow = (Json<Grant>, String, Option<String>, i64);

pub(crate) fn code(row: CodeRow) -> Result<StoredCode> {
    let (Json(grant), redirect_uri, code_challenge, expires_at) = row;
    Ok(StoredCode { grant, redirect_uri, code_challenge, expires_at: time(expires_at)? })
}

pub(crate) type RefreshRow = (Json<Grant>, bool, bool, i64, i64);

pub(crate) fn refresh(row: RefreshRow) -> Result<StoredRefreshToken> {
    let (Json(grant), revoked, rotated, issued_at, expires_at) = row;
    let (issued_at, expires_at) = (time(issued_at)?, time(expires_at)?);
    Ok(StoredRefreshToken { grant, revoked, rotated, issued_at, expires_at })
}

pub(crate) type RevocationRow = (i64, Option<Uuid>, Option<String>, i64);

pub(crate) fn revocation(row: RevocationRow) -> Result<Revocation> {
    let (sequence, grant, token, expires_at) = row;
    let target = match (grant, token) {
        (Some(grant), None) => RevocationTarget::Grant(grant),
        (None, Some(token)) => RevocationTarget::Token(token),
        _ => return Err(StoreError::Corrupt("a revocation of nothing or of two things")),
    };
    let expires_at: OffsetDateTime = time(expires_at)?;
    Ok(Revocation { sequence, target, expires_at })
}
