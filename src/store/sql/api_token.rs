//! How both backends read API tokens and service accounts.

use sqlx::types::Json;
use uuid::Uuid;

use super::account::{AccountRow, account, user_id};
use super::convert::time;
use super::single_sign_on::token_let_in;
use crate::scope::{Attributes, OrganizationId, UserId};
use crate::store::{
    ApiTokenId, PresentedToken, Result, ServiceAccount, StoreError, StoredApiToken, TokenHolder,
    TokenOwner,
};

/// `id, name, scopes, created_at, expires_at, last_used_at, revoked_at` of a token.
pub(super) type TokenRow =
    (Uuid, String, Json<Vec<String>>, i64, Option<i64>, Option<i64>, Option<i64>);

/// A [`TokenRow`]; the user's `id, email, email_verified, attributes`; the service account's `id,
/// organization_id, name, created_at, disabled_at`. Those of one of the two are null.
pub(super) type PresentedRow = (
    Uuid,
    String,
    Json<Vec<String>>,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<bool>,
    Option<Json<Attributes>>,
    Option<String>,
    Option<Uuid>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

/// `id, organization_id, name, created_at, disabled_at` of a service account.
pub(super) type ServiceAccountRow = (String, Option<Uuid>, String, i64, Option<i64>);

/// One that single sign-on keeps out is as good as revoked from the beginning.
pub(super) const FIND: &str = concat!(
    "SELECT t.id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at, \
     COALESCE(t.revoked_at, u.disabled_at, u.deletion_at, u.deleted_at, CASE WHEN ",
    token_let_in!(),
    " THEN NULL ELSE t.created_at END), u.id, u.email, u.email_verified, u.attributes, s.id, \
     s.organization_id, s.name, s.created_at, COALESCE(s.disabled_at, o.deleted_at) \
     FROM donjon_api_tokens t LEFT JOIN donjon_users u ON u.id = t.user_id \
     LEFT JOIN donjon_service_accounts s ON s.id = t.service_account_id \
     LEFT JOIN donjon_organizations o ON o.id = s.organization_id WHERE t.token_hash = $1"
);

/// Of the owner that is `$1` or `$2`.
pub(super) const LIST: &str = "SELECT id, name, scopes, created_at, expires_at, last_used_at, \
     revoked_at FROM donjon_api_tokens WHERE (user_id = $1 OR service_account_id = $2) \
     AND ($3 OR revoked_at IS NULL) AND id < $4 ORDER BY id DESC LIMIT $5";

pub(super) const TOUCH: &str = "UPDATE donjon_api_tokens SET last_used_at = $2 \
     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

pub(super) const FIND_SERVICE_ACCOUNT: &str = "SELECT s.id, s.organization_id, s.name, \
     s.created_at, COALESCE(s.disabled_at, o.deleted_at) FROM donjon_service_accounts s \
     LEFT JOIN donjon_organizations o ON o.id = s.organization_id WHERE s.id = $1";

pub(super) const SERVICE_ACCOUNTS: &str = "SELECT s.id, s.organization_id, s.name, s.created_at, \
     COALESCE(s.disabled_at, o.deleted_at) FROM donjon_service_accounts s \
     LEFT JOIN donjon_organizations o ON o.id = s.organization_id \
     WHERE (s.organization_id = $1 OR ($1 IS NULL AND s.organization_id IS NULL)) \
     AND ($2 IS NULL OR s.id < $2) ORDER BY s.id DESC LIMIT $3";

/// The user and the service account that an owner is: one of them is `None`.
pub(super) fn owner(owner: &TokenOwner) -> (Option<String>, Option<String>) {
    let text = |id: &UserId| Some(id.as_str().to_owned());
    match owner {
        TokenOwner::User(id) => (text(id), None),
        TokenOwner::ServiceAccount(id) => (None, text(id)),
    }
}

/// The user whose the audit log is to be told that it is.
#[cfg(feature = "sqlite")]
pub(super) fn user(owner: &TokenOwner) -> Option<&UserId> {
    match owner {
        TokenOwner::User(id) => Some(id),
        TokenOwner::ServiceAccount(_) => None,
    }
}

pub(super) fn token(row: TokenRow) -> Result<StoredApiToken> {
    let (id, name, Json(scopes), created_at, expires_at, last_used_at, revoked_at) = row;
    Ok(StoredApiToken {
        id: ApiTokenId(id),
        name,
        scopes,
        created_at: time(created_at)?,
        expires_at: expires_at.map(time).transpose()?,
        last_used_at: last_used_at.map(time).transpose()?,
        revoked_at: revoked_at.map(time).transpose()?,
    })
}

pub(super) fn presented(row: PresentedRow) -> Result<PresentedToken> {
    let (id, name, scopes, created, expires, used, revoked, ..) = row;
    let (.., user, email, verified, attributes, service, organization, title, made, disabled) = row;
    let holder = match (user, service) {
        (Some(user), None) => {
            let attributes = attributes.unwrap_or_default();
            let row: AccountRow = (user, email, verified.unwrap_or_default(), attributes);
            TokenHolder::User(account(row)?)
        }
        (None, Some(service)) => {
            let (title, made) = (title.unwrap_or_default(), made.unwrap_or_default());
            let row = (service, organization, title, made, disabled);
            TokenHolder::ServiceAccount(service_account(row)?)
        }
        _ => return Err(StoreError::Corrupt("the owner of an API token")),
    };
    let token = token((id, name, scopes, created, expires, used, revoked))?;
    Ok(PresentedToken { token, holder })
}

pub(super) fn service_account(row: ServiceAccountRow) -> Result<ServiceAccount> {
    let (id, organization, name, created_at, disabled_at) = row;
    Ok(ServiceAccount {
        id: user_id(id)?,
        organization: organization.map(OrganizationId),
        name,
        created_at: time(created_at)?,
        disabled_at: disabled_at.map(time).transpose()?,
    })
}
