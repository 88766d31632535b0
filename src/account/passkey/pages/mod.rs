//! Passkeys on the account pages: what a page asks of the browser, and what comes of the answer.

mod ceremony;
mod login;
mod present;
mod prove;
mod script;
mod settings;
mod suspect;
mod verify;

use http::{HeaderValue, Response};

pub(in crate::account) use self::ceremony::Asking;
use self::ceremony::Ceremonies;
pub(in crate::account) use self::present::Occasion;
use super::{Passkeys, RelyingParty};
use crate::account::site::Site;
use crate::crypto::Keyring;
use crate::http::{Body, CookiePolicy};
use crate::page::PasskeyPrompt;
use crate::scope::Method;
use crate::store::Passkey;

/// What the pages work with where there are passkeys.
#[derive(Debug)]
pub(in crate::account) struct PasskeySite {
    party: RelyingParty,
    policy: Passkeys,
    ceremonies: Ceremonies,
}

impl PasskeySite {
    pub(in crate::account) fn new(
        party: RelyingParty,
        policy: Passkeys,
        cookies: CookiePolicy,
        keyring: &Keyring,
    ) -> Self {
        Self { party, policy, ceremonies: Ceremonies::new(cookies, keyring) }
    }

    /// The domain whose passkeys log in.
    pub(in crate::account) fn rp_id(&self) -> &str {
        self.party.id()
    }

    /// The one script that there is.
    pub(in crate::account) fn script(&self) -> Response<Body> {
        script::serve()
    }
}

/// What a page asks of the browser.
pub(in crate::account) struct Asked {
    options: String,
    script: String,
    cookie: Option<HeaderValue>,
    verifies: bool,
}

impl Asked {
    fn new(site: &Site, options: String, cookie: Option<HeaderValue>) -> Self {
        Self { options, script: script::source(site), cookie, verifies: true }
    }

    /// The same, of passkeys none of which has ever verified its user, or of others.
    fn verifying(self, verifies: bool) -> Self {
        Self { verifies, ..self }
    }

    /// Whether one of those that are asked for is known to verify its user.
    pub(in crate::account) fn verifies(&self) -> bool {
        self.verifies
    }

    /// As the page shows it.
    pub(in crate::account) fn prompt(&self, refused: bool) -> PasskeyPrompt<'_> {
        PasskeyPrompt::new(&self.options, &self.script, refused)
    }

    /// The cookie that keeps what is asked, unless the browser has it already.
    pub(in crate::account) fn cookie(&self) -> Option<&HeaderValue> {
        self.cookie.as_ref()
    }
}

/// What is said of a login with this passkey (RFC 8176): a key that never leaves its device is of
/// hardware, one that its user has on several is not.
fn methods(passkey: &Passkey) -> [Method; 3] {
    let key = if passkey.backup_eligible { Method::SOFTWARE_KEY } else { Method::HARDWARE_KEY };
    [key, Method::USER_PRESENCE, Method::MULTI_FACTOR]
}
