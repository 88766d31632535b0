use super::*;
use crate::store::Unlinking;

impl Kit {
    pub(super) async fn an_identity_is_linked_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an identity is linked to one user";
        let identity = new_identity("acme");
        let mut users = Vec::new();
        for _ in 0..CALLERS {
            let user = new_user(&fresh_email());
            self.users.create_user(&user, &Effects::none()).await?;
            users.push(user.account.id().clone());
        }
        let outcomes = race(|caller| {
            let (store, identity) = (Arc::clone(&self.store), identity.clone());
            let user = users.get(caller).cloned();
            async move {
                let Some(user) = user else { return Ok(None) };
                let linking = store.link_identity(&user, &identity, None, &Effects::none()).await?;
                Ok(Some((linking, user)))
            }
        })
        .await?;
        let mut winners = Vec::new();
        for (linking, user) in outcomes.into_iter().flatten() {
            match linking {
                Linking::Linked => winners.push(user),
                other => rule(RULE, other == Linking::Taken, other)?,
            }
        }
        let owner = self.owner(&identity).await?;
        rule(RULE, winners.len() == 1 && winners.first() == owner.as_ref(), (&winners, &owner))?;

        let Some(winner) = winners.first() else { return Ok(()) };
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let fresh = new_identity("acme");
        for (user, identity, expected) in [
            (winner, &identity, Linking::Already),
            (winner, &fresh, Linking::Another),
            (&nobody, &fresh, Linking::Gone),
        ] {
            let linking = self.store.link_identity(user, identity, None, &Effects::none()).await?;
            rule("a user has one identity of each provider", linking == expected, linking)?;
        }
        Ok(())
    }

    pub(super) async fn an_unconfirmed_account_is_taken_over_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an unconfirmed account is taken over once";
        let user = new_user(&fresh_email());
        self.users.create_user(&user, &Effects::none()).await?;
        let (id, email) = (user.account.id(), user.account.email().unwrap_or_default());
        let outcomes = race(|_| {
            let (store, identity) = (Arc::clone(&self.store), new_identity("acme"));
            let (id, email) = (id.clone(), email.to_owned());
            async move {
                let none = Effects::none();
                let told = store.take_over_with_identity(&id, &email, &identity, &none).await?;
                Ok((told == IdentityRegistration::Registered).then_some(identity))
            }
        })
        .await?;
        let winners: Vec<_> = outcomes.into_iter().flatten().collect();
        rule(RULE, winners.len() == 1, winners.len())?;
        let Some(winner) = winners.first() else { return Ok(()) };
        let found = self.store.find_identity("acme", &winner.subject, None).await?.identity;
        let theirs = found.as_ref().is_some_and(|found| {
            let account = &found.account;
            account.id() == id && account.email_verified() && found.password.is_none()
        });
        rule("who takes an account over has it without the password", theirs, found)?;

        const ONLY: &str = "only an account that nobody has confirmed is taken over";
        let known = self.known().await?;
        let other = new_user(&fresh_email());
        self.users.create_user(&other, &Effects::none()).await?;
        let (other, elsewhere) = (other.account.id(), fresh_email());
        for (id, email, identity, expected) in [
            (&known.id, &known.email, new_identity("other"), IdentityRegistration::EmailTaken),
            (other, &elsewhere, new_identity("other"), IdentityRegistration::EmailTaken),
            (other, &elsewhere, winner.clone(), IdentityRegistration::IdentityTaken),
        ] {
            let none = Effects::none();
            let told = self.store.take_over_with_identity(id, email, &identity, &none).await?;
            rule(ONLY, told == expected, (told, expected))?;
        }
        Ok(())
    }

    pub(super) async fn the_last_way_in_stays(&self) -> Result<(), Violation> {
        const RULE: &str = "the last way in stays";
        let (known, none) = (self.known().await?, Effects::none());
        for (provider, expected) in
            [("acme", Unlinking::LastWayIn), ("other", Unlinking::NotLinked)]
        {
            let outcome =
                self.store.unlink_identity(&known.id, provider, &open_ways(), &none).await?;
            rule(RULE, outcome == expected, outcome)?;
        }
        let tokens = self.store.provider_tokens(&known.id, "acme").await?;
        rule(RULE, tokens.is_some(), &tokens)?;

        let user = new_user(&fresh_email());
        let id = user.account.id();
        self.users.create_user(&user, &none).await?;
        self.store.link_identity(id, &new_identity("acme"), None, &none).await?;
        let ways = self.store.ways_in(id, &open_ways()).await?;
        rule("a password is a way in", ways.password && ways.count == 2, ways)?;
        let outcome = self.store.unlink_identity(id, "acme", &open_ways(), &none).await?;
        rule("a password is a way in", outcome == Unlinking::Unlinked, outcome)?;
        let tokens = self.store.provider_tokens(id, "acme").await?;
        rule("tokens go with their identity", tokens.is_none(), tokens)
    }

    pub(super) async fn what_opens_nothing_is_no_way_in(&self) -> Result<(), Violation> {
        const RULE: &str = "an identity of a provider that is not configured is no way in";
        let (known, none) = (self.known().await?, Effects::none());
        let id = &known.id;
        self.store.link_identity(id, &new_identity("of-old"), None, &none).await?;
        let ways = self.store.ways_in(id, &open_ways()).await?;
        rule(RULE, ways.count == 1 && ways.identities.len() == 2, ways)?;
        for (provider, expected) in
            [("acme", Unlinking::LastWayIn), ("of-old", Unlinking::Unlinked)]
        {
            let told = self.store.unlink_identity(id, provider, &open_ways(), &none).await?;
            rule(RULE, told == expected, (provider, told))?;
        }
        Ok(())
    }

    pub(super) async fn of_two_who_take_the_last_ways_in_one_does(&self) -> Result<(), Violation> {
        const RULE: &str = "of those who take away the last ways in at once, one does";
        for _ in 0..8 {
            let (known, none) = (self.known().await?, Effects::none());
            self.store.link_identity(&known.id, &new_identity("other"), None, &none).await?;
            let outcomes =
                race(|caller| {
                    let (store, id) = (Arc::clone(&self.store), known.id.clone());
                    let provider = if caller % 2 == 0 { "acme" } else { "other" };
                    async move {
                        store.unlink_identity(&id, provider, &open_ways(), &Effects::none()).await
                    }
                })
                .await?;
            let done = outcomes.iter().filter(|o| **o == Unlinking::Unlinked).count();
            rule(RULE, done == 1, done)?;
            let left = self.store.ways_in(&known.id, &open_ways()).await?;
            rule(RULE, left.count == 1 && left.identities.len() == 1, left)?;
        }
        Ok(())
    }
}
