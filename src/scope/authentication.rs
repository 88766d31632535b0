use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::SessionId;

/// A way of proving who one is; its text is an Authentication Method Reference (RFC 8176).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Method(std::borrow::Cow<'static, str>);

impl Method {
    /// A password (`pwd`).
    pub const PASSWORD: Self = Self::of("pwd");
    /// A one-time code (`otp`).
    pub const ONE_TIME_CODE: Self = Self::of("otp");
    /// More than one factor (`mfa`).
    pub const MULTI_FACTOR: Self = Self::of("mfa");
    /// A key bound to hardware or device, such as a passkey (`hwk`).
    pub const HARDWARE_KEY: Self = Self::of("hwk");
    /// A key that its user has on several devices, such as a synced passkey (`swk`).
    pub const SOFTWARE_KEY: Self = Self::of("swk");
    /// Somebody touched an authenticator (`user`).
    pub const USER_PRESENCE: Self = Self::of("user");
    /// A link or code sent by mail (`email`, not in the registry).
    pub const EMAIL: Self = Self::of("email");
    /// Another party vouched for the user, such as a SAML identity provider (`fed`, not in the
    /// registry).
    pub const FEDERATED: Self = Self::of("fed");

    /// A browser in which the user has given a second factor of late, and which is trusted to do
    /// without it for a while (`tbr`, not in the registry).
    pub const TRUSTED_BROWSER: Self = Self::of("tbr");

    const fn of(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// A method by its `amr` name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(std::borrow::Cow::Owned(name.into()))
    }

    /// The `amr` name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What [`Authentication::login_path`] is of somebody who came in by a password although single
/// sign-on is enforced, since their organization lets them. It is no path, so that nobody logs in
/// there.
pub const BREAK_GLASS: &str = "break-glass";

/// How, when and in which session a user proved who they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Authentication {
    /// When the user last proved who they are: `auth_time`.
    #[serde(with = "time::serde::timestamp::microseconds")]
    pub at: OffsetDateTime,
    /// The methods used: `amr`.
    pub methods: Vec<Method>,
    /// The context class reached: `acr`; `None` when the host names none.
    pub context_class: Option<String>,
    /// The login session: `sid`.
    pub session_id: SessionId,
    /// Where the user logged in, if that was at an identity provider: the path of the application that
    /// leads there, such as `/saml/acme/login`. By it an organization that enforces single sign-on
    /// knows its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_path: Option<Box<str>>,
    /// When whoever vouched for the user said that the session must be over, as an identity provider
    /// does by `SessionNotOnOrAfter` (SAML 2.0 Core, section 2.7.2); `None` if nobody did. What rests on
    /// the session, such as that of an app, is over then, too.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::timestamp::microseconds::option"
    )]
    pub ends_at: Option<OffsetDateTime>,
    /// Until when the session may do sensitive things without proving again.
    #[serde(with = "time::serde::timestamp::microseconds::option")]
    pub fresh_until: Option<OffsetDateTime>,
}

impl Authentication {
    /// Whether the user proved more than one factor to us: [in this very
    /// session](Self::used_second_factor), or before, in a browser that is trusted since.
    pub(crate) fn has_second_factor(&self, vouched: Option<&[String]>) -> bool {
        self.methods.contains(&Method::TRUSTED_BROWSER) || self.used_second_factor(vouched)
    }

    /// Whether the user proved more than one factor to us in this very session: by a code or a passkey.
    /// What another party says of it counts if it is one of the `vouched` context classes, or `mfa`,
    /// and `vouched` is there at all.
    pub(crate) fn used_second_factor(&self, vouched: Option<&[String]>) -> bool {
        let by = |method: &Method| self.methods.contains(method);
        let ours = [Method::ONE_TIME_CODE, Method::HARDWARE_KEY, Method::SOFTWARE_KEY];
        let federated = by(&Method::FEDERATED);
        if ours.iter().any(by) || (by(&Method::MULTI_FACTOR) && !federated) {
            return true;
        }
        federated && self.is_vouched(vouched)
    }

    /// Whether another party vouched for more than one factor, and is believed.
    pub(crate) fn is_vouched(&self, vouched: Option<&[String]>) -> bool {
        let Some(classes) = vouched else { return false };
        let by = |method: &Method| self.methods.contains(method);
        let class = self.context_class.as_ref();
        let many = by(&Method::MULTI_FACTOR) || class.is_some_and(|class| classes.contains(class));
        by(&Method::FEDERATED) && many
    }
}
