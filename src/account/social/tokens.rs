use std::sync::Arc;
use std::time::Duration as StdDuration;

use time::{Duration, OffsetDateTime};

use super::fault::Fault;
use super::protocol::token::{TokenError, Tokens};
use super::{Here, Providers, TOKENS, revoke_due};
use crate::account::site::Site;
use crate::crypto::Redacted;
use crate::scope::UserId;
use crate::store::{StoreError, StoredTokens};

/// A token that is over so soon is refreshed first.
const MARGIN: Duration = Duration::minutes(1);
/// How long one process may be about a refresh before another one may try.
const LEASE: Duration = Duration::seconds(30);
/// How long somebody waits for another's refresh.
const PATIENCE: StdDuration = StdDuration::from_secs(10);
const LOOK_AGAIN: StdDuration = StdDuration::from_millis(50);

/// The tokens of providers that were kept ([`Provider::keep_tokens`](super::Provider::keep_tokens)),
/// for the host to call their APIs in a user's name; from
/// [`AccountLayer::provider_tokens`](crate::account::AccountLayer::provider_tokens). Cheap to clone.
///
/// A token that is about to be over is refreshed first. However many ask at once, in however many
/// processes, one asks the provider, and what it gets, a new refresh token too, is kept before
/// anybody uses it.
///
/// When their identity is unlinked, or the account deleted, tokens go, and the provider is asked to
/// revoke them (RFC 7009): by a job that is written with what forgets them, so that no process that is
/// killed loses it, and that is tried again, after a minute at first and up to six hours, twelve
/// times in all. A process that is killed while it asks leaves it to be asked again. That is done where
/// an OpenID Provider publishes a `revocation_endpoint`, as Google and Apple do; GitHub and Facebook,
/// which have ways of their own, are not asked.
#[derive(Clone, Debug)]
pub struct ProviderTokens(Arc<Site>);

/// An access token of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderToken {
    /// The token.
    pub access_token: Redacted<String>,
    /// Until when it works, if the provider has said.
    pub expires_at: Option<OffsetDateTime>,
    /// What it allows, if the provider has said.
    pub scope: Option<String>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderTokenError {
    /// The user has no identity at this provider, or its tokens were not kept.
    #[error("the user has no tokens of this provider")]
    NotLinked,
    /// The token is over, and cannot be refreshed: the user has to log in with the provider again.
    #[error("the user must log in with the provider again")]
    LoginRequired,
    /// The provider cannot be reached, does not answer as it must, or refuses for a reason that no login
    /// mends, such as a client secret that is none any more. The log has the details.
    #[error("the provider does not give a fresh token: {0}")]
    Unavailable(String),
    /// Somebody else has been refreshing it for too long.
    #[error("the token is being refreshed; try again")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProviderTokens {
    pub(in crate::account) fn new(site: Arc<Site>) -> Self {
        Self(site)
    }

    /// A token that works for at least another minute, if the provider gives one. It may ask the
    /// provider, which takes its time.
    ///
    /// # Errors
    /// [`ProviderTokenError`].
    pub async fn access_token(
        &self,
        user: &UserId,
        provider: &str,
    ) -> Result<ProviderToken, ProviderTokenError> {
        let this = self.clone();
        let (user, provider) = (user.clone(), provider.to_owned());
        // A caller who goes away must not take the new refresh token along.
        let work = tokio::spawn(async move { this.find_or_refresh(&user, &provider).await });
        work.await.map_err(|_| ProviderTokenError::Unavailable("the refresh was cut off".into()))?
    }

    /// Has providers revoke what was forgotten and is due: a few at once, in a minute otherwise. Answers
    /// how many were tried.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_due(&self) -> Result<u64, StoreError> {
        revoke_due(&self.0).await
    }

    async fn find_or_refresh(
        &self,
        user: &UserId,
        provider: &str,
    ) -> Result<ProviderToken, ProviderTokenError> {
        let site = &*self.0;
        let here = Here::of(site, provider).ok_or(ProviderTokenError::NotLinked)?;
        let began = tokio::time::Instant::now();
        while began.elapsed() < PATIENCE {
            let stored = site.store.provider_tokens(user, provider).await?;
            let stored = stored.ok_or(ProviderTokenError::NotLinked)?;
            let tokens = here.providers.open_tokens(provider, &stored);
            let tokens = tokens.ok_or(ProviderTokenError::LoginRequired)?;
            let now = site.now();
            let lasts = |margin: Duration| {
                tokens.expires_at.is_none_or(|at| (now + margin).unix_timestamp() < at)
            };
            match &tokens.refresh_token {
                _ if lasts(MARGIN) => return Ok(tokens.into()),
                None if lasts(Duration::ZERO) => return Ok(tokens.into()),
                None => return Err(ProviderTokenError::LoginRequired),
                Some(_) => {}
            }
            let (version, lease) = (stored.version, (now, now + LEASE));
            if site.store.begin_token_refresh(user, provider, version, lease).await? {
                if let Some(fresh) = refresh(here, user, &stored, tokens).await? {
                    return Ok(fresh.into());
                }
            } else {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        Err(ProviderTokenError::Busy)
    }
}

/// Asks the provider, and keeps what it gives; `None` if a login kept newer tokens meanwhile.
async fn refresh(
    here: Here<'_>,
    user: &UserId,
    stored: &StoredTokens,
    old: Tokens,
) -> Result<Option<Tokens>, ProviderTokenError> {
    let Here { site, providers, provider } = here;
    let (store, version) = (&site.store, stored.version);
    let token = old.refresh_token.clone().unwrap_or_default();
    match providers.client.refresh(provider, &token).await {
        Ok(issued) => {
            let mut fresh = issued.keep(site.now());
            // RFC 6749, section 6: without a new one the old one stays.
            fresh.refresh_token = fresh.refresh_token.or(old.refresh_token);
            fresh.scope = fresh.scope.or(old.scope);
            let key = (provider.id.as_str(), stored.subject.as_str());
            let sealed = providers.seal_tokens(&*site.random, key, &fresh);
            let kept =
                store.finish_token_refresh(user, &provider.id, version, Some(&sealed)).await?;
            Ok(kept.then_some(fresh))
        }
        Err(fault) => {
            store.finish_token_refresh(user, &provider.id, version, None).await?;
            tracing::warn!(provider = provider.id, %user, %fault, "tokens were not refreshed");
            Err(match fault {
                Fault::Token(TokenError::Refused(code)) if is_over(&code) => {
                    ProviderTokenError::LoginRequired
                }
                fault => ProviderTokenError::Unavailable(fault.to_string()),
            })
        }
    }
}

/// Whether a refusal is of the refresh token, so that a login mends it: RFC 6749, section 5.2,
/// GitHub's, and those of OpenID for a provider that asks its user. Anything else is wrong with the
/// host's registration, or over soon.
fn is_over(code: &str) -> bool {
    matches!(
        code,
        "invalid_grant"
            | "bad_refresh_token"
            | "interaction_required"
            | "login_required"
            | "consent_required"
    )
}

impl Providers {
    pub(super) fn open_tokens(&self, provider: &str, stored: &StoredTokens) -> Option<Tokens> {
        let context = format!("{provider}\0{}", stored.subject);
        let plain = self.keyring.open(TOKENS, context.as_bytes(), &stored.tokens).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

impl From<Tokens> for ProviderToken {
    fn from(tokens: Tokens) -> Self {
        let expires_at =
            tokens.expires_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
        Self { access_token: Redacted(tokens.access_token), expires_at, scope: tokens.scope }
    }
}
