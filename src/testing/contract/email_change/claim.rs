//! One address, and many who want it.

use super::*;
use crate::store::{FollowedLink, LinkUse, Registration};

impl Kit {
    pub(super) async fn an_address_goes_to_one_of_all_who_claim_it(&self) -> Result<(), Violation> {
        const RULE: &str = "an address goes to one of all who claim it";
        for holder in [None, Some(false)] {
            let address = match holder {
                Some(verified) => self.user(verified).await?.0,
                None => fresh_email(),
            };
            let mut all = Vec::new();
            for _ in 0..CALLERS {
                all.push(self.ask(&address).await?);
            }
            let told = race(|caller| {
                let (store, asked) = (Arc::clone(&self.store), all.get(caller).cloned());
                async move {
                    let Some(asked) = asked else { return Ok(EmailChanged::Invalid) };
                    let none = Effects::none();
                    store.change_email(&asked.change(), &none, &none).await
                }
            })
            .await?;
            let won: Vec<_> =
                all.iter().zip(&told).filter(|(_, told)| **told == changed_at(1)).collect();
            let taken = told.iter().filter(|told| **told == EmailChanged::Taken).count();
            rule(RULE, won.len() == 1 && taken == CALLERS - 1, (won.len(), taken))?;
            let found = self.parts.users.find_account_by_email(&address).await?;
            let winner = won.first().map(|(asked, _)| &asked.id);
            rule(RULE, found.as_ref().map(Account::id) == winner, (&found, winner))?;
            let mut left = 0;
            for asked in &all {
                left += usize::from(self.pending(&asked.id, 1).await?.is_some());
            }
            rule("a link is used up, whoever gets the address", left == 0, left)?;
        }
        Ok(())
    }

    pub(super) async fn who_proves_an_address_wins_over_who_never_did(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "who proves an address wins over who never did";
        let (address, loser) = self.user(false).await?;
        let reset = new_link(LinkPurpose::Reset);
        self.parts.users.request_link(&address, &reset, OFTEN, epoch()).await?;
        let elsewhere = self.ask_as((&address, &loser), &fresh_email()).await?;
        let asked = self.ask(&address).await?;
        let told = self.change(&asked.change()).await?;
        rule(RULE, told == changed_at(1), told)?;
        let found = self.parts.users.find_account(&loser).await?;
        let lost =
            found.as_ref().is_some_and(|loser| loser.email().is_none() && !loser.email_verified());
        rule("who never proved an address loses it, and nothing else", lost, found)?;
        let link = self.parts.users.load_link(LinkPurpose::Reset, &reset.token, at(1)).await?;
        rule("links to a lost address are over", link.is_none(), link)?;
        let told = self.change(&elsewhere.change()).await?;
        rule("who lost an address can have another", told == changed_at(1), told)
    }

    pub(super) async fn an_address_that_is_confirmed_meanwhile_stays_where_it_is(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "an address that is confirmed meanwhile stays where it is";
        let asked = self.ask(&fresh_email()).await?;
        let (id, _) = self.sign_up(&asked.new, true).await?;
        let told = self.change(&asked.change()).await?;
        rule(RULE, told == EmailChanged::Taken, told)?;
        let found = self.parts.users.find_account_by_email(&asked.new).await?;
        rule(RULE, found.as_ref().map(Account::id) == Some(&id), found)?;
        let kept = self.email_of(&asked.id).await?;
        rule("who comes too late keeps the old address", kept.as_ref() == Some(&asked.old), kept)?;

        for _ in 0..5 {
            let asked = self.ask(&fresh_email()).await?;
            let (id, confirm) = self.sign_up(&asked.new, false).await?;
            let told = race(|caller| {
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.parts.users));
                let (change, confirm) = (asked.change(), confirm.clone());
                async move {
                    let none = Effects::none();
                    Ok(if caller % 2 == 0 {
                        let confirmed = users.confirm_email(&confirm, &none, at(1)).await?;
                        (matches!(confirmed, LinkUse::Done(_)), false)
                    } else {
                        (false, store.change_email(&change, &none, &none).await? == changed_at(1))
                    })
                }
            })
            .await?;
            let confirmed = told.iter().filter(|(confirmed, _)| *confirmed).count();
            let changed = told.iter().filter(|(_, changed)| *changed).count();
            rule(RULE, confirmed + changed == 1, (confirmed, changed))?;
            let found = self.parts.users.find_account_by_email(&asked.new).await?;
            let owner = if changed == 1 { &asked.id } else { &id };
            let is_theirs = found.as_ref().map(|found| (found.id(), found.email_verified()));
            rule(RULE, is_theirs == Some((owner, true)), (&found, owner))?;
        }
        Ok(())
    }

    pub(super) async fn the_word_of_the_host_is_proof(&self) -> Result<(), Violation> {
        const RULE: &str = "the word of the host is proof";
        let (_, id) = self.user(true).await?;
        let (unconfirmed, confirmed) = (self.user(false).await?, self.user(true).await?);
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let fresh = fresh_email();
        for (user, email, expected) in [
            (&id, &fresh, changed_at(1)),
            (&id, &unconfirmed.0, changed_at(2)),
            (&id, &confirmed.0, EmailChanged::Taken),
            (&nobody, &fresh, EmailChanged::Invalid),
        ] {
            let proof = EmailProof::Host(email.clone());
            let change = EmailChange { user: user.clone(), proof, keep: None, at: at(1) };
            let told = self.change(&change).await?;
            rule(RULE, told == expected, (told, expected))?;
        }
        let kept = self.email_of(&id).await?;
        rule(RULE, kept.as_ref() == Some(&unconfirmed.0), kept)
    }

    /// Somebody who signed up with this address, and the link to confirm it.
    async fn sign_up(
        &self,
        email: &str,
        confirms: bool,
    ) -> Result<(UserId, FollowedLink), Violation> {
        let (user, link) = (new_user(email), new_link(LinkPurpose::Confirm));
        let (users, none) = (&self.parts.users, Effects::none());
        let signed_up = users.register(&user, &link, &none, (OFTEN, epoch())).await?;
        let fresh = signed_up == Registration::Registered;
        rule("an address that is asked for is kept for nobody", fresh, signed_up)?;
        let link = followed(&link, email, user.account.id());
        if confirms {
            users.confirm_email(&link, &none, at(1)).await?;
        }
        Ok((user.account.id().clone(), link))
    }
}
