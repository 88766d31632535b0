use super::*;
use crate::scope::OrganizationId;
use crate::store::ServiceAccount;

impl Kit {
    pub(super) async fn a_service_account_has_credentials_of_its_own(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "a credential is found with its service account";
        let account = self.service_account(None, 0).await?;
        let owner = TokenOwner::ServiceAccount(account.id.clone());
        let (old, new) = (new_token(&owner), new_token(&owner));
        self.create(&old).await?;
        self.create(&new).await?;
        for token in [&old, &new] {
            let found = self.store.find_api_token(&token.hash).await?;
            let holder = found.map(|found| found.holder);
            let same = holder == Some(TokenHolder::ServiceAccount(account.clone()));
            rule(RULE, same, &holder)?;
        }
        self.store.revoke_api_token(&owner, old.id, None, &Effects::none(), at(1)).await?;
        let left = self.list(&owner, TokenPage::default()).await?;
        rule("one credential is revoked without the other", left == [stored(&new)], &left)?;
        let nobody = TokenOwner::ServiceAccount(UserId::from(SystemRandom.uuid_v7(epoch())));
        let refused =
            self.store.create_api_token(&new_token(&nobody), MANY, &Effects::none()).await?;
        rule("nobody has a credential", refused == TokenCreation::NoOwner, refused)
    }

    pub(super) async fn a_service_account_is_disabled_and_enabled_once(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "a service account is disabled once, and enabled once";
        let account = self.service_account(None, 0).await?;
        let owner = TokenOwner::ServiceAccount(account.id.clone());
        let token = new_token(&owner);
        self.create(&token).await?;
        for disabled_at in [Some(at(5)), None] {
            let (name, along) = self.along();
            let changes = race(|_| {
                let (store, id) = (Arc::clone(&self.store), account.id.clone());
                let along = again(&along);
                async move { store.disable_service_account(&id, disabled_at, None, &along).await }
            })
            .await?;
            let changed = changes.iter().filter(|changed| **changed).count();
            rule(RULE, changed == 1, (disabled_at, changed))?;
            rule(RULE, self.entries(&name).await? == 1, "an entry for each change")?;
            let found = self.store.find_api_token(&token.hash).await?;
            let state = match found.map(|found| found.holder) {
                Some(TokenHolder::ServiceAccount(account)) => Some(account.disabled_at),
                _ => None,
            };
            rule(
                "a credential says since when its account is disabled",
                state == Some(disabled_at),
                state,
            )?;
            let found = self.store.find_service_account(&account.id).await?;
            let told = found.map(|account| account.disabled_at);
            rule(RULE, told == Some(disabled_at), told)?;
            let (credential, none) = (new_token(&owner), Effects::none());
            let more = self.store.create_api_token(&credential, MANY, &none).await?;
            let expected = match disabled_at {
                Some(_) => TokenCreation::NoOwner,
                None => TokenCreation::Created,
            };
            rule("a disabled service account gets no credential", more == expected, more)?;
        }
        Ok(())
    }

    pub(super) async fn service_accounts_are_listed_by_organization(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "service accounts are listed by organization, newest first";
        let organization = Some(OrganizationId(SystemRandom.uuid_v7(epoch())));
        let mut made = Vec::new();
        for second in 0..3 {
            made.insert(0, self.service_account(organization, second).await?);
        }
        let hosts = self.service_account(None, 9).await?;
        let all = self.store.service_accounts(organization, None, 10).await?;
        rule(RULE, all == made, &all)?;
        let newest = made.first().map(|account| &account.id);
        let rest = self.store.service_accounts(organization, newest, 1).await?;
        rule(RULE, rest.iter().eq(made.get(1)), &rest)?;
        let of_host = self.store.service_accounts(None, None, 10).await?;
        let apart = of_host.iter().all(|account| account.organization.is_none());
        rule(RULE, apart && of_host.first() == Some(&hosts), &of_host)
    }

    async fn service_account(
        &self,
        organization: Option<OrganizationId>,
        seconds: i64,
    ) -> Result<ServiceAccount, Violation> {
        let account = ServiceAccount {
            id: UserId::from(SystemRandom.uuid_v7(at(seconds))),
            organization,
            name: "robot".to_owned(),
            created_at: at(seconds),
            disabled_at: None,
        };
        self.store.create_service_account(&account, None, MANY, &Effects::none()).await?;
        let found = self.store.find_service_account(&account.id).await?;
        rule("a service account is found by its id", found.as_ref() == Some(&account), &found)?;
        Ok(account)
    }
}
