use std::fmt;

use super::mfa::TotpSecret;
use super::{AccountLayer, CreateError};
use crate::crypto::Redacted;
use crate::scope::{Account, Attributes};
use crate::store::{DeletionRequest, Effects, NewDeletion, StoreError};

/// The password of whoever is not given another.
const PASSWORD: &str = "correct horse battery staple";

/// A user in whatever state a test needs: a host's test of one who is locked, unconfirmed and has an
/// authenticator app begins with one line.
///
/// It goes through the store's own transitions, so that what a test sees is what an application
/// would; only nothing is mailed. It refuses to work on an application that could have users of its
/// own: one that is not on loopback, nor under a name that is reserved for tests and examples
/// (RFC 2606).
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use std::sync::Arc;
/// # use donjon::account::AccountLayer;
/// # use donjon::crypto::{Clock as _, Keyring, SystemRandom};
/// # use donjon::store::SqlStore;
/// # let store = SqlStore::connect("sqlite::memory:").await?;
/// # let keyring = Keyring::ephemeral(&SystemRandom);
/// use donjon::testing::{ManualClock, Scenario};
///
/// let clock = Arc::new(ManualClock::default());
/// let accounts = AccountLayer::builder(&store, &keyring, "http://127.0.0.1:3000")
///     .clock(clock.clone())
///     .build()?;
///
/// let dave = Scenario::new("dave@example.test").locked().unconfirmed().totp();
/// let dave = dave.seed(&accounts).await?;
/// assert!(!dave.account.email_verified());
/// let code = dave.code_at(clock.now()); // what the app shows
/// # assert_eq!(code.map(|code| code.len()), Some(6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Scenario {
    email: String,
    password: Redacted<String>,
    attributes: Attributes,
    confirmed: bool,
    locked: bool,
    totp: bool,
    disabled: bool,
    leaving: bool,
}

/// A user that was seeded.
#[derive(Clone)]
#[non_exhaustive]
pub struct Persona {
    /// The account.
    pub account: Account,
    /// The password.
    pub password: Redacted<String>,
    /// The backup codes, of one with an authenticator app.
    pub backup_codes: Vec<String>,
    app: Option<TotpSecret>,
}

/// Why a user was not seeded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The application may have users of its own.
    #[error(
        "{0} may have users of its own; seed scenarios on loopback, or under .test, .example, \
         .invalid or .localhost"
    )]
    Dangerous(String),
    /// There is a user already, or the address or password is none.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Scenario {
    /// A user with this address, confirmed, with the password `correct horse battery staple`.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            password: Redacted(PASSWORD.to_owned()),
            attributes: Attributes::new(),
            confirmed: true,
            locked: false,
            totp: false,
            disabled: false,
            leaving: false,
        }
    }

    /// With another password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Redacted(password.into());
        self
    }

    /// With these attributes of the host's.
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Who has not confirmed the address.
    pub fn unconfirmed(mut self) -> Self {
        self.confirmed = false;
        self
    }

    /// Whose address is locked, after too many wrong passwords.
    pub fn locked(mut self) -> Self {
        self.locked = true;
        self
    }

    /// Who has an authenticator app, and backup codes.
    pub fn totp(mut self) -> Self {
        self.totp = true;
        self
    }

    /// Whom an administrator keeps out.
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Who has asked for the end of the account.
    pub fn leaving(mut self) -> Self {
        self.leaving = true;
        self
    }

    /// Makes the user, in the application of these accounts, by its clock.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub async fn seed(self, accounts: &AccountLayer) -> Result<Persona, ScenarioError> {
        let site = accounts.site();
        if !is_harmless(&site.origin) {
            return Err(ScenarioError::Dangerous(site.origin.clone()));
        }
        let password = Some(self.password.0.as_str());
        let api = accounts.accounts();
        let account = api.create(&self.email, password, self.attributes, self.confirmed).await?;
        let (id, none, now) = (account.id(), Effects::none(), site.now());
        let (app, backup_codes) = match self.totp {
            true => {
                let secret = TotpSecret::generate(&*site.random);
                let codes = api.import_totp(id, &secret).await?;
                (Some(secret), codes.unwrap_or_default())
            }
            false => (None, Vec::new()),
        };
        if self.locked {
            let (email, lockout) = (account.email().unwrap_or_default(), site.policy.lockout);
            for _ in 0..=lockout.attempts {
                site.store.begin_login((email, false), None, lockout, &none, &[], now).await?;
            }
        }
        if self.leaving {
            let at = now + site.policy.deletion.grace;
            let deletion = NewDeletion { user: id.clone(), at, keep: None };
            let asked = site.store.request_deletion(&deletion, &none, now).await?;
            if asked != DeletionRequest::Scheduled {
                return Err(StoreError::Corrupt("a new user who may not leave").into());
            }
        }
        if self.disabled {
            site.store.disable_account(id, &none, now).await?;
        }
        Ok(Persona { account, password: self.password, backup_codes, app })
    }
}

impl Persona {
    /// What the authenticator app shows then; `None` without an app. A code works once: for the
    /// next one, move the clock by 30 seconds.
    pub fn code_at(&self, moment: time::OffsetDateTime) -> Option<String> {
        self.app.as_ref().map(|app| app.code_at(moment))
    }
}

impl fmt::Debug for Persona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Persona").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Whether an application at this address can have no users but those of tests.
fn is_harmless(origin: &str) -> bool {
    let Ok(url) = url::Url::parse(origin) else { return false };
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => {
            let last = name.rsplit('.').next().unwrap_or_default();
            ["test", "example", "invalid", "localhost"].contains(&last)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn only_what_can_have_no_users_is_harmless() {
        for fine in
            ["http://127.0.0.1:3000", "http://[::1]", "http://localhost:1", "https://app.example"]
        {
            assert!(is_harmless(fine), "{fine}");
        }
        for real in [
            "https://acme.com",
            "https://test.acme.com",
            "https://10.0.0.1",
            "",
            "https://localhost.de",
        ] {
            assert!(!is_harmless(real), "{real}");
        }
    }
}
