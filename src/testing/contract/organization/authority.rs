//! Nobody changes a member who stands above them, at the very moment of the change.

use super::*;

impl Kit {
    pub(super) async fn nobody_reaches_who_stands_above(&self) -> Result<(), Violation> {
        const RULE: &str = "nobody changes who stands above them, or gives a role that does";
        let (made, store, none) = (self.made().await?, &self.0.store, Effects::none());
        let (admin, peer) = (user(&fresh("admin")), user(&fresh("peer")));
        let (second, member) = (user(&fresh("second")), user(&fresh("member")));
        for (id, role) in [
            (&admin, MemberRole::ADMIN),
            (&peer, MemberRole::ADMIN),
            (&second, MemberRole::OWNER),
            (&member, MemberRole::MEMBER),
        ] {
            self.add(&made, id, role).await?;
        }
        let by = authority(&admin, &[MemberRole::OWNER, MemberRole::ADMIN]);
        let change = async |target: &UserId, role: Option<MemberRole>| match role {
            Some(role) => {
                store.change_role(made.id, target, &becomes(role), Some(&by), &none).await
            }
            None => store.remove_member(made.id, target, Some(&by), &none, epoch()).await,
        };
        for (target, role) in [
            (&second, None),
            (&second, Some(MemberRole::MEMBER)),
            (&second, Some(MemberRole::OWNER)),
            (&member, Some(MemberRole::OWNER)),
            (&peer, Some(MemberRole::OWNER)),
            (&admin, Some(MemberRole::OWNER)),
        ] {
            let told = change(target, role.clone()).await?;
            rule(RULE, told == MemberChange::NotAllowed, (target, role, told))?;
        }
        for (target, role) in [
            (&member, Some(MemberRole::ADMIN)),
            (&peer, Some(MemberRole::MEMBER)),
            (&peer, None),
            (&member, None),
        ] {
            let told = change(target, role.clone()).await?;
            rule("a manager reaches all others", told == MemberChange::Done, (target, told))?;
        }
        Ok(())
    }

    /// Whoever is first: either the admin removes a member, or there is a new owner.
    pub(super) async fn an_owner_made_at_this_moment_is_out_of_reach(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "who is made an owner at this moment is out of an admin's reach";
        for removes in [true, false] {
            let (made, admin) = (self.made().await?, user(&fresh("admin")));
            let target = user(&fresh("target"));
            self.add(&made, &admin, MemberRole::ADMIN).await?;
            self.add(&made, &target, MemberRole::ADMIN).await?;
            let outcomes = race(|caller| {
                let (store, id) = (Arc::clone(&self.0.store), made.id);
                let (owner, admin) = (made.owner.clone(), admin.clone());
                let target = target.clone();
                async move {
                    let none = Effects::none();
                    if caller == CALLERS / 2 {
                        let by = authority(&owner, &[MemberRole::OWNER]);
                        let role = becomes(MemberRole::OWNER);
                        return store.change_role(id, &target, &role, Some(&by), &none).await;
                    }
                    let by = authority(&admin, &[MemberRole::OWNER, MemberRole::ADMIN]);
                    if removes {
                        return store.remove_member(id, &target, Some(&by), &none, epoch()).await;
                    }
                    let role = becomes(MemberRole::MEMBER);
                    store.change_role(id, &target, &role, Some(&by), &none).await
                }
            })
            .await?;
            let made_owner = outcomes.get(CALLERS / 2) == Some(&MemberChange::Done);
            let now = self.0.store.membership(made.id, &target).await?;
            let owns = now.is_some_and(|now| now.role == MemberRole::OWNER);
            rule(RULE, owns == made_owner, (removes, &outcomes))?;
        }
        Ok(())
    }
}
