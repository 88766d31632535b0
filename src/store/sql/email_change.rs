//! How both backends read changes of addresses, and the statements they share.

use time::OffsetDateTime;

use super::convert::time;
use super::mail_link::binding;
use crate::crypto::{KeyedHash, TokenHash};
use crate::store::{EmailChangeCode, EmailProof, PendingEmailChange, Result, StoreError};

/// Whether anybody comes in as user `$1`.
#[cfg(feature = "sqlite")]
pub(super) const IS_OPEN: &str = "SELECT EXISTS (SELECT 1 FROM donjon_users WHERE id = $1 \
     AND disabled_at IS NULL AND deletion_at IS NULL AND deleted_at IS NULL)";

pub(super) const PENDING: &str = "SELECT email, token_hash, expires_at, binding FROM donjon_links \
     WHERE user_id = $1 AND purpose = 'change_email' AND expires_at > $2";

/// What [`PENDING`] selects.
pub(super) type PendingRow = (String, Vec<u8>, i64, Vec<u8>);

pub(super) fn pending(row: PendingRow) -> Result<PendingEmailChange> {
    let (email, token, expires_at, stored) = row;
    let token = token.try_into().map_err(|_| StoreError::Corrupt("a mailed link"))?;
    let expires_at: OffsetDateTime = time(expires_at)?;
    let (token, binding) = (TokenHash::from_bytes(token), binding(stored));
    Ok(PendingEmailChange { email, token, binding, expires_at })
}

/// `email, token_hash, code_hash` of the link of a change.
pub(super) type CodeRow = (String, Vec<u8>, Option<Vec<u8>>);

pub(super) fn code(row: CodeRow) -> Result<EmailChangeCode> {
    const CORRUPT: StoreError = StoreError::Corrupt("a mailed code");
    let (email, token, code) = row;
    let token = token.try_into().map_err(|_| CORRUPT)?;
    let code = code.unwrap_or_default().try_into().map_err(|_| CORRUPT)?;
    let (token, code) = (TokenHash::from_bytes(token), KeyedHash::from_bytes(code));
    Ok(EmailChangeCode { email, token, code })
}

/// The address that user `$1` gets, by the link with secret `$2` to address `$to` that works at `$3`, or
/// by the word of the host, `$4`; no row if they get none, or if session `$5`, in which they want it, is
/// over.
macro_rules! proven {
    (to $to:literal) => {
        concat!(
        "SELECT u.id AS user_id, coalesce(CAST($4 AS TEXT), l.email) AS email \
         FROM donjon_users u LEFT JOIN donjon_links l ON l.user_id = u.id \
             AND l.purpose = 'change_email' AND l.token_hash = $2 AND l.expires_at > $3 \
             AND l.email = ",
            $to,
            " \
         WHERE u.id = $1 AND u.deletion_at IS NULL AND u.deleted_at IS NULL \
             AND coalesce(CAST($4 AS TEXT), l.email) IS NOT NULL \
             AND (EXISTS (SELECT 1 FROM donjon_sessions s WHERE s.id = $5 AND s.user_id = u.id) \
                 OR $5 IS NULL)"
        )
    };
}
pub(super) use proven;

/// Whether single sign-on is enforced for the domain of the address of user `$user`, or for `$domain`.
macro_rules! is_managed {
    ($user:literal, $domain:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM donjon_sso_domains d WHERE d.mode = 'enforced' AND (d.domain = ",
            $domain,
            " OR d.domain = (SELECT w.email_domain FROM donjon_users w WHERE w.id = ",
            $user,
            ")))"
        )
    };
}
pub(super) use is_managed;

/// Who enforces single sign-on for user `$1`.
pub(super) const MANAGES: &str = "SELECT d.organization_id FROM donjon_users u \
     JOIN donjon_sso_domains d ON d.domain = u.email_domain AND d.mode = 'enforced' \
     WHERE u.id = $1";

/// Whether user `u`, who has an address, keeps it when another one proves that it is theirs: who has
/// confirmed it, and who is gone and has it kept for them.
macro_rules! keeps_address {
    () => {
        "(u.email_verified OR u.deleted_at IS NOT NULL)"
    };
}
pub(super) use keeps_address;

/// The hash of a link's secret, the host's word, and where the link was mailed to.
pub(super) fn proof(proof: &EmailProof) -> (Option<&[u8]>, Option<&str>, Option<&str>) {
    match proof {
        EmailProof::Link(token, to) => (Some(token.as_bytes().as_slice()), None, Some(to)),
        EmailProof::Host(email) => (None, Some(email), None),
    }
}

/// Where it is counted how often a user asks.
pub(super) fn user_key(user: &crate::scope::UserId) -> String {
    format!("email-change:{user}")
}

/// Where the tries of a user at the codes of changes are counted.
pub(super) fn tries_key(user: &crate::scope::UserId) -> String {
    format!("code-of:change_email:{user}")
}

/// Where it is counted how often something is mailed to an address.
pub(super) fn address_key(email: &str) -> String {
    format!("link:change_email:{email}")
}
