//! Data of the pages about logins by other providers.

use serde::Serialize;
use time::OffsetDateTime;

use super::Frame;
use super::json::as_time;

/// Data of [`Pages::link_identity`](super::Pages::link_identity).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LinkIdentity<'a> {
    /// Where the form is posted to, without fields, to link the two.
    pub action: &'a str,
    /// What to do before: to log in, or to log out.
    pub login: &'a str,
    /// Where to go instead.
    pub cancel: &'a str,
    /// What the provider is called.
    pub provider: &'a str,
    /// The address that the account and the provider both have.
    pub email: &'a str,
    /// What is to be done.
    pub step: LinkStep,
}

/// What is to be done before an identity is linked to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkStep {
    /// To log in as always.
    LogIn,
    /// To log out, since somebody else is logged in.
    OtherAccount,
    /// To press the button.
    Confirm,
}

impl<'a> LinkIdentity<'a> {
    /// The page with these paths: to link, to log in, to cancel.
    pub fn new(
        [action, login, cancel]: [&'a str; 3],
        provider: &'a str,
        email: &'a str,
        step: LinkStep,
    ) -> Self {
        Self { action, login, cancel, provider, email, step }
    }
}

/// Data of [`Pages::provider_email`](super::Pages::provider_email).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ProviderEmail<'a> {
    /// Where the forms are posted to: field `email`, or `token`.
    pub action: &'a str,
    /// The page to log in.
    pub login: &'a str,
    /// What the provider is called.
    pub provider: &'a str,
    /// The address: the one to begin with, or the one that was written to.
    pub email: &'a str,
    /// What is to be done.
    pub step: ProviderEmailStep<'a>,
}

/// What is to be done to have an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderEmailStep<'a> {
    /// To say which.
    Ask {
        /// Whether what was said is none.
        invalid: bool,
    },
    /// To follow the link in the mail that was, perhaps, sent.
    Sent,
    /// To press the button.
    Confirm {
        /// The secret of the link.
        token: &'a str,
    },
    /// To follow the link in the browser that asked for it.
    OtherBrowser,
}

impl<'a> ProviderEmail<'a> {
    /// The page with these paths: of the forms, to log in.
    pub fn new(
        [action, login]: [&'a str; 2],
        provider: &'a str,
        email: &'a str,
        step: ProviderEmailStep<'a>,
    ) -> Self {
        Self { action, login, provider, email, step }
    }
}

/// Data of [`Pages::settings_connections`](super::Pages::settings_connections).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Connections<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Who the user is at providers.
    pub linked: &'a [Connection<'a>],
    /// The providers where the user is nobody yet.
    pub offers: &'a [ConnectionOffer<'a>],
    /// Where to post a field `provider` to, to be linked.
    pub link: &'a str,
    /// Where to post a field `provider` to, to be unlinked.
    pub unlink: &'a str,
    /// The page to ask for a password.
    pub forgot: &'a str,
    /// How many ways in the user has, of all kinds. The last one cannot be unlinked.
    pub ways_in: usize,
    /// What was just done, or could not be.
    pub notice: Option<ConnectionNotice>,
}

/// Who a user is at a provider.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Connection<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// Who the user is there: the address, or else the name.
    pub who: Option<&'a str>,
    /// When the user last came by it.
    #[serde(serialize_with = "as_time")]
    pub last_used: OffsetDateTime,
}

/// A provider where a user is nobody yet.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ConnectionOffer<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// What it is called.
    pub name: &'a str,
}

/// What was just done to the identities of a user, or could not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionNotice {
    /// One is linked.
    Linked,
    /// One is unlinked.
    Unlinked,
    /// It is the last way in.
    LastWayIn,
    /// It is somebody else's.
    Taken,
    /// The user has another one of this provider.
    Another,
    /// The user's organization has them log in with this provider, by the account that it gave them;
    /// this is not that one.
    Personal,
    /// The user turned back.
    Cancelled,
    /// The provider did not answer.
    Unavailable,
    /// Something was not as it should be.
    Failed,
}

impl ConnectionNotice {
    /// Whether it was done.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Linked | Self::Unlinked)
    }
}

impl<'a> Connection<'a> {
    /// Who a user is at the provider with this id and name.
    pub fn new(
        provider: &'a str,
        name: &'a str,
        who: Option<&'a str>,
        last_used: OffsetDateTime,
    ) -> Self {
        Self { provider, name, who, last_used }
    }
}

impl<'a> ConnectionOffer<'a> {
    /// The provider with this id and name.
    pub fn new(provider: &'a str, name: &'a str) -> Self {
        Self { provider, name }
    }
}

impl<'a> Connections<'a> {
    /// The page with what is linked and what can be, and these paths: to link, to unlink, to ask
    /// for a password.
    pub fn new(
        frame: Frame<'a>,
        (linked, offers): (&'a [Connection<'a>], &'a [ConnectionOffer<'a>]),
        [link, unlink, forgot]: [&'a str; 3],
        ways_in: usize,
        notice: Option<ConnectionNotice>,
    ) -> Self {
        Self { frame, linked, offers, link, unlink, forgot, ways_in, notice }
    }
}
