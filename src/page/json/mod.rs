//! The pages as JSON, for front ends of the host's own.

#[cfg(feature = "accounts")]
mod pages;

#[cfg(feature = "accounts")]
pub(crate) use pages::JsonPages;

use serde::{Serialize, Serializer};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::scope::Account;

/// A time as RFC 3339 writes it.
pub(super) fn as_time<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    at.format(&Rfc3339).map_err(serde::ser::Error::custom)?.serialize(to)
}

/// The same of a time that may not be.
pub(super) fn as_time_if<S: Serializer>(
    at: &Option<OffsetDateTime>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => as_time(at, to),
        None => to.serialize_none(),
    }
}

/// An address that is waited for, and until when.
pub(super) fn as_pending<S: Serializer>(
    pending: &Option<(&str, OffsetDateTime)>,
    to: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Pending<'a> {
        email: &'a str,
        #[serde(serialize_with = "as_time")]
        until: OffsetDateTime,
    }
    pending.map(|(email, until)| Pending { email, until }).serialize(to)
}

/// What the page shows of an account. Attributes are the host's own, and shown nowhere.
pub(super) fn as_shown<S: Serializer>(account: &Account, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        id: &'a str,
        email: Option<&'a str>,
        email_verified: bool,
    }
    Shown {
        id: account.id().as_str(),
        email: account.email(),
        email_verified: account.email_verified(),
    }
    .serialize(to)
}

/// A text that is JSON as what it says; any other as the text.
pub(super) fn as_json<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => value.serialize(to),
        Err(_) => text.serialize(to),
    }
}
