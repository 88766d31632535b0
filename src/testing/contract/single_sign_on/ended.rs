//! What ends with what closes it, beside the sessions.

use super::*;
use crate::crypto::TokenHash;
use crate::scope::{BREAK_GLASS, SessionEnd, SessionId};
use crate::store::{CodeRedemption, IssuerId, NewCode, TokenCreation, TokenOwner};
use crate::testing::contract::api_token::new_token;
use crate::testing::contract::provider::{grant, new_code, redeem};

const MANY: u32 = 1000;

impl Kit {
    pub(super) async fn tokens_count_as_the_sessions_they_were_made_in(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "an API token counts as the session does that it was made in";
        const GONE: &str = "an API token that single sign-on ended does not come back";
        let made = self.made().await?;
        let (bob, stranger) = (self.user(&made.domain).await?, self.user("tok.example").await?);
        let by_password = self.session(&bob, None).await?;
        let by_door = self.session(&bob, Some(DOOR)).await?;
        let elsewhere = self.session(&stranger, None).await?;
        let by_password = self.token(&bob, Some(by_password.id)).await?;
        let by_door = self.token(&bob, Some(by_door.id)).await?;
        let by_host = self.token(&bob, None).await?;
        let elsewhere = self.token(&stranger, Some(elsewhere.id)).await?;
        let all = [&by_password, &by_door, &by_host, &elsewhere];
        for token in all {
            rule("a token opens something", self.token_opens(token).await?, token)?;
        }
        self.enforce(&made).await?;
        for (token, expected) in all.into_iter().zip([false, true, false, true]) {
            rule(RULE, self.token_opens(token).await? == expected, (token, expected))?;
        }
        // Written all the same, as by whoever was there at that very moment.
        let late = self.session(&bob, None).await?;
        let late = self.token(&bob, Some(late.id)).await?;
        rule(RULE, !self.token_opens(&late).await?, "a token of a session that opens nothing")?;
        let host = self.token(&bob, None).await?;
        rule("a token that the host makes is its word", self.token_opens(&host).await?, host)?;
        let lift = mode_of(&made, SsoMode::Off, None);
        self.0.store.change_sso(&lift, None, &Effects::none()).await?;
        for (token, expected) in all.into_iter().zip([false, true, false, true]) {
            rule(GONE, self.token_opens(token).await? == expected, (token, expected))?;
        }
        Ok(())
    }

    pub(super) async fn grants_end_but_for_those_by_the_domains_login(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "grants end with the enforcement, but for those by the domain's login";
        let issuer = IssuerId::new("https://sso.kit.example");
        self.apply(&issuer).await?;
        let made = self.made().await?;
        let (bob, stranger) = (self.user(&made.domain).await?, self.user("gr.example").await?);
        let stays = self.session(&bob, Some(DOOR)).await?.id;
        let nowhere = SessionId(SystemRandom.uuid_v7(epoch()));
        let (mut held, mut waiting) = (Vec::new(), Vec::new());
        for (user, session, offline, by, lives) in [
            (&bob, nowhere, true, None, false),
            (&bob, nowhere, true, Some("/saml/other/login"), false),
            (&bob, nowhere, true, Some(DOOR), true),
            (&bob, stays, false, Some(DOOR), true),
            (&stranger, nowhere, true, None, true),
        ] {
            let code = self.granted(&issuer, user, (session, offline), by).await?;
            let refresh = self.redeemed(&issuer, &code).await?;
            rule("a code is redeemed", refresh.is_some(), &code)?;
            held.extend(refresh.map(|refresh| (refresh, lives)));
            let code = self.granted(&issuer, user, (session, offline), by).await?;
            waiting.push((code, lives));
        }
        self.enforce(&made).await?;
        for (code, lives) in waiting {
            let redeemed = self.redeemed(&issuer, &code).await?;
            rule(RULE, redeemed.is_some() == lives, (code, lives))?;
        }
        self.apply(&issuer).await?;
        for (token, lives) in held {
            let stored = self.0.grants.load_refresh(&issuer, &token).await?;
            rule(RULE, stored.is_some_and(|stored| stored.revoked != lives), (token, lives))?;
        }
        // Who logs in there goes on, though the login was before.
        let code = self.granted(&issuer, &bob, (stays, true), Some(DOOR)).await?;
        rule(RULE, self.redeemed(&issuer, &code).await?.is_some(), code)
    }

    /// Another path for a domain, a name that is taken away, and a membership that is.
    pub(super) async fn what_closes_something_ends_it(&self) -> Result<(), Violation> {
        const PATH: &str = "another path for an enforced domain ends what came by the old one";
        const NAME: &str = "who is named no more loses what came so, with its events";
        const MEMBER: &str = "who is removed and was named loses what came so, with its events";
        let (made, none) = (self.made().await?, Effects::none());
        self.enforce(&made).await?;
        let bob = self.user(&made.domain).await?;
        let old = self.session(&bob, Some(DOOR)).await?;
        let next = self.session(&bob, Some("/saml/next/login")).await?;
        let token = self.token(&bob, Some(old.id)).await?;
        let moved = domain_of(made.id, &made.domain, "/saml/next/login");
        self.0.store.grant_domain(&moved, &none).await?;
        self.ended(PATH, &bob, (&old, &next), "/saml/next/login").await?;
        rule(PATH, !self.token_opens(&token).await?, token)?;
        let host = self.token(&bob, None).await?;
        self.0.store.grant_domain(&moved, &none).await?;
        let goes_on = self.token_opens(&host).await? && self.opens(&next).await?;
        rule("a domain that is granted again as it is ends nothing", goes_on, host)?;
        self.0.store.grant_domain(&domain_of(made.id, &made.domain, DOOR), &none).await?;

        for (name, removed) in [(NAME, false), (MEMBER, true)] {
            let member = self.member(&made).await?;
            let id = member.account.id();
            self.0.factors.enroll_totp(&new_totp(id), None, &none).await?;
            self.name(&made, &member, true).await?;
            let by_glass = self.session(&member, Some(BREAK_GLASS)).await?;
            let by_door = self.session(&member, Some(DOOR)).await?;
            let token = self.token(&member, Some(by_glass.id)).await?;
            rule(name, self.token_opens(&token).await?, "a token that is let in")?;
            if removed {
                self.0.organizations.remove_member(made.id, id, None, &none, at(1)).await?;
            } else {
                self.name(&made, &member, false).await?;
            }
            self.ended(name, &member, (&by_glass, &by_door), DOOR).await?;
            rule(name, !self.token_opens(&token).await?, token)?;
        }
        Ok(())
    }

    /// The one session ended, the other did not, and what rests on none was told to end.
    async fn ended(
        &self,
        name: &'static str,
        user: &NewUser,
        (ends, stays): (&NewSession, &NewSession),
        spares: &str,
    ) -> Result<(), Violation> {
        let (id, told) = (user.account.id(), self.ends().await?);
        for (session, expected) in [(ends, 1), (stays, 0)] {
            let session = Some(session.id);
            let times = told.iter().filter(|event| event.session_id == session).count();
            rule(name, times == expected, (expected, &told))?;
        }
        let left = self.0.sessions.sessions_of(id, at(1)).await?;
        rule(name, left.len() == 1 && self.opens(stays).await?, left)?;
        let whole = told.iter().any(|event| {
            event.user_id == *id
                && event.session_id.is_none()
                && event.end == SessionEnd::SingleSignOn
                && event.spares.as_deref() == Some(spares)
        });
        rule(name, whole, told)
    }

    async fn token(
        &self,
        user: &NewUser,
        made_in: Option<SessionId>,
    ) -> Result<TokenHash, Violation> {
        let owner = TokenOwner::User(user.account.id().clone());
        let mut token = new_token(&owner);
        token.made_in = made_in;
        let created = self.0.tokens.create_api_token(&token, MANY, &Effects::none()).await?;
        rule("a token is made", created == TokenCreation::Created, created)?;
        Ok(token.hash)
    }

    async fn token_opens(&self, token: &TokenHash) -> Result<bool, Violation> {
        let found = self.0.tokens.find_api_token(token).await?;
        Ok(found.is_some_and(|found| found.token.revoked_at.is_none()))
    }

    /// A code for what a user, who logged in there, granted.
    async fn granted(
        &self,
        issuer: &IssuerId,
        user: &NewUser,
        (session, offline): (SessionId, bool),
        by: Option<&str>,
    ) -> Result<NewCode, Violation> {
        let mut granted = grant(user.account.id(), session, offline);
        granted.authentication.login_path = by.map(Box::from);
        let code = new_code(granted);
        self.0.grants.issue_code(issuer, &code).await?;
        Ok(code)
    }

    /// The refresh token that the code yields, if it does.
    pub(super) async fn redeemed(
        &self,
        issuer: &IssuerId,
        code: &NewCode,
    ) -> Result<Option<TokenHash>, Violation> {
        let redeem = redeem(code, at(1));
        let done = self.0.grants.redeem_code(issuer, &redeem).await?;
        let refresh = redeem.refresh.map(|refresh| refresh.token);
        Ok(refresh.filter(|_| done == CodeRedemption::Redeemed))
    }

    pub(super) async fn apply(&self, issuer: &IssuerId) -> Result<(), Violation> {
        loop {
            let (now, until) = (at(1), at(600));
            if self.0.grants.apply_session_events(issuer, 50, now, until).await? == 0 {
                return Ok(());
            }
        }
    }
}
