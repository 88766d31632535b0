//! What a link is bound to.

use super::*;
use crate::store::LoginRefusal;

impl Kit {
    pub(super) async fn a_newer_link_takes_the_place_of_the_older(&self) -> Result<(), Violation> {
        const RULE: &str = "a newer link takes the place of the older";
        let user = self.register().await?;
        let older = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
        let newer = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
        let used = self.reset(&older, epoch()).await?;
        rule(RULE, used == PasswordReset::Invalid, used)?;
        let used = self.reset(&newer, epoch()).await?;
        rule(RULE, is_done(&used, &user.id), used)?;
        let link = new_link(LinkPurpose::Confirm);
        let again = self.store.request_link(&user.email, &link, LIMIT, epoch()).await?;
        rule("a confirmed address needs no link", again == LinkRequest::NoAccount, again)
    }

    pub(super) async fn a_link_is_bound_to_user_and_address(&self) -> Result<(), Violation> {
        const RULE: &str = "a link is stored with what binds it to its user and address";
        let (user, link) = (new_user(&fresh_email()), new_link(LinkPurpose::Confirm));
        let (id, email) = (user.account.id(), user.account.email().unwrap_or_default());
        let taken = new_delivery().into();
        self.store.register(&user, &link, &taken, (LIMIT, epoch())).await?;
        rule(RULE, self.is_bound(&link, (id, email)).await?, "a registration")?;
        for purpose in [LinkPurpose::Confirm, LinkPurpose::Reset, LinkPurpose::Login] {
            // The second takes the place of the first.
            for nth in 0..2 {
                let link = new_link(purpose);
                self.store.request_link(email, &link, LIMIT, epoch()).await?;
                rule(RULE, self.is_bound(&link, (id, email)).await?, (purpose, nth))?;
            }
        }
        let other = new_user(&fresh_email());
        self.store.create_user(&other, &Effects::none()).await?;
        let (id, email) = (other.account.id(), other.account.email().unwrap_or_default());
        let refusal = LoginRefusal {
            refused: Effects::none(),
            unconfirmed: Some(ADDRESS),
            link: new_link(LinkPurpose::Confirm),
            limit: LIMIT,
        };
        self.store.refuse_login(email, &refusal, epoch()).await?;
        rule(RULE, self.is_bound(&refusal.link, (id, email)).await?, "a refused login")
    }

    async fn is_bound(
        &self,
        link: &NewLink,
        (id, email): (&UserId, &str),
    ) -> Result<bool, Violation> {
        let found = self.store.load_link(link.purpose, &link.token, epoch()).await?;
        Ok(found.is_some_and(|found| found.binding == link.key.bind(id, email)))
    }

    pub(super) async fn a_link_is_used_as_what_it_was_found_to_be(&self) -> Result<(), Violation> {
        const RULE: &str = "a link is used up as what it was found to be, or not at all";
        let (user, other) = (self.register().await?, self.register().await?);
        let reset = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
        for (user_id, email) in [(&other.id, &user.email), (&user.id, &other.email)] {
            let as_another = |link: &FollowedLink| FollowedLink {
                token: link.token,
                user: user_id.clone(),
                email: email.clone(),
            };
            let used = self.reset(&as_another(&reset), at(1)).await?;
            rule(RULE, used == PasswordReset::Invalid, used)?;
            let along = Effects::none();
            let used = self.store.confirm_email(&as_another(&user.confirm), &along, at(1)).await?;
            rule(RULE, used == LinkUse::Invalid, used)?;
        }
        let kept = self.store.load_link(LinkPurpose::Confirm, &user.confirm.token, at(1)).await?;
        rule("what nobody may use stays", kept.is_some(), kept)?;
        let used = self.reset(&reset, at(1)).await?;
        rule(RULE, used != PasswordReset::Invalid, used)
    }
}
