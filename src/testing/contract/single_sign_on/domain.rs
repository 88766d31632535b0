//! Whose a domain is.

use super::*;
use crate::store::OrganizationFilter;

impl Kit {
    pub(super) async fn a_domain_belongs_to_one_organization(&self) -> Result<(), Violation> {
        const RULE: &str = "a domain belongs to one organization";
        let domain = format!("{}.example", fresh("raced"));
        let mut organizations = Vec::new();
        for _ in 0..CALLERS {
            let owner = self.user("elsewhere.example").await?;
            organizations.push(self.organization(owner.account.id()).await?);
        }
        let outcomes = race(|caller| {
            let (store, id) = (Arc::clone(&self.0.store), organizations.get(caller).copied());
            let domain = domain.clone();
            async move {
                let Some(id) = id else { return Ok(None) };
                let new = domain_of(id, &domain, DOOR);
                let told = store.grant_domain(&new, &Effects::none()).await?;
                Ok((told == DomainGrant::Granted).then_some(id))
            }
        })
        .await?;
        let winners: Vec<_> = outcomes.into_iter().flatten().collect();
        rule(RULE, winners.len() == 1, winners.len())?;
        let Some(winner) = winners.first().copied() else { return Ok(()) };
        let (store, none) = (&self.0.store, Effects::none());
        let found = store.sso_of(&domain).await?;
        rule(RULE, found == Some(domain_of(winner, &domain, DOOR)), &found)?;

        let made = Made { id: winner, domain: domain.clone(), owner: new_user("nobody@x.example") };
        store.change_sso(&mode_of(&made, SsoMode::Offered, None), None, &none).await?;
        let moved = store.grant_domain(&domain_of(winner, &domain, "/new"), &none).await?;
        rule("a domain gets another path", moved == DomainGrant::Granted, moved)?;
        let found = store.sso_domains(winner).await?;
        let kept = found
            .first()
            .is_some_and(|found| found.login_path == "/new" && found.mode == SsoMode::Offered);
        rule("a domain that is granted again keeps its mode", kept && found.len() == 1, found)?;

        for (prefix, listed) in [(domain.as_str(), true), (".example", false)] {
            let filter = OrganizationFilter { prefix: prefix.to_owned(), before: None };
            let found = self.0.organizations.list_organizations(&filter, 100).await?;
            let by_domain = found.iter().any(|one| one.id == winner);
            rule("an organization is found by its domain", by_domain == listed, prefix)?;
        }

        let nowhere = OrganizationId(SystemRandom.uuid_v7(epoch()));
        let lost = domain_of(nowhere, "nowhere.example", DOOR);
        let lost = store.grant_domain(&lost, &none).await?;
        rule(RULE, lost == DomainGrant::NoOrganization, lost)?;
        for (id, expected) in [(nowhere, false), (winner, true), (winner, false)] {
            let gone = store.withdraw_domain(id, &domain, &none).await?;
            rule("a domain is taken from its organization once", gone == expected, id)?;
        }
        let left = store.sso_of(&domain).await?;
        rule("a domain is taken from its organization once", left.is_none(), left)
    }

    pub(super) async fn a_domain_goes_with_its_organization(&self) -> Result<(), Violation> {
        const RULE: &str = "what an organization has enforced ends with it";
        let (made, none) = (self.made().await?, Effects::none());
        self.enforce(&made).await?;
        let bob = self.user(&made.domain).await?;
        let session = self.session(&bob, None).await?;
        rule(RULE, !self.opens(&session).await?, "a session")?;
        self.0.organizations.delete_organization(made.id, None, &none, at(1)).await?;
        rule(RULE, self.opens(&session).await?, "no session")?;
        let found = self.0.store.sso_of(&made.domain).await?;
        rule(RULE, found.is_none(), found)?;
        let next = self.organization(bob.account.id()).await?;
        let granted = domain_of(next, &made.domain, DOOR);
        let granted = self.0.store.grant_domain(&granted, &none).await?;
        rule("a domain is free again", granted == DomainGrant::Granted, granted)
    }
}
