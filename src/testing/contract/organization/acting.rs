//! In which organization a session acts.

use super::super::session::new_session;
use super::*;
use crate::crypto::{KeyedHash, Sealed, TokenHash};
use crate::scope::{Membership, SessionEnd};
use crate::store::{NewSession, NewTotp, StoredSession};

impl Kit {
    pub(super) async fn a_session_acts_where_its_user_is_a_member(&self) -> Result<(), Violation> {
        const RULE: &str = "a session acts where its user is a member, and nowhere else";
        let (made, other) = (self.made().await?, self.made().await?);
        let session = self.session(&made.owner, None).await?;
        let foreign = self.act(&session.token, other.id).await?;
        rule(RULE, foreign.is_none(), &foreign)?;
        let visitor = new_session(None);
        self.0.sessions.create_session(&visitor).await?;
        let nobody = self.act(&visitor.token, made.id).await?;
        rule("a visitor acts in no organization", nobody.is_none(), nobody)?;

        let outcomes = race(|_| {
            let (sessions, current) = (Arc::clone(&self.0.sessions), session.token);
            let (next, id) = (SystemRandom.token().hash(), made.id);
            async move {
                let acting = sessions.act_in(&current, &next, id, &Effects::none(), at(1)).await?;
                Ok(acting.map(|membership| (next, membership)))
            }
        })
        .await?;
        let winners: Vec<_> = outcomes.into_iter().flatten().collect();
        rule("one switch gets the new token", winners.len() == 1, winners.len())?;
        let Some((token, told)) = winners.first() else { return Ok(()) };
        let old = self.0.sessions.load_session(&session.token, at(1)).await?;
        rule("the old token opens nothing", old.is_none(), old)?;
        let loaded = self.load(token).await?;
        rule(RULE, loaded.membership.as_ref() == Some(told), &loaded)?;
        rule(RULE, told.organization == made.id && told.role == MemberRole::OWNER, told)?;

        let none = Effects::none();
        let role = becomes(MemberRole::ADMIN);
        self.add(&made, &user(&fresh("heir")), MemberRole::OWNER).await?;
        self.0.store.change_role(made.id, &made.owner, &role, None, &none).await?;
        let seen = self.load(token).await?.membership.map(|present| present.role);
        rule("a changed role is seen at once", seen == Some(MemberRole::ADMIN), seen)?;
        self.0.store.remove_member(made.id, &made.owner, None, &none, epoch()).await?;
        let gone = self.load(token).await?;
        let stale = gone.membership.is_none() && gone.stale_organization() == Some(made.id);
        rule("a removed member is seen at once", stale, &gone)?;
        let back = self.act(token, made.id).await?;
        rule(RULE, back.is_none(), back)?;
        let over = self.session(&other.owner, None).await?;
        let late = TokenHash::of(b"late");
        let acting =
            self.0.sessions.act_in(&over.token, &late, other.id, &none, at(9_999_999)).await?;
        rule("a session that is over acts nowhere", acting.is_none(), acting)?;

        // Who acts in an organization that is deleted acts in none.
        let (token, _) = self.acting(&other.owner, other.id).await?;
        self.0.store.delete_organization(other.id, None, &none, at(1)).await?;
        let left = self.load(&token).await?.login.map(|login| login.organization);
        rule("no session acts in a deleted organization", left == Some(None), left)
    }

    pub(super) async fn what_goes_along_with_a_session_is_written_with_it(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "what goes along with a session is written if the session is";
        let mut one = new_session(Some(&fresh("ann")));
        let mut next = new_session(Some(&fresh("ben")));
        let (name, along) = self.along();
        one.along = along;
        self.0.sessions.create_session(&one).await?;
        rule(
            RULE,
            self.wrote(&name, one.login.as_ref().map(|l| l.account.id())).await? == 1,
            "a login",
        )?;
        for expected in [1, 0] {
            let (name, along) = self.along();
            next.along = along;
            let end = SessionEnd::Replaced;
            self.0.sessions.rotate_session(&one.token, &next, end, at(1)).await?;
            let user = next.login.as_ref().map(|login| login.account.id());
            rule(RULE, self.wrote(&name, user).await? == expected, "a rotation")?;
        }
        Ok(())
    }

    pub(super) async fn a_session_begins_in_the_only_organization(&self) -> Result<(), Violation> {
        const RULE: &str = "a session begins in the only organization, if there is only one";
        let made = self.made().await?;
        let acts_in = |stored: &StoredSession| stored.login.as_ref().and_then(|l| l.organization);
        let only = self.session(&made.owner, None).await?;
        let begun = self.load(&only.token).await?;
        rule(RULE, acts_in(&begun) == Some(made.id) && begun.membership.is_some(), &begun)?;
        let visitor = new_session(None);
        self.0.sessions.create_session(&visitor).await?;
        let next = without(new_session(Some(made.owner.as_str())), None);
        let next = NewSession { data_id: visitor.data_id, ..next };
        let end = crate::scope::SessionEnd::Replaced;
        self.0.sessions.rotate_session(&visitor.token, &next, end, at(1)).await?;
        let rotated = self.load(&next.token).await?;
        rule(RULE, acts_in(&rotated) == Some(made.id), &rotated)?;
        let second = self.made().await?;
        self.add(&second, &made.owner, MemberRole::MEMBER).await?;
        let many = self.session(&made.owner, None).await?;
        let begun = self.load(&many.token).await?;
        rule(RULE, acts_in(&begun).is_none(), &begun)?;
        let chosen = self.session(&made.owner, Some(second.id)).await?;
        let begun = self.load(&chosen.token).await?;
        rule(RULE, acts_in(&begun) == Some(second.id), &begun)
    }

    pub(super) async fn a_stale_organization_is_reselected_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a stale organization becomes the only one that is left, or none";
        let none = Effects::none();
        for left in 0..3 {
            let (made, who) = (self.made().await?, user(&fresh("moved")));
            self.add(&made, &who, MemberRole::MEMBER).await?;
            let mut others = Vec::new();
            for _ in 0..left {
                let other = self.made().await?;
                self.add(&other, &who, MemberRole::MEMBER).await?;
                others.push(other.id);
            }
            let (token, id) = self.acting(&who, made.id).await?;
            let kept = self.0.sessions.reselect_organization(id, made.id, &none).await?;
            let same = kept.as_ref().map(|kept| kept.organization) == Some(made.id);
            rule("a member is not moved", same, kept)?;
            self.0.store.remove_member(made.id, &who, None, &none, epoch()).await?;
            let (name, along) = self.along();
            race(|_| {
                let (sessions, along) = (Arc::clone(&self.0.sessions), along.clone());
                let (stale, mut along) = (made.id, along);
                along.audit.iter_mut().for_each(|e| e.id = SystemRandom.uuid_v7(epoch()));
                async move { sessions.reselect_organization(id, stale, &along).await }
            })
            .await?;
            let written = self.wrote(&name, Some(&who)).await?;
            rule("a reselection is noted once", written == 1, written)?;
            let loaded = self.load(&token).await?;
            let only = others.first().copied().filter(|_| left == 1);
            let now = loaded.login.as_ref().and_then(|login| login.organization);
            let acts = loaded.membership.as_ref().map(|present| present.organization);
            rule(RULE, now == only && acts == only, (left, &loaded))?;
        }
        Ok(())
    }

    pub(super) async fn a_missing_second_factor_is_told(&self) -> Result<(), Violation> {
        const RULE: &str = "a second factor is missing if the organization asks and there is none";
        let (owner, none) = (new_user(&format!("{}@example.test", fresh("mfa"))), Effects::none());
        self.0.users.create_user(&owner, &none).await?;
        let id = owner.account.id();
        let new = new_organization(&fresh("mfa"), id);
        self.0.store.create_organization(&new, None, &none).await?;
        let session = self.session(id, Some(new.id)).await?;
        for (requires, enrols, lacks) in
            [(false, false, false), (true, false, true), (true, true, false), (false, true, false)]
        {
            self.0.store.require_second_factor(new.id, requires, None, &none).await?;
            if enrols {
                let totp = NewTotp {
                    user: id.clone(),
                    secret: Sealed::from_bytes(b"sealed".to_vec()),
                    step: 1,
                    backup_codes: vec![KeyedHash::from_bytes(SystemRandom.bytes())],
                    created_at: epoch(),
                };
                self.0.factors.enroll_totp(&totp, None, &none).await?;
            }
            let seen = self.load(&session.token).await?.membership;
            let told = seen.as_ref().map(|seen| seen.lacks_second_factor);
            rule(RULE, told == Some(lacks), (requires, enrols, &seen))?;
            let found = self.0.store.membership(new.id, id).await?;
            rule(RULE, found == seen, found)?;
        }
        Ok(())
    }

    async fn session(
        &self,
        user: &UserId,
        organization: Option<OrganizationId>,
    ) -> Result<NewSession, Violation> {
        let session = without(new_session(Some(user.as_str())), organization);
        self.0.sessions.create_session(&session).await?;
        Ok(session)
    }

    /// A session that acts in an organization.
    async fn acting(
        &self,
        user: &UserId,
        organization: OrganizationId,
    ) -> Result<(TokenHash, crate::scope::SessionId), Violation> {
        let session = self.session(user, Some(organization)).await?;
        Ok((session.token, session.id))
    }

    async fn act(
        &self,
        token: &TokenHash,
        organization: OrganizationId,
    ) -> Result<Option<Membership>, Violation> {
        let (next, none) = (SystemRandom.token().hash(), Effects::none());
        Ok(self.0.sessions.act_in(token, &next, organization, &none, at(1)).await?)
    }

    async fn load(&self, token: &TokenHash) -> Result<StoredSession, Violation> {
        let loaded = self.0.sessions.load_session(token, at(1)).await?;
        loaded.ok_or(Violation { rule: "a session is there", seen: String::new() })
    }
}

/// The session, acting in this organization.
fn without(mut session: NewSession, organization: Option<OrganizationId>) -> NewSession {
    if let Some(login) = &mut session.login {
        login.organization = organization;
    }
    session
}
