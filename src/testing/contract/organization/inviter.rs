//! An invitation is worth no more than whoever sent it.

use super::invitation::{confirmed, email, followed, invitation};
use super::*;
use crate::store::{Acceptance, FollowedInvitation, Invited, NewDeletion, NewInvitation, NewUser};

/// How what an invitation rests on ends.
const ENDS: [&str; 7] =
    ["removal", "role", "lesser role", "revocation", "deletion", "disabled", "leaving"];

impl Kit {
    pub(super) async fn invitations_end_with_what_they_rest_on(&self) -> Result<(), Violation> {
        const RULE: &str = "an invitation ends with what it rests on";
        let (none, store) = (Effects::none(), &self.0.invitations);
        for end in ENDS.into_iter().chain(["nothing"]) {
            let made = self.made().await?;
            let (inviter, guest, new) = self.sent_by_an_owner(&made).await?;
            self.end(end, &made, &inviter, &new).await?;
            let ended = end != "nothing";
            let left = store.find_invitation(new.id, at(2)).await?;
            rule(RULE, left.is_none() == ended, (end, left))?;
            let (id, sent) = (guest.account.id(), owners_give(&new));
            let told = store.accept_invitation(&sent, id, &none, at(2)).await?;
            rule(RULE, (told == Acceptance::Invalid) == ended, (end, told))?;
        }
        // What the new role may give as well stays.
        let made = self.made().await?;
        let (inviter, guest, new) = self.sent_by_an_owner(&made).await?;
        let address = guest.account.email().unwrap_or_default();
        let inviter_id = Some(inviter.clone());
        let lesser = NewInvitation { inviter: inviter_id, ..invitation(&made, address) };
        self.send(&lesser, None).await?;
        let (gone, role) = (store.find_invitation(new.id, at(1)).await?, MemberRole::ADMIN);
        rule("an invitation takes the place of the older", gone.is_none(), gone)?;
        self.0.store.change_role(made.id, &inviter, &becomes(role), None, &none).await?;
        let (id, sent) = (guest.account.id(), followed(&lesser));
        let told = store.accept_invitation(&sent, id, &none, at(2)).await?;
        rule("an invitation stays while its role may be given", told == Acceptance::Joined, told)?;

        let made = self.made().await?;
        let by = authority(&user("stranger"), &[MemberRole::OWNER]);
        let new = invitation(&made, &email());
        let refused = store.invite(&new, None, Some(&by), &none).await?;
        rule("only who may invites", refused == Invited::Refused, refused)
    }

    /// Of whatever was written at the moment at which its sender lost the right.
    pub(super) async fn an_invitation_rests_on_whoever_sent_it(&self) -> Result<(), Violation> {
        const RULE: &str = "an invitation is followed only while its sender may give its role";
        let (none, store) = (Effects::none(), &self.0.invitations);
        let made = self.made().await?;
        let inviter = user(&fresh("second"));
        self.add(&made, &inviter, MemberRole::OWNER).await?;
        let news: Vec<_> = (0..CALLERS)
            .map(|_| NewInvitation {
                inviter: Some(inviter.clone()),
                role: MemberRole::OWNER,
                ..invitation(&made, &email())
            })
            .collect();
        race(|caller| {
            let (store, organizations) = (Arc::clone(store), Arc::clone(&self.0.store));
            let (new, inviter, id) = (news.get(caller).cloned(), inviter.clone(), made.id);
            async move {
                let none = Effects::none();
                if caller == CALLERS / 2 {
                    let role = becomes(MemberRole::ADMIN);
                    organizations.change_role(id, &inviter, &role, None, &none).await?;
                } else if let Some(new) = new {
                    let by = authority(&inviter, &[MemberRole::OWNER]);
                    store.invite(&new, None, Some(&by), &none).await?;
                }
                Ok(())
            }
        })
        .await?;
        for new in &news {
            let (sent, guest) = (owners_give(new), confirmed(&new.email));
            let told = store.register_invited(&sent, &guest, &none).await?;
            rule(RULE, told == Acceptance::Invalid, told)?;
        }
        // And of what a store kept all the same.
        for end in ["removal", "lesser role", "disabled", "leaving"] {
            let made = self.made().await?;
            let (inviter, guest, new) = self.sent_by_an_owner(&made).await?;
            self.end(end, &made, &inviter, &new).await?;
            let again = NewInvitation { id: news_id(), ..new.clone() };
            let sent = self.send(&again, None).await?;
            rule("a host invites for whom it likes", sent == Invited::Sent, sent)?;
            let (id, sent) = (guest.account.id(), owners_give(&again));
            let told = store.accept_invitation(&sent, id, &none, at(2)).await?;
            rule(RULE, told == Acceptance::Invalid, (end, told))?;
            let new = NewInvitation { id: news_id(), email: email(), ..new };
            self.send(&new, None).await?;
            let twin = confirmed(&new.email);
            let told = store.register_invited(&owners_give(&new), &twin, &none).await?;
            rule(RULE, told == Acceptance::Invalid, (end, told))?;
        }
        Ok(())
    }

    /// A second owner with an account, and their invitation of a guest, as an owner.
    async fn sent_by_an_owner(
        &self,
        made: &Made,
    ) -> Result<(UserId, NewUser, NewInvitation), Violation> {
        let (none, inviter, guest) = (Effects::none(), confirmed(&email()), confirmed(&email()));
        for user in [&inviter, &guest] {
            self.0.users.create_user(user, &none).await?;
        }
        let id = inviter.account.id().clone();
        self.add(made, &id, MemberRole::OWNER).await?;
        let new = invitation(made, guest.account.email().unwrap_or_default());
        let new = NewInvitation { inviter: Some(id.clone()), role: MemberRole::OWNER, ..new };
        let sent = self.send(&new, None).await?;
        rule("an invitation is sent", sent == Invited::Sent, sent)?;
        Ok((id, guest, new))
    }

    async fn end(
        &self,
        end: &str,
        made: &Made,
        inviter: &UserId,
        new: &NewInvitation,
    ) -> Result<(), Violation> {
        let (store, none) = (&self.0.store, Effects::none());
        match end {
            "removal" => {
                store.remove_member(made.id, inviter, None, &none, epoch()).await?;
            }
            "role" => {
                let role = becomes(MemberRole::MEMBER);
                store.change_role(made.id, inviter, &role, None, &none).await?;
            }
            "lesser role" => {
                let role = becomes(MemberRole::ADMIN);
                store.change_role(made.id, inviter, &role, None, &none).await?;
            }
            "revocation" => self.revoke(made, new).await?,
            "deletion" => {
                store.delete_organization(made.id, None, &none, at(1)).await?;
            }
            "disabled" => {
                self.0.lifecycles.disable_account(inviter, &none, at(1)).await?;
            }
            "leaving" => {
                let deletion = NewDeletion { user: inviter.clone(), at: at(9_000), keep: None };
                self.0.lifecycles.request_deletion(&deletion, &none, at(1)).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn revoke(&self, made: &Made, new: &NewInvitation) -> Result<(), Violation> {
        let (store, none) = (&self.0.invitations, Effects::none());
        let nobody = authority(&user("x"), &[MemberRole::OWNER]);
        let kept = store.revoke_invitation(made.id, new.id, Some(&nobody), &none).await?;
        rule("an invitation is revoked by those who may", !kept, kept)?;
        let foreign = OrganizationId(SystemRandom.uuid_v7(epoch()));
        let kept = store.revoke_invitation(foreign, new.id, None, &none).await?;
        rule("an invitation is revoked in its own organization", !kept, kept)?;
        let gone = store.revoke_invitation(made.id, new.id, None, &none).await?;
        rule("an invitation is revoked", gone, gone)
    }
}

/// The invitation, followed where only owners make owners.
fn owners_give(new: &NewInvitation) -> FollowedInvitation {
    FollowedInvitation { givers: vec![MemberRole::OWNER], ..followed(new) }
}

fn news_id() -> crate::store::InvitationId {
    crate::store::InvitationId(SystemRandom.uuid_v7(epoch()))
}
