//! Invitations.

use super::*;
use crate::crypto::KeyedHash;
use crate::scope::Account;
use crate::store::{
    Acceptance, FollowedInvitation, InvitationId, InvitationLimits, Invited, NewInvitation,
    NewUser, RateLimit,
};

const HOUR: i64 = 3600;

impl Kit {
    pub(super) async fn an_invitation_is_followed_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an invitation is followed once";
        let made = self.made().await?;
        let (guest, sent) = self.invited(&made).await?;
        let (name, along) = self.along();
        let id = guest.account.id().clone();
        let outcomes = race(|_| {
            let store = Arc::clone(&self.0.invitations);
            let (id, sent, mut along) = (id.clone(), sent.clone(), along.clone());
            along.audit.iter_mut().for_each(|e| e.id = SystemRandom.uuid_v7(epoch()));
            async move { store.accept_invitation(&sent, &id, &along, at(1)).await }
        })
        .await?;
        let joined = outcomes.iter().filter(|o| **o == Acceptance::Joined).count();
        let late = outcomes.iter().filter(|o| **o == Acceptance::Invalid).count();
        rule(RULE, joined == 1 && late == CALLERS - 1, &outcomes)?;
        let member = self.0.store.membership(made.id, &id).await?;
        let role = member.map(|member| member.role);
        rule(
            "whoever follows an invitation is what it says",
            role == Some(MemberRole::ADMIN),
            role,
        )?;
        let written = self.wrote(&name, Some(&id)).await?;
        rule("what goes along is written once", written == 1, written)?;
        let left = self.0.invitations.invitations_to(made.id, at(1)).await?;
        rule(RULE, left.is_empty(), left.len())?;
        // Whoever is a member already stays what they are.
        let (guest, sent) = self.invited(&made).await?;
        let id = guest.account.id();
        self.add(&made, id, MemberRole::OWNER).await?;
        let none = Effects::none();
        let again = self.0.invitations.accept_invitation(&sent, id, &none, at(1)).await?;
        rule(RULE, again == Acceptance::AlreadyMember, again)?;
        let role = self.0.store.membership(made.id, id).await?.map(|member| member.role);
        rule("an invitation takes no role away", role == Some(MemberRole::OWNER), role)
    }

    pub(super) async fn an_invitation_takes_the_place_of_the_older(&self) -> Result<(), Violation> {
        const RULE: &str = "there is one invitation for an organization and an address";
        let made = self.made().await?;
        let (guest, older) = self.invited(&made).await?;
        let email = guest.account.email().unwrap_or_default().to_owned();
        let outcomes = race(|_| {
            let (store, new) = (Arc::clone(&self.0.invitations), invitation(&made, &email));
            async move { store.invite(&new, None, None, &Effects::none()).await }
        })
        .await?;
        let sent = outcomes.iter().filter(|o| **o == Invited::Sent).count();
        rule(RULE, sent == CALLERS, &outcomes)?;
        let all = self.0.invitations.invitations_to(made.id, at(1)).await?;
        rule(RULE, all.len() == 1, all.len())?;
        let none = Effects::none();
        let (store, id) = (&self.0.invitations, guest.account.id());
        let void = store.accept_invitation(&older, id, &none, at(1)).await?;
        rule(RULE, void == Acceptance::Invalid, void)?;
        self.add(&made, guest.account.id(), MemberRole::MEMBER).await?;
        let member = self.send(&invitation(&made, &email), None).await?;
        rule("a member is not invited", member == Invited::AlreadyMember, member)
    }

    pub(super) async fn invitations_are_limited_exactly(&self) -> Result<(), Violation> {
        const RULE: &str = "invitations are limited exactly, by inviter and by organization";
        let window = time::Duration::DAY;
        let limits = InvitationLimits {
            inviter: RateLimit { times: 3, window },
            organization: RateLimit { times: 7, window },
        };
        let made = self.made().await?;
        let inviters: Vec<_> = (0..4).map(|_| user(&fresh("inviter"))).collect();
        let outcomes = race(|caller| {
            let store = Arc::clone(&self.0.invitations);
            let inviter = inviters.get(caller % 4).cloned();
            let new = NewInvitation { inviter, ..invitation(&made, &email()) };
            async move { store.invite(&new, Some(limits), None, &Effects::none()).await }
        })
        .await?;
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        // Four inviters may send three each, of which the organization admits seven.
        let seen = (
            count(Invited::Sent),
            count(Invited::OrganizationLimited),
            count(Invited::InviterLimited),
        );
        rule(RULE, seen == (7, 5, CALLERS - 12), &outcomes)?;
        let all = self.0.invitations.invitations_to(made.id, at(1)).await?;
        rule(RULE, all.len() == 7, all.len())?;
        let inviter = inviters.first().cloned();
        let created_at = epoch() + window;
        let later = NewInvitation { inviter, created_at, ..invitation(&made, &email()) };
        let later = self.send(&later, Some(limits)).await?;
        rule("a limit ends with its window", later == Invited::Sent, later)
    }

    pub(super) async fn an_invitation_is_for_its_address_and_secret(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "an invitation is for its address and its secret, until it is over";
        let made = self.made().await?;
        let (guest, sent) = self.invited(&made).await?;
        let store = &self.0.invitations;
        let wrong = KeyedHash::from_bytes(SystemRandom.bytes());
        let wrong = FollowedInvitation { secret: wrong, ..sent.clone() };
        let (id, secret) = (sent.id, sent.secret);
        let (stranger, unverified) = (new_user(&email()), new_user(&email()));
        let mine = Account::new(stranger.account.id().clone());
        let stranger = NewUser { account: mine.with_email(email(), true), ..stranger };
        for user in [&stranger, &unverified] {
            self.0.users.create_user(user, &Effects::none()).await?;
        }
        let (guest, strange) = (guest.account.id(), stranger.account.id());
        for (sent, who, when) in [
            (&wrong, guest, at(1)),
            (&sent, strange, at(1)),
            (&sent, guest, at(HOUR)),
            (&sent, guest, at(2 * HOUR)),
        ] {
            let refused = store.accept_invitation(sent, who, &Effects::none(), when).await?;
            rule(RULE, refused == Acceptance::Invalid, (who, when, refused))?;
        }
        let found = store.find_invitation(id, at(HOUR - 1)).await?;
        let whole = found.as_ref().is_some_and(|found| {
            found.secret == secret
                && found.organization.id == made.id
                && found.role == MemberRole::ADMIN
                && found.inviter.as_ref() == Some(&made.owner)
                && found.expires_at == at(HOUR)
        });
        rule("an invitation is found as it was written", whole, &found)?;
        let over = store.find_invitation(id, at(HOUR)).await?;
        rule(RULE, over.is_none(), over)?;
        // An address that nobody confirmed is nobody's.
        let address = unverified.account.email().unwrap_or_default();
        let new = invitation(&made, address);
        self.send(&new, None).await?;
        let (who, none) = (unverified.account.id(), Effects::none());
        let refused = store.accept_invitation(&followed(&new), who, &none, at(1)).await?;
        rule("an unconfirmed address accepts nothing", refused == Acceptance::Invalid, refused)
    }

    pub(super) async fn an_invitation_makes_a_user_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an invitation makes one user, who is a member";
        let (made, address) = (self.made().await?, email());
        let new = invitation(&made, &address);
        self.send(&new, None).await?;
        let users: Vec<_> = (0..CALLERS).map(|_| confirmed(&address)).collect();
        let outcomes = race(|caller| {
            let (store, user) = (Arc::clone(&self.0.invitations), users.get(caller).cloned());
            let sent = followed(&new);
            async move {
                let Some(user) = user else { return Ok(None) };
                let told = store.register_invited(&sent, &user, &Effects::none()).await?;
                Ok((told == Acceptance::Joined).then(|| user.account.id().clone()))
            }
        })
        .await?;
        let winners: Vec<_> = outcomes.into_iter().flatten().collect();
        rule(RULE, winners.len() == 1, &winners)?;
        let found = self.0.users.find_account_by_email(&address).await?;
        let found = found.map(|account| account.id().clone());
        rule(RULE, found.as_ref() == winners.first(), &found)?;
        if let Some(id) = &found {
            let member = self.0.store.membership(made.id, id).await?;
            rule(RULE, member.is_some_and(|m| m.role == MemberRole::ADMIN), id)?;
        }
        // Who has an account logs in instead, and the invitation waits.
        let (guest, sent) = self.invited(&made).await?;
        let twin = confirmed(guest.account.email().unwrap_or_default());
        let store = &self.0.invitations;
        let none = Effects::none();
        let taken = store.register_invited(&sent, &twin, &none).await?;
        rule(RULE, taken == Acceptance::EmailTaken, taken)?;
        let other = confirmed(&email());
        let refused = store.register_invited(&sent, &other, &none).await?;
        rule("an invitation makes no other user", refused == Acceptance::Invalid, refused)?;
        let made = self.0.users.find_account(other.account.id()).await?;
        rule("an invitation makes no other user", made.is_none(), made)?;
        let waits = store.find_invitation(sent.id, at(1)).await?;
        rule(RULE, waits.is_some(), waits)
    }

    pub(super) async fn the_sweeper_removes_invitations_that_are_over(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "the sweeper removes invitations that are over and nothing else";
        let made = self.made().await?;
        let (_, FollowedInvitation { id, .. }) = self.invited(&made).await?;
        let store = &self.0.invitations;
        while store.sweep_invitations(at(HOUR - 1), 2).await? > 0 {}
        let found = store.find_invitation(id, at(1)).await?;
        rule(RULE, found.is_some(), &found)?;
        while store.sweep_invitations(at(HOUR), 2).await? > 0 {}
        let found = store.find_invitation(id, at(1)).await?;
        rule(RULE, found.is_none(), found)
    }

    /// A user with a confirmed address, and an invitation for it, until an hour is over.
    pub(super) async fn invited(
        &self,
        made: &Made,
    ) -> Result<(NewUser, FollowedInvitation), Violation> {
        let guest = confirmed(&email());
        self.0.users.create_user(&guest, &Effects::none()).await?;
        let new = invitation(made, guest.account.email().unwrap_or_default());
        let sent = self.send(&new, None).await?;
        rule("an invitation is sent", sent == Invited::Sent, sent)?;
        Ok((guest, followed(&new)))
    }

    pub(super) async fn send(
        &self,
        new: &NewInvitation,
        limits: Option<InvitationLimits>,
    ) -> Result<Invited, Violation> {
        Ok(self.0.invitations.invite(new, limits, None, &Effects::none()).await?)
    }
}

/// The invitation, followed by its link, in an application where owners and admins give its role.
pub(super) fn followed(new: &NewInvitation) -> FollowedInvitation {
    let givers = vec![MemberRole::OWNER, MemberRole::ADMIN];
    FollowedInvitation { id: new.id, secret: new.secret, givers }
}

pub(super) fn invitation(to: &Made, email: &str) -> NewInvitation {
    NewInvitation {
        id: InvitationId(SystemRandom.uuid_v7(epoch())),
        organization: to.id,
        email: email.to_owned(),
        role: MemberRole::ADMIN,
        secret: KeyedHash::from_bytes(SystemRandom.bytes()),
        inviter: Some(to.owner.clone()),
        created_at: epoch(),
        expires_at: at(HOUR),
    }
}

pub(super) fn email() -> String {
    format!("{}@example.test", fresh("guest"))
}

pub(super) fn confirmed(email: &str) -> NewUser {
    let user = new_user(email);
    let account = Account::new(user.account.id().clone()).with_email(email, true);
    NewUser { account, ..user }
}
