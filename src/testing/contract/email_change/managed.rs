//! Addresses in domains for which single sign-on is enforced.

use super::*;
use crate::scope::{OrganizationId, SessionEnd};
use crate::store::{NewOrganization, NewSsoMode, SsoDomain, SsoMode};

const DOOR: &str = "/saml/acme/login";

impl Kit {
    pub(super) async fn only_the_host_changes_a_managed_address(&self) -> Result<(), Violation> {
        const RULE: &str = "only the host changes an address of an enforced domain";
        const CLOSED: &str = "who comes into an enforced domain brings nothing along";
        let domain = format!("d{}.example", SystemRandom.uuid_v7(epoch()).simple());
        let inside = || format!("{}@{domain}", SystemRandom.uuid_v7(epoch()).simple());
        let into = self.ask(&inside()).await?;
        let out = self.ask(&fresh_email()).await?;
        let other = self.ask(&fresh_email()).await?;
        // Who leaves is in there already.
        let word = EmailProof::Host(inside());
        let moved = EmailChange { proof: word, ..out.change() };
        self.store.change_email(&moved, &Effects::none(), &Effects::none()).await?;
        let out = self.ask_as((&out.old, &out.id), &fresh_email()).await?;
        self.enforce(&domain, &out.id).await?;
        for asked in [&into, &out] {
            let none = Effects::none();
            let told = self.store.change_email(&asked.change(), &none, &none).await?;
            rule(RULE, told == EmailChanged::Managed, told)?;
            let found = self.parts.users.find_account_by_email(&asked.new).await?;
            rule(RULE, found.is_none(), found)?;
        }
        let none = Effects::none();
        let told = self.store.change_email(&other.change(), &none, &none).await?;
        rule("an address elsewhere is changed", told == changed_at(1), told)?;
        for (id, to) in [(&into.id, inside()), (&out.id, fresh_email())] {
            let proof = EmailProof::Host(to.clone());
            let change = EmailChange { user: id.clone(), proof, keep: None, at: at(2) };
            let told = self.store.change_email(&change, &none, &none).await?;
            rule(RULE, matches!(told, EmailChanged::Done { .. }), (to, told))?;
        }
        let (mut told, mut after) = (Vec::new(), 0);
        loop {
            let page = self.parts.sessions.session_events(after, 500).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            told.extend(page.into_iter().filter(|event| event.end == SessionEnd::SingleSignOn));
        }
        for (id, expected) in [(&into.id, 1), (&other.id, 0)] {
            let theirs = told.iter().filter(|event| event.user_id == *id);
            let spares = theirs.filter(|event| event.spares.as_deref() == Some(DOOR)).count();
            rule(CLOSED, spares == expected, (expected, &told))?;
        }
        Ok(())
    }

    async fn enforce(&self, domain: &str, owner: &UserId) -> Result<(), Violation> {
        let id = OrganizationId(SystemRandom.uuid_v7(epoch()));
        let slug = format!("org{}", id.0.simple());
        let (name, owner, created_at) = (slug.clone(), owner.clone(), epoch());
        let new = NewOrganization { id, slug, name, owner, created_at };
        let none = Effects::none();
        self.parts.organizations.create_organization(&new, None, &none).await?;
        let new = SsoDomain {
            domain: domain.to_owned(),
            organization: id,
            login_path: DOOR.to_owned(),
            mode: SsoMode::Off,
            created_at,
        };
        self.parts.single_sign_on.grant_domain(&new, &none).await?;
        let (domain, came_by) = (domain.to_owned(), Some(DOOR.to_owned()));
        let mode = SsoMode::Enforced;
        let new = NewSsoMode { organization: id, domain, mode, came_by, at: epoch() };
        self.parts.single_sign_on.change_sso(&new, None, &none).await?;
        Ok(())
    }
}
