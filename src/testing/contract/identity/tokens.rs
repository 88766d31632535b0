use super::*;

impl Kit {
    pub(super) async fn tokens_are_refreshed_by_one_at_a_time(&self) -> Result<(), Violation> {
        const RULE: &str = "tokens are refreshed by one at a time";
        let known = self.known().await?;
        let provider = known.identity.provider.as_str();
        for (now, until) in [(epoch(), at(30)), (at(30), at(60))] {
            let claims = race(|_| {
                let (store, id) = (Arc::clone(&self.store), known.id.clone());
                async move { store.begin_token_refresh(&id, "acme", 0, (now, until)).await }
            })
            .await?;
            let claimed = claims.into_iter().filter(|claimed| *claimed).count();
            rule(RULE, claimed == 1, claimed)?;
            let stored = self.store.provider_tokens(&known.id, provider).await?;
            let busy = stored.and_then(|stored| stored.refreshing_until);
            rule(RULE, busy == Some(until), busy)?;
        }
        // Whose refresh failed lets the next one try.
        let finished = self.store.finish_token_refresh(&known.id, provider, 0, None).await?;
        let again =
            self.store.begin_token_refresh(&known.id, provider, 0, (at(31), at(60))).await?;
        rule("a refresh that failed leaves the tokens to the next", !finished && again, again)?;

        let fresh = sealed();
        let written = self.store.finish_token_refresh(&known.id, provider, 0, Some(&fresh)).await?;
        let stored = self.store.provider_tokens(&known.id, provider).await?;
        let same = stored.as_ref().is_some_and(|stored| {
            stored.tokens == fresh
                && stored.version == 1
                && stored.refreshing_until.is_none()
                && stored.subject == known.identity.subject
        });
        rule("refreshed tokens take the place of the old ones", written && same, stored)?;
        let stale =
            self.store.begin_token_refresh(&known.id, provider, 0, (at(90), at(99))).await?;
        rule("tokens that were refreshed are not refreshed again", !stale, stale)
    }

    pub(super) async fn new_tokens_are_never_overwritten_by_older_ones(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "tokens of a login are not overwritten by a refresh begun before it";
        let known = self.known().await?;
        let (id, none) = (&known.id, Effects::none());
        self.store.begin_token_refresh(id, "acme", 0, (epoch(), at(30))).await?;
        let login = NewIdentity { tokens: Some(sealed()), at: at(1), ..known.identity.clone() };
        self.store.log_in_with_identity(id, &login, (0, ANY), &none).await?;
        let late = self.store.finish_token_refresh(id, "acme", 0, Some(&sealed())).await?;
        let stored = self.store.provider_tokens(id, "acme").await?.map(|stored| stored.tokens);
        rule(RULE, !late && stored == login.tokens, (late, stored))
    }

    pub(super) async fn tokens_that_go_on_with_others_wait_for_a_refresh(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "a login does not go on with tokens that are being refreshed";
        let known = self.known().await?;
        let (id, none) = (&known.id, Effects::none());
        self.store.begin_token_refresh(id, "acme", 0, (epoch(), at(30))).await?;
        let login = NewIdentity { tokens: Some(sealed()), at: at(1), ..known.identity.clone() };
        let over = (0, ReplacedTokens::Version(0));
        let used = self.store.log_in_with_identity(id, &login, over, &none).await?;
        let stored = self.stored(id).await?;
        let left = used == IdentityUse::Done && stored == (known.identity.tokens.clone(), 0);
        rule(RULE, left, (used, stored))?;
        let fresh = sealed();
        let kept = self.store.finish_token_refresh(id, "acme", 0, Some(&fresh)).await?;
        let stored = self.stored(id).await?;
        rule(RULE, kept && stored == (Some(fresh), 1), (kept, stored))?;

        // Whoever was at it, and is not heard of any more, stands in nobody's way.
        self.store.begin_token_refresh(id, "acme", 1, (epoch(), at(30))).await?;
        let login = NewIdentity { at: at(30), ..login };
        let over = (0, ReplacedTokens::Version(1));
        self.store.log_in_with_identity(id, &login, over, &none).await?;
        let stored = self.stored(id).await?;
        rule("a refresh that was given up ends", stored == (login.tokens, 2), stored)
    }

    pub(super) async fn tokens_that_go_on_with_others_are_written_over_those_only(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "tokens that go on with others are written over those only";
        let known = self.known().await?;
        let (id, none) = (&known.id, Effects::none());
        let logins: Vec<_> = (0..CALLERS)
            .map(|_| NewIdentity { tokens: Some(sealed()), ..known.identity.clone() })
            .collect();
        let used = race(|caller| {
            let (store, id) = (Arc::clone(&self.store), id.clone());
            let login = logins.get(caller).cloned().unwrap_or_else(|| known.identity.clone());
            let over = (0, ReplacedTokens::Version(0));
            async move { store.log_in_with_identity(&id, &login, over, &Effects::none()).await }
        })
        .await?;
        let all_in = used.iter().all(|used| *used == IdentityUse::Done);
        let (tokens, version) = self.stored(id).await?;
        let is_one = logins.iter().filter(|login| login.tokens == tokens).count() == 1;
        rule(RULE, all_in && is_one && version == 1, (all_in, is_one, version))?;

        for over in [ReplacedTokens::Version(0), ReplacedTokens::None] {
            let login = NewIdentity { tokens: Some(sealed()), ..known.identity.clone() };
            let used = self.store.log_in_with_identity(id, &login, (0, over), &none).await?;
            let stored = self.stored(id).await?;
            let left = used == IdentityUse::Done && stored == (tokens.clone(), 1);
            rule(RULE, left, (over, used, stored))?;
        }
        let (user, identity) =
            (no_password(&fresh_email()), NewIdentity { tokens: None, ..new_identity("acme") });
        self.store.register_with_identity(&user, &identity, &none).await?;
        let first = NewIdentity { tokens: Some(sealed()), ..identity };
        let (id, over) = (user.account.id(), (0, ReplacedTokens::None));
        self.store.log_in_with_identity(id, &first, over, &none).await?;
        let stored = self.stored(id).await?;
        rule("the first tokens are kept", stored.0 == first.tokens, stored)
    }

    /// The tokens of a user at the provider, and their version.
    async fn stored(&self, user: &UserId) -> Result<(Option<Sealed>, i64), Violation> {
        let stored = self.store.provider_tokens(user, "acme").await?;
        Ok(stored.map_or((None, 0), |stored| (Some(stored.tokens), stored.version)))
    }
}
