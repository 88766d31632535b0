//! An organization always has an owner.

use super::*;

impl Kit {
    pub(super) async fn two_owners_who_demote_each_other_leave_one(&self) -> Result<(), Violation> {
        const RULE: &str = "two owners who demote or remove each other at once leave exactly one";
        for removes in [false, true] {
            let (made, other) = (self.made().await?, user(&fresh("second")));
            self.add(&made, &other, MemberRole::OWNER).await?;
            let outcomes = race(|caller| {
                let (store, id) = (Arc::clone(&self.0.store), made.id);
                let pair = (made.owner.clone(), other.clone());
                async move {
                    let (by, target) = if caller % 2 == 0 { pair } else { (pair.1, pair.0) };
                    let by = authority(&by, &[MemberRole::OWNER]);
                    let none = Effects::none();
                    if removes {
                        return store.remove_member(id, &target, Some(&by), &none, epoch()).await;
                    }
                    let role = becomes(MemberRole::MEMBER);
                    store.change_role(id, &target, &role, Some(&by), &none).await
                }
            })
            .await?;
            let members = self.0.store.members_of(made.id, None, 10).await?;
            let owners = members.iter().filter(|member| member.role == MemberRole::OWNER).count();
            rule(RULE, owners == 1, (owners, &outcomes))?;
        }
        Ok(())
    }

    pub(super) async fn the_last_owner_stays(&self) -> Result<(), Violation> {
        const RULE: &str = "the last owner stays, however many ask at once";
        let made = self.made().await?;
        let owners: Vec<_> = (0..CALLERS - 1).map(|_| user(&fresh("one-of-many"))).collect();
        for owner in &owners {
            self.add(&made, owner, MemberRole::OWNER).await?;
        }
        let all: Vec<_> = owners.into_iter().chain([made.owner.clone()]).collect();
        let outcomes = race(|caller| {
            let (store, id) = (Arc::clone(&self.0.store), made.id);
            let leaver = all.get(caller).cloned().unwrap_or_else(|| made.owner.clone());
            async move { store.remove_member(id, &leaver, None, &Effects::none(), epoch()).await }
        })
        .await?;
        let left = outcomes.iter().filter(|o| **o == MemberChange::Done).count();
        let stayed = outcomes.iter().filter(|o| **o == MemberChange::LastOwner).count();
        rule(RULE, left == CALLERS - 1 && stayed == 1, &outcomes)?;
        let members = self.0.store.members_of(made.id, None, 10).await?;
        let last = members.first().map(|member| member.account.id().clone());
        rule(RULE, members.len() == 1, &members)?;
        let Some(last) = last else { return Ok(()) };
        self.add(&made, &user(&fresh("plain")), MemberRole::ADMIN).await?;
        let role = becomes(MemberRole::ADMIN);
        let none = Effects::none();
        let demoted = self.0.store.change_role(made.id, &last, &role, None, &none).await?;
        rule(RULE, demoted == MemberChange::LastOwner, demoted)?;
        let role = becomes(MemberRole::OWNER);
        let same = self.0.store.change_role(made.id, &last, &role, None, &none).await?;
        rule("an owner may be made one again", same == MemberChange::Done, same)
    }
}
