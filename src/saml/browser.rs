use http::{HeaderMap, HeaderValue};
use time::Duration;

use crate::crypto::{OpaqueToken, RandomExt as _, TokenHash, constant_time_eq};
use crate::http::{CookieJar, CookiePolicy};

use super::service_provider::ServiceProvider;

const NAME: &str = "saml";
const LIFETIME: Duration = Duration::hours(1);

/// The cookie that binds a login to the browser that began it: without it, somebody could send
/// their own response through another's browser and log it in as themselves. All logins that a
/// browser has under way share it.
pub(super) struct BrowserBinding(OpaqueToken);

impl BrowserBinding {
    /// The binding of the browser that sends this request.
    pub(super) fn of(policy: CookiePolicy, headers: &HeaderMap) -> Option<Self> {
        let value = CookieJar::of(headers).get(&policy.name(NAME))?;
        OpaqueToken::parse(value).map(Self)
    }

    /// The binding of this browser, or a fresh one.
    pub(super) fn of_or_new(provider: &ServiceProvider, headers: &HeaderMap) -> Self {
        Self::of(provider.cookies, headers).unwrap_or_else(|| Self(provider.random.token()))
    }

    pub(super) fn hash(&self) -> TokenHash {
        self.0.hash()
    }

    pub(super) fn is(&self, expected: &TokenHash) -> bool {
        constant_time_eq(self.hash().as_bytes(), expected.as_bytes())
    }

    pub(super) fn cookie(&self, policy: CookiePolicy) -> HeaderValue {
        policy.set(NAME, &self.0.expose(), Some(LIFETIME))
    }
}
