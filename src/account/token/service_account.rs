use super::request::checked_name;
use super::{ApiToken, ApiTokens, CreateTokenError, InvalidTokenRequest, Maker, TokenRequest};
use crate::audit::{Action, Entry};
use crate::crypto::RandomExt as _;
use crate::scope::{OrganizationId, UserId};
use crate::store::{
    ApiTokenId, Effects, ServiceAccount, StoreError, StoredApiToken, TokenOwner, TokenPage,
};

/// The most service accounts of one page of a list.
const PAGE: u32 = 200;

/// Programs of the host's or of its customers', for the host's own code. Cheap to clone.
///
/// Account and credential are apart: to rotate without a pause, make a second credential, hand it
/// out, and revoke the first once nobody uses it any more
/// ([`StoredApiToken::last_used_at`]).
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use donjon::account::token::{ApiTokens, TokenRequest};
/// use donjon::store::{SqlStore, TokenPage};
/// use time::Duration;
///
/// let store = SqlStore::connect("sqlite::memory:").await?;
/// let accounts = ApiTokens::new(&store, "acme".parse()?).scopes(["deploy"])?.service_accounts();
/// let robot = accounts.create("Deploy robot", None).await?;
/// let request = TokenRequest {
///     name: "2026".into(),
///     scopes: vec!["deploy".into()],
///     lifetime: Some(Duration::days(90)),
/// };
/// let (first, old) = accounts.create_credential(&robot.id, &request).await?;
/// let (second, _) = accounts.create_credential(&robot.id, &request).await?;
/// println!("{} and {} both work", first.expose(), second.expose());
/// accounts.revoke_credential(&robot.id, old.id).await?;
/// assert_eq!(accounts.credentials(&robot.id, TokenPage::default()).await?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ServiceAccounts(pub(super) ApiTokens);

/// Why a service account was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateServiceAccountError {
    /// The name is empty, too long, or has control characters.
    #[error(transparent)]
    Name(InvalidTokenRequest),
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ServiceAccounts {
    /// Makes a service account of an organization, or of the host's own. It has no credential yet.
    /// Whether there is such an organization is for the caller to know; when it is deleted, the
    /// account is disabled.
    ///
    /// # Errors
    /// [`CreateServiceAccountError`].
    pub async fn create(
        &self,
        name: &str,
        organization: Option<OrganizationId>,
    ) -> Result<ServiceAccount, CreateServiceAccountError> {
        let tokens = &self.0;
        let now = tokens.clock.now();
        let name =
            checked_name(name).ok_or(CreateServiceAccountError::Name(InvalidTokenRequest::Name))?;
        let id = UserId::from(tokens.random.uuid_v7(now));
        let account = ServiceAccount { id, organization, name, created_at: now, disabled_at: None };
        let along = self.effects(Action::CREATE_SERVICE_ACCOUNT, &account);
        // The host may make as many as it likes.
        tokens.store.create_service_account(&account, None, u32::MAX, &along).await?;
        along.announce();
        Ok(account)
    }

    /// The service account with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, id: &UserId) -> Result<Option<ServiceAccount>, StoreError> {
        self.0.store.find_service_account(id).await
    }

    /// The service accounts of an organization, or of the host's own, newest first, those made
    /// before `before`; at most 200.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(
        &self,
        organization: Option<OrganizationId>,
        before: Option<&UserId>,
    ) -> Result<Vec<ServiceAccount>, StoreError> {
        self.0.store.service_accounts(organization, before, PAGE).await
    }

    /// Makes a credential beside those there are. The text is in what this returns and nowhere
    /// else.
    ///
    /// # Errors
    /// [`CreateTokenError`].
    pub async fn create_credential(
        &self,
        id: &UserId,
        request: &TokenRequest,
    ) -> Result<(ApiToken, StoredApiToken), CreateTokenError> {
        let checked = self.0.check(request)?;
        let account = self.find(id).await?.ok_or(CreateTokenError::NoOwner)?;
        let entry = self.entry(Action::CREATE_TOKEN, &account);
        let owner = TokenOwner::ServiceAccount(id.clone());
        let maker = Maker { owner, made_in: None, by: None };
        self.0.make(maker, checked, entry, Effects::none()).await
    }

    /// The credentials of a service account, newest first; at most 200.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credentials(
        &self,
        id: &UserId,
        page: TokenPage,
    ) -> Result<Vec<StoredApiToken>, StoreError> {
        self.0.list(&TokenOwner::ServiceAccount(id.clone()), page).await
    }

    /// Revokes one credential. `false` if there is none, or it is revoked already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_credential(
        &self,
        id: &UserId,
        credential: ApiTokenId,
    ) -> Result<bool, StoreError> {
        let Some(account) = self.find(id).await? else { return Ok(false) };
        let entry = self.entry(Action::REVOKE_TOKEN, &account);
        let owner = TokenOwner::ServiceAccount(id.clone());
        self.0.revoke_along(&owner, credential, None, entry).await
    }

    /// Revokes all credentials. Answers how many. The account stays, for new ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_all(&self, id: &UserId) -> Result<u64, StoreError> {
        let Some(account) = self.find(id).await? else { return Ok(0) };
        let entry = self.entry(Action::REVOKE_ALL_TOKENS, &account);
        self.0.revoke_all_along(&TokenOwner::ServiceAccount(id.clone()), entry).await
    }

    /// Disables a service account: none of its credentials opens anything, from the next request
    /// on. `false` if it is disabled, or there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn disable(&self, id: &UserId) -> Result<bool, StoreError> {
        self.set_disabled(id, true).await
    }

    /// Enables a service account again, with the credentials it has. `false` if it is enabled, or
    /// there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enable(&self, id: &UserId) -> Result<bool, StoreError> {
        self.set_disabled(id, false).await
    }

    async fn set_disabled(&self, id: &UserId, disabled: bool) -> Result<bool, StoreError> {
        let Some(account) = self.find(id).await? else { return Ok(false) };
        let action =
            if disabled { Action::DISABLE_SERVICE_ACCOUNT } else { Action::ENABLE_SERVICE_ACCOUNT };
        let (along, at) = (self.effects(action, &account), self.0.clock.now());
        let changed =
            self.0.store.disable_service_account(id, disabled.then_some(at), None, &along).await?;
        if changed {
            along.announce();
        }
        Ok(changed)
    }

    /// What the audit log tells of a credential of this account.
    fn entry(&self, action: Action, account: &ServiceAccount) -> Entry {
        let entry = self.0.entry(action).with("service_account", account.id.as_str());
        match account.organization {
            Some(organization) => entry.in_organization(organization),
            None => entry,
        }
    }

    /// What the audit log tells of this account itself.
    fn effects(&self, action: Action, account: &ServiceAccount) -> Effects {
        self.0.effects(self.entry(action, account).to("service_account", &account.id))
    }
}
