//! Whose identity belongs to an address, on the word of whoever owns its domain.

use super::*;
use crate::store::{Linking, NewIdentity};

impl Kit {
    pub(super) async fn a_domain_speaks_for_its_own_addresses(&self) -> Result<(), Violation> {
        const RULE: &str =
            "whoever owns a domain speaks for confirmed addresses in it, and no others";
        const ENFORCED: &str = "only a provider that is enforced speaks for a domain";
        let (made, store) = (self.made().await?, &self.0.store);
        let bob = self.user(&made.domain).await?;
        let (id, email) = (bob.account.id(), bob.account.email().unwrap_or_default());
        for mode in [SsoMode::Off, SsoMode::Offered] {
            store.change_sso(&mode_of(&made, mode, None), None, &Effects::none()).await?;
            let told = self.link((id, email), DOOR, &identity()).await?;
            rule(ENFORCED, told == Linking::Gone, (mode, told))?;
        }
        self.enforce(&made).await?;
        let told = self.link((id, email), "/saml/other/login", &identity()).await?;
        rule(ENFORCED, told == Linking::Gone, told)?;

        let stranger = self.user("elsewhere.example").await?;
        let mut unconfirmed = new_user(&format!("{}@{}", fresh("u"), made.domain));
        let address = unconfirmed.account.email().unwrap_or_default().to_owned();
        unconfirmed.account = unconfirmed.account.with_email(&address, false);
        self.0.users.create_user(&unconfirmed, &Effects::none()).await?;
        let other = self.user(&made.domain).await?;
        let (there, nobody) = (other.account.email().unwrap_or_default(), fresh("nobody"));
        let elsewhere = stranger.account.email().unwrap_or_default();
        let nobody = UserId::new(nobody).unwrap_or_else(|_| id.clone());
        for to in [
            (stranger.account.id(), elsewhere),
            (unconfirmed.account.id(), address.as_str()),
            // The address is another's.
            (id, there),
            (&nobody, email),
        ] {
            let told = self.link(to, DOOR, &identity()).await?;
            rule(RULE, told == Linking::Gone, (to, told))?;
        }
        let (name, along) = note();
        let identity = identity();
        let told = store.link_by_domain((id, email), DOOR, &identity, &along).await?;
        rule(RULE, told == Linking::Linked, told)?;
        let written = self.wrote(&name, Some(id)).await?;
        rule("what goes along with a link of a domain is written", written == 1, written)?;
        let (name, along) = note();
        let again = store.link_by_domain((id, email), DOOR, &identity, &along).await?;
        rule(RULE, again == Linking::Already, again)?;
        let written = self.wrote(&name, Some(id)).await?;
        rule("what goes along with a link of a domain is written", written == 0, written)?;
        let to = (other.account.id(), there);
        let taken = self.link(to, DOOR, &identity).await?;
        rule(RULE, taken == Linking::Taken, taken)
    }

    pub(super) async fn a_domain_links_one_identity_of_a_provider(&self) -> Result<(), Violation> {
        const RULE: &str = "of those who link an account by its domain, one does";
        let made = self.made().await?;
        self.enforce(&made).await?;
        let bob = self.user(&made.domain).await?;
        let outcomes = race(|_| {
            let (store, bob) = (Arc::clone(&self.0.store), bob.account.clone());
            async move {
                let to = (bob.id(), bob.email().unwrap_or_default());
                store.link_by_domain(to, DOOR, &identity(), &Effects::none()).await
            }
        })
        .await?;
        let linked = outcomes.iter().filter(|told| **told == Linking::Linked).count();
        let another = outcomes.iter().filter(|told| **told == Linking::Another).count();
        rule(RULE, linked == 1 && another == CALLERS - 1, (linked, another))
    }

    async fn link(
        &self,
        to: (&UserId, &str),
        path: &str,
        identity: &NewIdentity,
    ) -> Result<Linking, Violation> {
        Ok(self.0.store.link_by_domain(to, path, identity, &Effects::none()).await?)
    }
}

fn identity() -> NewIdentity {
    NewIdentity {
        provider: "acme".into(),
        subject: fresh("s"),
        email: None,
        name: None,
        tokens: None,
        at: at(1),
    }
}
