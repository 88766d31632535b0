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
        self.store.log_in_with_identity(id, &login, 0, &none).await?;
        let late = self.store.finish_token_refresh(id, "acme", 0, Some(&sealed())).await?;
        let stored = self.store.provider_tokens(id, "acme").await?.map(|stored| stored.tokens);
        rule(RULE, !late && stored == login.tokens, (late, stored))
    }
}
