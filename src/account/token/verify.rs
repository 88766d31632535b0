use std::net::IpAddr;

use futures_util::future::BoxFuture;
use time::{Duration, OffsetDateTime};

use super::service::Recognize;
use super::{ApiToken, ApiTokens, NotAnApiToken};
use crate::audit::{Action, AuditActor, Entry};
use crate::http::Network;
use crate::scope::{Credential, CredentialKind, CurrentScope};
use crate::store::{Device, PresentedToken, RateLimit, StoreError, StoredApiToken, TokenHolder};

/// How often the use of a token is written down.
const TOUCH_EVERY: Duration = Duration::minutes(5);
/// How often the audit log is told of one refused token, or of unknown ones from one network.
const REFUSALS_TOLD: RateLimit = RateLimit { times: 5, window: Duration::HOUR };

/// Who calls with a token that is good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedToken {
    /// Who acts.
    pub scope: CurrentScope,
    /// By which credential.
    pub credential: Credential,
}

/// Why a token lets nobody in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyTokenError {
    /// It does not begin with our prefix: it may be another kind of credential.
    #[error("the text does not begin with the prefix of API tokens")]
    Foreign,
    /// It is damaged, unknown, expired or revoked, or its owner is gone: whoever shows it is not
    /// told which.
    #[error("the API token is none, or none any more")]
    Refused,
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a token that has our form. Only the audit log is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Unknown,
    Revoked,
    Expired,
    Disabled,
}

impl Fault {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
        }
    }

    fn of(presented: &PresentedToken, now: OffsetDateTime) -> Option<Self> {
        let token = &presented.token;
        let disabled = match &presented.holder {
            TokenHolder::User(_) => false,
            TokenHolder::ServiceAccount(account) => account.disabled_at.is_some(),
        };
        if token.revoked_at.is_some() {
            Some(Self::Revoked)
        } else if token.expires_at.is_some_and(|end| end <= now) {
            Some(Self::Expired)
        } else {
            disabled.then_some(Self::Disabled)
        }
    }
}

impl Recognize for ApiTokens {
    fn is_like(&self, text: &str) -> bool {
        !matches!(ApiToken::parse(&self.prefix, text), Err(NotAnApiToken::Foreign))
    }

    fn verify<'a>(
        &'a self,
        text: &'a str,
        device: &'a Device,
    ) -> BoxFuture<'a, Result<VerifiedToken, VerifyTokenError>> {
        Box::pin(Self::verify(self, text, device))
    }
}

impl ApiTokens {
    /// Looks at a token that somebody shows: one read, and a write if it was not used for five
    /// minutes. A text that cannot be a token of ours costs no read. `device` is for the audit log,
    /// which is told of refusals, now and then, and of nothing else; a token that is refused more
    /// often than that costs a read.
    ///
    /// # Errors
    /// [`VerifyTokenError`].
    pub async fn verify(
        &self,
        text: &str,
        device: &Device,
    ) -> Result<VerifiedToken, VerifyTokenError> {
        let token = ApiToken::parse(&self.prefix, text).map_err(|error| match error {
            NotAnApiToken::Foreign => VerifyTokenError::Foreign,
            NotAnApiToken::Damaged => VerifyTokenError::Refused,
        })?;
        let now = self.clock.now();
        let presented = self.store.find_api_token(&token.hash()).await?;
        let fault = presented.as_ref().map_or(Some(Fault::Unknown), |it| Fault::of(it, now));
        match (presented, fault) {
            (Some(presented), None) => {
                self.touch(&presented.token, now).await;
                Ok(verified(presented))
            }
            (presented, fault) => {
                let fault = fault.unwrap_or(Fault::Unknown);
                self.note_refusal(presented.as_ref(), fault, device, now).await;
                Err(VerifyTokenError::Refused)
            }
        }
    }

    async fn touch(&self, token: &StoredApiToken, now: OffsetDateTime) {
        if token.last_used_at.is_some_and(|last| now - last < TOUCH_EVERY) {
            return;
        }
        // The request goes on; the next one tries again.
        if let Err(error) = self.store.touch_api_token(token.id, now).await {
            tracing::warn!(%error, "the use of an API token was not written");
        }
    }

    async fn note_refusal(
        &self,
        presented: Option<&PresentedToken>,
        fault: Fault,
        device: &Device,
        now: OffsetDateTime,
    ) {
        let (key, entry) = match presented {
            Some(presented) => {
                let entry = about(&presented.holder).to("api_token", presented.token.id);
                (format!("api_token:{}", presented.token.id), entry)
            }
            None => (unknown_from(device.address), Entry::new(Action::VERIFY_TOKEN)),
        };
        // Anybody can make up what costs a read; it must not cost a write each time.
        if self.told.until(&key, now).is_some() {
            return;
        }
        let entry = entry.refused().with("reason", fault.as_str());
        let entry = entry.from(device.address, device.user_agent.as_deref());
        let along = self.effects(entry);
        match self.store.note_refused_token(&key, REFUSALS_TOLD, &along, now).await {
            Ok(true) => along.announce(),
            // The window may end earlier: what comes then is told of a little later.
            Ok(false) => self.told.learn(&key, now + REFUSALS_TOLD.window, now),
            Err(error) => tracing::warn!(%error, "a refused API token was not noted"),
        }
    }
}

/// Where unknown tokens from this address are counted.
fn unknown_from(address: Option<IpAddr>) -> String {
    match address {
        Some(address) => format!("api_token:{}", Network::around(address)),
        None => "api_token:nowhere".to_owned(),
    }
}

fn about(holder: &TokenHolder) -> Entry {
    let entry = Entry::new(Action::VERIFY_TOKEN);
    match holder {
        TokenHolder::User(account) => entry.about(account.id()),
        TokenHolder::ServiceAccount(account) => {
            let entry = entry.by(AuditActor::ServiceAccount(account.id.clone()));
            match account.organization {
                Some(organization) => entry.in_organization(organization),
                None => entry,
            }
        }
    }
}

fn verified(PresentedToken { token, holder }: PresentedToken) -> VerifiedToken {
    let id = token.id.to_string();
    match holder {
        TokenHolder::User(account) => {
            let (kind, subject) = (CredentialKind::PersonalAccessToken, account.id().as_str());
            let credential = Credential::of(kind, subject, token.scopes, id);
            VerifiedToken { scope: CurrentScope::user_by_credential(account), credential }
        }
        TokenHolder::ServiceAccount(account) => {
            let (kind, subject) = (CredentialKind::ServiceAccount, account.id.as_str());
            let credential = Credential::of(kind, subject, token.scopes, id)
                .in_organization(account.organization);
            VerifiedToken { scope: CurrentScope::service_account(account.id), credential }
        }
    }
}
