//! Owners who come in although single sign-on is enforced, and of whom one stays.

use super::*;
use crate::store::{
    FactorProof, FactorRemoval, MemberChange, NewRole, PasskeyRemoval, PasskeyUse,
    Result as Stored, SignCountPolicy,
};
use crate::testing::contract::open_ways;
use crate::testing::contract::passkey::{new_challenge, new_passkey, proof};

/// What takes it from an owner that they come in all the same.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Name,
    App,
    Role,
    Membership,
}

impl Loss {
    const ALL: [Self; 4] = [Self::Name, Self::App, Self::Role, Self::Membership];

    fn rule(self) -> &'static str {
        match self {
            Self::Name => "the last owner who comes in all the same stays named",
            Self::App => "the last owner who comes in all the same keeps the app",
            Self::Role | Self::Membership => "the last owner who comes in all the same stays one",
        }
    }
}

impl Kit {
    pub(super) async fn an_owner_who_comes_in_all_the_same_stays_one(
        &self,
    ) -> Result<(), Violation> {
        for loss in Loss::ALL {
            let made = self.made().await?;
            // Others are no help: an owner who is not named, and a member who is.
            self.owner(&made, false).await?;
            let member = self.member(&made).await?;
            self.app(&member).await?;
            self.name(&made, &member, true).await?;
            let owner = self.owner(&made, true).await?;
            let lift = async |mode| {
                let new = mode_of(&made, mode, Some(DOOR));
                self.0.store.change_sso(&new, None, &Effects::none()).await
            };
            let lost = async || lose(&self.0, made.id, owner.account.id(), loss).await;
            lift(SsoMode::Enforced).await?;
            rule(loss.rule(), lost().await? == Some(false), loss)?;
            rule(loss.rule(), self.rescuers(made.id).await? == 1, loss)?;
            self.owner(&made, true).await?;
            rule("what is not needed goes", lost().await? == Some(true), loss)?;
        }
        let made = self.made().await?;
        let owner = self.owner(&made, true).await?;
        self.enforce(&made).await?;
        let id = owner.account.id();
        let code = Some(FactorProof::Totp(9000));
        let refused = self.0.factors.remove_totp(id, code, &Effects::none()).await?;
        rule(Loss::App.rule(), refused == FactorRemoval::LastToComeIn, refused)?;
        let lift = mode_of(&made, SsoMode::Off, None);
        self.0.store.change_sso(&lift, None, &Effects::none()).await?;
        let lost = lose(&self.0, made.id, id, Loss::Name).await?;
        rule("what is not needed goes", lost == Some(true), lost)?;
        self.the_last_passkey_stays().await
    }

    async fn the_last_passkey_stays(&self) -> Result<(), Violation> {
        const RULE: &str = "the last owner who comes in all the same keeps a passkey";
        let (made, none) = (self.made().await?, Effects::none());
        let owner = made.owner.account.id();
        let (first, second) = (new_passkey(owner), new_passkey(owner));
        for passkey in [&first, &second] {
            self.0.passkeys.add_passkey(passkey, new_challenge(), None, &none).await?;
        }
        self.name(&made, &made.owner, true).await?;
        self.enforce(&made).await?;
        let open = open_ways();
        let remove =
            async |id| self.0.passkeys.remove_passkey(owner, id, &open, &none, &none).await;
        let removed = remove(first.id).await?;
        let is_gone = matches!(removed, PasskeyRemoval::Removed { last_factor: false, .. });
        rule("what is not needed goes", is_gone, removed)?;
        let kept = remove(second.id).await?;
        rule(RULE, kept == PasskeyRemoval::LastToComeIn, kept)?;
        let left = self.0.passkeys.passkeys_of(owner).await?;
        rule(RULE, left.len() == 1, &left)?;
        // With an app beside it either goes, and not the other.
        self.app(&made.owner).await?;
        let removed = remove(second.id).await?;
        let is_gone = matches!(removed, PasskeyRemoval::Removed { .. });
        rule("what is not needed goes", is_gone, removed)?;
        self.a_suspended_passkey_is_no_factor().await
    }

    /// It stays with the last owner, whose codes go with it; and no other owner goes for its sake.
    async fn a_suspended_passkey_is_no_factor(&self) -> Result<(), Violation> {
        const RULE: &str =
            "an owner whose passkey is suspended keeps it, and makes nobody else needless";
        let (made, none) = (self.made().await?, Effects::none());
        let (owner, open) = (made.owner.account.id(), open_ways());
        let (copied, good) = (new_passkey(owner), new_passkey(owner));
        self.0.passkeys.add_passkey(&copied, new_challenge(), None, &none).await?;
        self.name(&made, &made.owner, true).await?;
        let other = self.owner(&made, true).await?;
        self.enforce(&made).await?;
        for expected in [PasskeyUse::Done, PasskeyUse::Suspected] {
            let (proof, policy) = (proof(&copied), SignCountPolicy::Revoke);
            let used = self.0.passkeys.use_passkey(&proof, policy, &none, &none).await?;
            rule("a copy is suspected", used == expected, used)?;
        }
        for loss in [Loss::Name, Loss::App, Loss::Role, Loss::Membership] {
            let lost = lose(&self.0, made.id, other.account.id(), loss).await?;
            rule(RULE, lost == Some(false), (loss, lost))?;
        }
        // Of the two of them the other one is kept out, which nothing prevents.
        let kept_out = other.account.id();
        self.0.standings.disable_account(kept_out, &none, at(2)).await?;
        let remove =
            async |id| self.0.passkeys.remove_passkey(owner, id, &open, &none, &none).await;
        let kept = remove(copied.id).await?;
        rule(RULE, kept == PasskeyRemoval::LastToComeIn, kept)?;
        self.0.passkeys.add_passkey(&good, new_challenge(), None, &none).await?;
        let kept = remove(good.id).await?;
        rule(RULE, kept == PasskeyRemoval::LastToComeIn, kept)?;
        let removed = remove(copied.id).await?;
        let is_gone = matches!(removed, PasskeyRemoval::Removed { last_factor: false, .. });
        rule("what is not needed goes", is_gone, removed)
    }

    pub(super) async fn of_such_owners_one_stays(&self) -> Result<(), Violation> {
        const RULE: &str = "of the owners who come in all the same one stays, whoever is first";
        for losses in [&[Loss::Name][..], &[Loss::App], &Loss::ALL] {
            let made = self.made().await?;
            let mut owners = Vec::new();
            for _ in 0..4 {
                owners.push(self.owner(&made, true).await?.account.id().clone());
            }
            self.enforce(&made).await?;
            let outcomes = race(|caller| {
                let (parts, id) = (self.0.clone(), made.id);
                let owner = owners.get(caller % owners.len()).cloned();
                let loss = losses.get(caller / owners.len() % losses.len()).copied();
                async move {
                    let Some((owner, loss)) = owner.zip(loss) else { return Ok(None) };
                    lose(&parts, id, &owner, loss).await
                }
            })
            .await?;
            rule(RULE, outcomes.contains(&Some(false)), (losses, &outcomes))?;
            let left = self.rescuers(made.id).await?;
            rule(RULE, left >= 1, (losses, left, outcomes))?;
        }
        Ok(())
    }

    /// Another owner, who has an app, and may be named.
    async fn owner(&self, made: &Made, named: bool) -> Result<NewUser, Violation> {
        let (owner, none) = (self.user(&made.domain).await?, Effects::none());
        let (id, role) = (owner.account.id(), MemberRole::OWNER);
        self.0.organizations.add_member(made.id, id, &role, &none, epoch()).await?;
        self.app(&owner).await?;
        if named {
            let told = self.name(made, &owner, true).await?;
            rule("a member is named", told == BreakGlassChange::Done, told)?;
        }
        Ok(owner)
    }

    async fn app(&self, user: &NewUser) -> Result<(), Violation> {
        let totp = new_totp(user.account.id());
        self.0.factors.enroll_totp(&totp, None, &Effects::none()).await?;
        Ok(())
    }

    /// How many owners come in all the same.
    async fn rescuers(&self, organization: OrganizationId) -> Result<usize, Violation> {
        let mut rescuers = 0;
        for named in self.0.store.break_glass_of(organization).await? {
            let id = named.id();
            let membership = self.0.organizations.membership(organization, id).await?;
            let owns = membership.is_some_and(|membership| membership.role == MemberRole::OWNER);
            let app = self.0.factors.find_second_factor(id).await?;
            rescuers += usize::from(owns && app.is_some_and(|app| app.has_app()));
        }
        Ok(rescuers)
    }
}

/// Whether it was taken from them; `None` if there was nothing to take.
async fn lose(
    parts: &SsoParts,
    organization: OrganizationId,
    owner: &UserId,
    loss: Loss,
) -> Stored<Option<bool>> {
    let none = Effects::none();
    let of_member = |told| match told {
        MemberChange::Done => Some(true),
        MemberChange::LastToComeIn => Some(false),
        MemberChange::NotAMember | MemberChange::LastOwner | MemberChange::NotAllowed => None,
    };
    Ok(match loss {
        Loss::Name => {
            let whom = (organization, owner);
            match parts.store.name_break_glass(whom, false, None, &none, at(1)).await? {
                BreakGlassChange::Done => Some(true),
                BreakGlassChange::LastToComeIn => Some(false),
                _ => None,
            }
        }
        Loss::App => match parts.factors.remove_totp(owner, None, &none).await? {
            FactorRemoval::Removed { .. } => Some(true),
            FactorRemoval::LastToComeIn => Some(false),
            FactorRemoval::Refused => None,
        },
        Loss::Role => {
            let role = NewRole { role: MemberRole::MEMBER, gives: Vec::new() };
            of_member(
                parts.organizations.change_role(organization, owner, &role, None, &none).await?,
            )
        }
        Loss::Membership => {
            let told = parts.organizations.remove_member(organization, owner, None, &none, at(1));
            of_member(told.await?)
        }
    })
}
