//! Members of an organization who see to its service accounts.

use super::*;
use crate::scope::{MemberRole, OrganizationId};
use crate::store::{Authority, NewOrganization, NewRole, OrganizationChange, ServiceAccount};

impl Kit {
    pub(super) async fn only_who_may_sees_to_a_service_account(&self) -> Result<(), Violation> {
        const RULE: &str = "only who may makes a service account of an organization";
        let (acme, owner) = self.organization().await?;
        let (_, stranger) = self.organization().await?;
        let (_, member) = self.user().await?;
        let (role, none) = (MemberRole::MEMBER, Effects::none());
        self.organizations.add_member(acme, &member, &role, &none, epoch()).await?;
        for (user, organization, expected) in [
            (&owner, Some(acme), ServiceAccountCreation::Created),
            (&member, Some(acme), ServiceAccountCreation::NotAllowed),
            (&stranger, Some(acme), ServiceAccountCreation::NotAllowed),
            (&owner, None, ServiceAccountCreation::NotAllowed),
        ] {
            let account = robot(organization);
            let (name, along) = self.along();
            let by = by(user);
            let made = self.store.create_service_account(&account, Some(&by), MANY, &along).await?;
            rule(RULE, made == expected, (organization, made))?;
            let found = self.store.find_service_account(&account.id).await?.is_some();
            let written = self.entries(&name).await? == 1;
            let created = expected == ServiceAccountCreation::Created;
            rule(RULE, (found, written) == (created, created), (found, written))?;
        }
        let account = robot(Some(acme));
        self.store.create_service_account(&account, None, MANY, &none).await?;
        self.credentials_are_made_by_who_may(&account, [&owner, &member, &stranger]).await?;
        self.credentials_are_revoked_by_who_may(&account, [&owner, &member, &stranger]).await?;
        self.nobody_revokes_who_may_not_any_more(acme, &account, &owner).await?;
        self.it_is_disabled_by_who_may(&account, [&owner, &member, &stranger]).await?;

        let gone = self.organizations.delete_organization(acme, None, &none, at(1)).await?;
        rule("the host deletes an organization", gone == OrganizationChange::Done, gone)?;
        let late = robot(Some(acme));
        let made = self.store.create_service_account(&late, Some(&by(&owner)), MANY, &none).await?;
        rule(RULE, made == ServiceAccountCreation::NotAllowed, made)
    }

    async fn credentials_are_made_by_who_may(
        &self,
        account: &ServiceAccount,
        [owner, others @ ..]: [&UserId; 3],
    ) -> Result<(), Violation> {
        const RULE: &str = "only who may makes a credential of a service account";
        let of = TokenOwner::ServiceAccount(account.id.clone());
        let makes = |user: &UserId| NewApiToken { by: Some(by(user)), ..new_token(&of) };
        for user in others {
            let made = self.store.create_api_token(&makes(user), MANY, &Effects::none()).await?;
            rule(RULE, made == TokenCreation::NoOwner, made)?;
        }
        let made = self.store.create_api_token(&makes(owner), MANY, &Effects::none()).await?;
        rule(RULE, made == TokenCreation::Created, made)
    }

    async fn credentials_are_revoked_by_who_may(
        &self,
        account: &ServiceAccount,
        [owner, others @ ..]: [&UserId; 3],
    ) -> Result<(), Violation> {
        const RULE: &str = "only who may revokes a credential of a service account";
        let of = TokenOwner::ServiceAccount(account.id.clone());
        let token = new_token(&of);
        self.create(&token).await?;
        for (user, expected) in others.map(|user| (user, false)).into_iter().chain([(owner, true)])
        {
            let (name, along) = self.along();
            let by = by(user);
            let done = self.store.revoke_api_token(&of, token.id, Some(&by), &along, at(3)).await?;
            let found = self.store.find_api_token(&token.hash).await?;
            let revoked = found.is_some_and(|found| found.token.revoked_at.is_some());
            let told = self.entries(&name).await? > 0;
            rule(RULE, [done, revoked] == [expected; 2], (done, revoked))?;
            rule("who may not do it is not told of", !told || expected, told)?;
        }
        Ok(())
    }

    /// A manager who is demoted while they ask: either of the two is first.
    async fn nobody_revokes_who_may_not_any_more(
        &self,
        organization: OrganizationId,
        account: &ServiceAccount,
        owner: &UserId,
    ) -> Result<(), Violation> {
        const RULE: &str = "who was demoted revokes nothing any more";
        let of = TokenOwner::ServiceAccount(account.id.clone());
        for _ in 0..5 {
            let (_, admin) = self.user().await?;
            let (none, role) = (Effects::none(), MemberRole::ADMIN);
            self.organizations.add_member(organization, &admin, &role, &none, epoch()).await?;
            let tokens: Vec<_> = (0..CALLERS).map(|_| new_token(&of)).collect();
            let before = new_token(&of);
            for token in tokens.iter().chain([&before]) {
                self.create(token).await?;
            }
            let by_them = by(&admin);
            let done =
                self.store.revoke_api_token(&of, before.id, Some(&by_them), &none, at(1)).await?;
            rule("who may revokes", done, done)?;
            let outcomes = race(|caller| {
                let (store, organizations) =
                    (Arc::clone(&self.store), Arc::clone(&self.organizations));
                let (admin, owner, of) = (admin.clone(), by(owner), of.clone());
                let id = tokens.get(caller).map(|token| token.id);
                async move {
                    let none = Effects::none();
                    if caller == CALLERS / 2 {
                        let role = NewRole { role: MemberRole::MEMBER, gives: Vec::new() };
                        organizations
                            .change_role(organization, &admin, &role, Some(&owner), &none)
                            .await?;
                        return Ok(None);
                    }
                    let Some(id) = id else { return Ok(None) };
                    let done =
                        store.revoke_api_token(&of, id, Some(&by(&admin)), &none, at(1)).await?;
                    Ok(Some((id, done)))
                }
            })
            .await?;
            let held = self.list(&of, TokenPage::default()).await?;
            for (id, done) in outcomes.into_iter().flatten() {
                let left = held.iter().any(|token| token.id == id);
                rule(RULE, left != done, (id, done))?;
            }
            let late = new_token(&of);
            self.create(&late).await?;
            let done =
                self.store.revoke_api_token(&of, late.id, Some(&by_them), &none, at(2)).await?;
            rule(RULE, !done, done)?;
            self.store.revoke_api_tokens_of(&of, &none, at(3)).await?;
        }
        Ok(())
    }

    async fn it_is_disabled_by_who_may(
        &self,
        account: &ServiceAccount,
        [owner, others @ ..]: [&UserId; 3],
    ) -> Result<(), Violation> {
        const RULE: &str = "only who may disables a service account";
        let none = Effects::none();
        for (user, expected) in others.map(|user| (user, false)).into_iter().chain([(owner, true)])
        {
            let (by, when) = (by(user), Some(at(3)));
            let done = self.store.disable_service_account(&account.id, when, Some(&by), &none);
            let done = done.await?;
            rule(RULE, done == expected, done)?;
        }
        Ok(())
    }

    pub(super) async fn an_organization_has_so_many_service_accounts(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str =
            "an organization gets the allowed number of service accounts and no more";
        let (acme, owner) = self.organization().await?;
        let outcomes = race(|_| {
            let (store, by) = (Arc::clone(&self.store), by(&owner));
            async move {
                let account = robot(Some(acme));
                store.create_service_account(&account, Some(&by), 5, &Effects::none()).await
            }
        })
        .await?;
        let made = outcomes.iter().filter(|it| **it == ServiceAccountCreation::Created).count();
        let refused = outcomes.iter().filter(|it| **it == ServiceAccountCreation::TooMany).count();
        rule(RULE, (made, refused) == (5, CALLERS - 5), (made, refused))?;
        let all = self.store.service_accounts(Some(acme), None, 99).await?.len();
        rule(RULE, all == 5, all)
    }

    /// An organization with its owner.
    async fn organization(&self) -> Result<(OrganizationId, UserId), Violation> {
        let (_, owner) = self.user().await?;
        let id = OrganizationId(SystemRandom.uuid_v7(epoch()));
        let new = NewOrganization {
            id,
            slug: format!("o{}", SystemRandom.uuid_v7(epoch()).simple()),
            name: "Initech".to_owned(),
            owner: owner.clone(),
            created_at: epoch(),
        };
        self.organizations.create_organization(&new, None, &Effects::none()).await?;
        Ok((id, owner))
    }
}

fn by(user: &UserId) -> Authority {
    let roles = vec![MemberRole::OWNER, MemberRole::ADMIN];
    Authority { user: user.clone(), ranks: roles.clone(), roles }
}

fn robot(organization: Option<OrganizationId>) -> ServiceAccount {
    ServiceAccount {
        id: UserId::from(SystemRandom.uuid_v7(epoch())),
        organization,
        name: "robot".to_owned(),
        created_at: epoch(),
        disabled_at: None,
    }
}
