//! Who comes in all the same, and who may say so.

use super::enforced::known;
use super::*;
use crate::scope::BREAK_GLASS;

impl Kit {
    pub(super) async fn nobody_locks_everybody_out(&self) -> Result<(), Violation> {
        const RULE: &str = "to enforce single sign-on takes somebody who comes in afterwards";
        let (made, none) = (self.made().await?, Effects::none());
        let member = self.member(&made).await?;
        self.0.factors.enroll_totp(&new_totp(member.account.id()), None, &none).await?;
        let named = self.name(&made, &member, true).await?;
        rule("a member is named", named == BreakGlassChange::Done, named)?;
        let enforce = async |came_by: Option<&str>| {
            let new = mode_of(&made, SsoMode::Enforced, came_by);
            self.0.store.change_sso(&new, None, &none).await
        };
        // A member who cannot lift it again is not enough, nor another provider.
        for came_by in [None, Some("/saml/other/login"), Some(BREAK_GLASS)] {
            let told = enforce(came_by).await?;
            rule(RULE, told == SsoChange::LocksOut, (came_by, told))?;
            let found = self.0.store.sso_of(&made.domain).await?.map(|found| found.mode);
            rule(RULE, found == Some(SsoMode::Off), found)?;
        }
        let told = enforce(Some(DOOR)).await?;
        rule(RULE, told == SsoChange::Done, told)?;
        let lift = mode_of(&made, SsoMode::Off, None);
        self.0.store.change_sso(&lift, None, &none).await?;

        self.0.factors.enroll_totp(&new_totp(made.owner.account.id()), None, &none).await?;
        self.name(&made, &made.owner, true).await?;
        let told = enforce(None).await?;
        rule(RULE, told == SsoChange::Done, told)?;
        self.0.store.change_sso(&lift, None, &none).await?;
        // Who is kept out does not come in.
        self.0.standings.disable_account(made.owner.account.id(), &none, at(1)).await?;
        let told = enforce(None).await?;
        rule(RULE, told == SsoChange::LocksOut, told)?;
        let mut elsewhere = mode_of(&made, SsoMode::Enforced, Some(DOOR));
        elsewhere.domain = "none.example".to_owned();
        let told = self.0.store.change_sso(&elsewhere, None, &none).await?;
        rule("an organization changes its own domains only", told == SsoChange::NoDomain, told)
    }

    pub(super) async fn who_is_named_comes_in_with_both_factors(&self) -> Result<(), Violation> {
        const RULE: &str = "a member comes in all the same while they are named, and nobody else";
        let (made, none) = (self.made().await?, Effects::none());
        let (member, stranger) = (self.member(&made).await?, self.user(&made.domain).await?);
        let unfit = self.name(&made, &member, true).await?;
        rule("naming takes both factors", unfit == BreakGlassChange::Unfit, unfit)?;
        let guest = new_user(&format!("{}@{}", fresh("u"), made.domain));
        self.0.users.create_user(&guest, &none).await?;
        let (id, role) = (guest.account.id(), MemberRole::MEMBER);
        self.0.organizations.add_member(made.id, id, &role, &none, epoch()).await?;
        self.0.factors.enroll_totp(&new_totp(id), None, &none).await?;
        let unfit = self.name(&made, &guest, true).await?;
        rule("naming takes a confirmed address", unfit == BreakGlassChange::Unfit, unfit)?;
        let lost = self.name(&made, &stranger, true).await?;
        rule(RULE, lost == BreakGlassChange::NotAMember, lost)?;
        let id = member.account.id();
        self.0.factors.enroll_totp(&new_totp(id), None, &none).await?;
        self.enforce(&made).await?;
        for named in [true, false, true] {
            let told = self.name(&made, &member, named).await?;
            rule("a member is named", told == BreakGlassChange::Done, told)?;
            let standing = self.0.standings.standing(id).await?.unwrap_or_default();
            rule(RULE, standing.sso == Some(known(&made, named)), &standing)?;
            for (user, by, expected) in [
                (&member, Some(BREAK_GLASS), named),
                (&member, None, false),
                (&stranger, Some(BREAK_GLASS), false),
            ] {
                let session = self.session(user, by).await?;
                rule(RULE, self.opens(&session).await? == expected, (named, by))?;
            }
            let listed = self.0.store.break_glass_of(made.id).await?;
            let is_listed = listed.iter().any(|account| account.id() == id);
            rule(RULE, is_listed == named && listed.len() == usize::from(named), listed)?;
        }
        let session = self.session(&member, Some(BREAK_GLASS)).await?;
        self.0.organizations.remove_member(made.id, id, None, &none, at(1)).await?;
        rule(RULE, !self.opens(&session).await?, "a removed member")?;
        let owners = self.0.store.owners_of(made.id).await?;
        let told = owners.first() == Some(&made.owner.account) && owners.len() == 1;
        rule("the owners are told apart", told, owners)
    }

    pub(super) async fn only_who_may_changes_single_sign_on(&self) -> Result<(), Violation> {
        const RULE: &str = "single sign-on is changed by those who may, at that very moment";
        let (made, none) = (self.made().await?, Effects::none());
        let member = self.member(&made).await?;
        let owner = made.owner.account.id();
        self.0.factors.enroll_totp(&new_totp(owner), None, &none).await?;
        let by = |user: &UserId| {
            let roles = vec![MemberRole::OWNER];
            Authority { user: user.clone(), ranks: roles.clone(), roles }
        };
        let stranger = self.user("elsewhere.example").await?;
        for (who, may) in
            [(member.account.id(), false), (stranger.account.id(), false), (owner, true)]
        {
            let by = by(who);
            let named = (made.id, owner);
            let told = self.0.store.name_break_glass(named, true, Some(&by), &none, at(1)).await?;
            let expected = if may { BreakGlassChange::Done } else { BreakGlassChange::Refused };
            rule(RULE, told == expected, (may, told))?;
            let new = mode_of(&made, SsoMode::Enforced, Some(DOOR));
            let told = self.0.store.change_sso(&new, Some(&by), &none).await?;
            let expected = if may { SsoChange::Done } else { SsoChange::Refused };
            rule(RULE, told == expected, (may, told))?;
        }
        Ok(())
    }

    /// A member with an address in the organization's domain.
    pub(super) async fn member(&self, made: &Made) -> Result<NewUser, Violation> {
        let (member, none) = (self.user(&made.domain).await?, Effects::none());
        let (id, role) = (member.account.id(), MemberRole::MEMBER);
        self.0.organizations.add_member(made.id, id, &role, &none, epoch()).await?;
        Ok(member)
    }

    pub(super) async fn name(
        &self,
        made: &Made,
        user: &NewUser,
        named: bool,
    ) -> Result<BreakGlassChange, Violation> {
        let whom = (made.id, user.account.id());
        Ok(self.0.store.name_break_glass(whom, named, None, &Effects::none(), at(1)).await?)
    }
}
