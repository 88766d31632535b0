//! How both backends read what was mailed.

use sqlx::types::Json;

use super::account::account;
use crate::crypto::{KeyedHash, TokenHash};
use crate::scope::Attributes;
use crate::store::{LinkPurpose, MailedCode, MailedLink, Result, StoreError};

/// `id, email, email_verified, attributes` of a user, `token_hash, code_hash` of a link.
pub(super) type CodeRow =
    (String, Option<String>, bool, Json<Attributes>, Vec<u8>, Option<Vec<u8>>);

/// Where the requests for links to an address are counted.
pub(super) fn request_key(purpose: LinkPurpose, email: &str) -> String {
    format!("link:{}:{email}", purpose.as_str())
}

/// Where the tries at codes of an address are counted.
pub(super) fn code_key(purpose: LinkPurpose, email: &str) -> String {
    format!("code:{}:{email}", purpose.as_str())
}

pub(super) fn mailed_code(row: CodeRow) -> Result<MailedCode> {
    const CORRUPT: StoreError = StoreError::Corrupt("a mailed code");
    let (id, email, verified, attributes, token, code) = row;
    let token = token.try_into().map_err(|_| CORRUPT)?;
    let code = code.unwrap_or_default().try_into().map_err(|_| CORRUPT)?;
    Ok(MailedCode {
        account: account((id, email, verified, attributes))?,
        token: TokenHash::from_bytes(token),
        code: KeyedHash::from_bytes(code),
    })
}

/// `id, email, email_verified, attributes` of a user, `binding` of a link.
pub(super) type LinkRow = (String, Option<String>, bool, Json<Attributes>, Vec<u8>);

pub(super) fn mailed_link(row: LinkRow) -> Result<MailedLink> {
    let (id, email, verified, attributes, stored) = row;
    let account = account((id, email, verified, attributes))?;
    Ok(MailedLink { account, binding: binding(stored) })
}

/// A link that was mailed before links were bound has an empty one, which is made no hash of.
pub(super) fn binding(stored: Vec<u8>) -> KeyedHash {
    KeyedHash::from_bytes(stored.try_into().unwrap_or_default())
}
