use std::sync::Arc;

use time::Duration;

use super::service_account::ServiceAccounts;
use super::{ApiToken, Checked, InvalidTokenRequest, TokenPrefix, TokenRequest};
use crate::account::enough::Enough;
use crate::audit::{Action, AuditActor, Entry};
use crate::crypto::{Clock, Random, RandomExt as _, SystemClock, SystemRandom};
use crate::scope::{SessionId, UserId};
use crate::store::{
    ApiTokenId, ApiTokenStore, Authority, Effects, NewApiToken, StoreError, StoredApiToken,
    TokenCreation, TokenOwner, TokenPage,
};

/// How many tokens an owner has at most, unless the host says otherwise.
const AT_MOST: u32 = 100;
/// The most tokens of one page of a list.
const PAGE: u32 = 200;

/// The API tokens of an application: what they are called, what they may do, and for how long.
/// Cheap to clone. See the [module](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiTokens {
    pub(super) store: Arc<dyn ApiTokenStore>,
    pub(super) prefix: TokenPrefix,
    pub(super) scopes: Arc<[String]>,
    pub(super) longest: Option<Duration>,
    at_most: u32,
    /// Of what the audit log was told often enough for now.
    pub(super) told: Enough,
    actor: AuditActor,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// For whom a token is made, in which session, and by which member of a service account's
/// organization.
pub(in crate::account) struct Maker {
    pub(in crate::account) owner: TokenOwner,
    pub(in crate::account) made_in: Option<SessionId>,
    pub(in crate::account) by: Option<Authority>,
}

/// The text is no scope: 1 to 128 printable ASCII characters without space, `"` and `\` (RFC 6749,
/// section 3.3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope: 1 to 128 printable ASCII characters without space, \" and \\")]
pub struct InvalidScope(String);

/// Why a token was not made. Nothing changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateTokenError {
    /// It cannot be like that.
    #[error(transparent)]
    Invalid(#[from] InvalidTokenRequest),
    /// There is no such user or service account, or it is disabled, or the session is over.
    #[error("there is nobody whose the token could be")]
    NoOwner,
    /// The owner has as many as they may have.
    #[error("the owner has as many tokens as they may have; revoke one first")]
    TooMany,
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApiTokens {
    /// Tokens that begin with this prefix. There is no scope that they could carry yet, they may
    /// work for ever, and an owner has at most 100.
    pub fn new(store: impl Into<Arc<dyn ApiTokenStore>>, prefix: TokenPrefix) -> Self {
        Self {
            store: store.into(),
            prefix,
            scopes: Arc::default(),
            longest: None,
            at_most: AT_MOST,
            told: Enough::default(),
            actor: AuditActor::System,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// The scopes there are, in the order in which they are shown. What each allows, in words, says
    /// [`Theme::with_scope`](crate::page::Theme::with_scope).
    ///
    /// # Errors
    /// [`InvalidScope`].
    pub fn scopes<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<Self, InvalidScope> {
        let mut all: Vec<String> = Vec::new();
        for scope in scopes.into_iter().map(Into::into) {
            let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
            if !(1..=128).contains(&scope.len()) || !scope.bytes().all(plain) {
                return Err(InvalidScope(scope));
            }
            if !all.contains(&scope) {
                all.push(scope);
            }
        }
        self.scopes = all.into();
        Ok(self)
    }

    /// How long a token may work at most; then none works for ever.
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = Some(longest);
        self
    }

    /// How many tokens an owner has at most that are not revoked.
    pub fn at_most(mut self, at_most: u32) -> Self {
        self.at_most = at_most;
        self
    }

    /// The same tokens, in the hands of whom the audit log is to name; else it says `system`.
    pub fn by(mut self, actor: AuditActor) -> Self {
        self.actor = actor;
        self
    }

    /// Another clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness; for tests.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Service accounts with credentials of this form.
    pub fn service_accounts(&self) -> ServiceAccounts {
        ServiceAccounts(self.clone())
    }

    /// Makes a token for a user, whom nobody tells: who makes one at `/settings/tokens` gets a mail.
    /// The text is in what this returns and nowhere else.
    ///
    /// # Errors
    /// [`CreateTokenError`].
    pub async fn create(
        &self,
        user: &UserId,
        request: &TokenRequest,
    ) -> Result<(ApiToken, StoredApiToken), CreateTokenError> {
        let checked = self.check(request)?;
        let entry = self.entry(Action::CREATE_TOKEN);
        let maker = Maker { owner: TokenOwner::User(user.clone()), made_in: None, by: None };
        self.make(maker, checked, entry, Effects::none()).await
    }

    /// The tokens of a user, newest first; at most 200.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(
        &self,
        user: &UserId,
        page: TokenPage,
    ) -> Result<Vec<StoredApiToken>, StoreError> {
        self.store.api_tokens_of(&TokenOwner::User(user.clone()), page, PAGE).await
    }

    /// Revokes one token of a user. `false` if there is none, or it is revoked already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke(&self, user: &UserId, id: ApiTokenId) -> Result<bool, StoreError> {
        let entry = self.entry(Action::REVOKE_TOKEN);
        self.revoke_along(&TokenOwner::User(user.clone()), id, None, entry).await
    }

    /// Revokes all tokens of a user. Answers how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_all(&self, user: &UserId) -> Result<u64, StoreError> {
        let entry = self.entry(Action::REVOKE_ALL_TOKENS);
        self.revoke_all_along(&TokenOwner::User(user.clone()), entry).await
    }

    /// The scopes there are.
    pub(in crate::account) fn all_scopes(&self) -> &[String] {
        &self.scopes
    }

    /// What tokens begin with.
    pub(in crate::account) fn prefix(&self) -> &TokenPrefix {
        &self.prefix
    }

    /// How long a token may work at most.
    pub(in crate::account) fn longest_lifetime(&self) -> Option<Duration> {
        self.longest
    }

    pub(super) fn entry(&self, action: Action) -> Entry {
        Entry::new(action).by(self.actor.clone())
    }

    pub(super) fn effects(&self, entry: Entry) -> Effects {
        entry.at(self.clock.now(), &*self.random).into()
    }

    /// Makes a token of this owner, in this session. The audit log is told by `entry`; what else
    /// goes along is `more`.
    pub(in crate::account) async fn make(
        &self,
        Maker { owner, made_in, by }: Maker,
        checked: Checked,
        entry: Entry,
        more: Effects,
    ) -> Result<(ApiToken, StoredApiToken), CreateTokenError> {
        let now = self.clock.now();
        let text = ApiToken::generate(&*self.random, &self.prefix);
        let token = NewApiToken {
            id: ApiTokenId(self.random.uuid_v7(now)),
            hash: text.hash(),
            owner,
            made_in,
            by,
            name: checked.name,
            scopes: checked.scopes,
            created_at: now,
            expires_at: checked.lifetime.map(|lifetime| now.saturating_add(lifetime)),
        };
        let entry = entry.to("api_token", token.id).with("scopes", token.scopes.clone());
        let entry = entry.with("name", token.name.as_str());
        let along = more.and_entry(entry.at(now, &*self.random));
        match self.store.create_api_token(&token, self.at_most, &along).await? {
            TokenCreation::Created => along.announce(),
            TokenCreation::NoOwner => return Err(CreateTokenError::NoOwner),
            TokenCreation::TooMany => return Err(CreateTokenError::TooMany),
        }
        let NewApiToken { id, name, scopes, created_at, expires_at, .. } = token;
        let (last_used_at, revoked_at) = (None, None);
        Ok((
            text,
            StoredApiToken { id, name, scopes, created_at, expires_at, last_used_at, revoked_at },
        ))
    }

    pub(in crate::account) async fn revoke_along(
        &self,
        owner: &TokenOwner,
        id: ApiTokenId,
        by: Option<&Authority>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        let (along, now) = (self.effects(entry.to("api_token", id)), self.clock.now());
        let revoked = self.store.revoke_api_token(owner, id, by, &along, now).await?;
        if revoked {
            along.announce();
        }
        Ok(revoked)
    }

    pub(super) async fn revoke_all_along(
        &self,
        owner: &TokenOwner,
        entry: Entry,
    ) -> Result<u64, StoreError> {
        let along = self.effects(entry);
        let revoked = self.store.revoke_api_tokens_of(owner, &along, self.clock.now()).await?;
        if revoked > 0 {
            along.announce();
        }
        Ok(revoked)
    }

    pub(super) async fn list(
        &self,
        owner: &TokenOwner,
        page: TokenPage,
    ) -> Result<Vec<StoredApiToken>, StoreError> {
        self.store.api_tokens_of(owner, page, PAGE).await
    }
}
