//! What applications are granted by a login that is under way while single sign-on is enforced: it is
//! later than the enforcement, which does not see it.

use super::*;
use crate::crypto::TokenHash;
use crate::scope::BREAK_GLASS;
use crate::store::{IssuerId, NewCode, RefreshRotation};
use crate::testing::contract::provider::{grant, new_code, redeem, rotation};

impl Kit {
    pub(super) async fn what_is_granted_by_a_login_under_way_ends(&self) -> Result<(), Violation> {
        const RULE: &str = "what a login under way has granted ends with the enforcement";
        const GONE: &str = "what a login under way had granted does not come back";
        let (issuer, none) = (IssuerId::new("https://under-way.kit.example"), Effects::none());
        self.apply(&issuer).await?;
        let made = self.made().await?;
        let (bob, stranger) = (self.user(&made.domain).await?, self.user("uw.example").await?);
        let member = self.member(&made).await?;
        self.0.factors.enroll_totp(&new_totp(member.account.id()), None, &none).await?;
        self.name(&made, &member, true).await?;
        let (mut held, mut waiting) = (Vec::new(), Vec::new());
        for (user, by, said, lives) in [
            (&bob, None, None, false),
            // The session knows better than whoever tells of it.
            (&bob, None, Some(DOOR), false),
            (&bob, Some(DOOR), None, true),
            (&member, Some(BREAK_GLASS), None, true),
            (&stranger, None, None, true),
        ] {
            let session = self.session(user, by).await?;
            let code = self.granted_late(&issuer, &session, said).await?;
            let refresh = self.redeemed(&issuer, &code).await?;
            rule("a code is redeemed", refresh.is_some(), &code)?;
            held.extend(refresh.map(|refresh| (refresh, lives)));
            waiting.push((self.granted_late(&issuer, &session, said).await?, lives));
        }
        self.enforce(&made).await?;
        // Of somebody who signed up meanwhile no event tells.
        let carol = self.session(&self.user(&made.domain).await?, None).await?;
        waiting.push((self.granted_late(&issuer, &carol, None).await?, false));
        for (code, lives) in waiting {
            let redeemed = self.redeemed(&issuer, &code).await?;
            rule(RULE, redeemed.is_some() == lives, (code, lives))?;
        }
        for (token, lives) in &mut held {
            let next = self.rotated(&issuer, *token).await?;
            rule(RULE, next.is_some() == *lives, (&token, &lives))?;
            *token = next.unwrap_or(*token);
        }
        self.apply(&issuer).await?;
        for (token, lives) in &held {
            let stored = self.0.grants.load_refresh(&issuer, token).await?;
            rule(RULE, stored.is_some_and(|stored| stored.revoked != *lives), (token, lives))?;
        }
        let lift = mode_of(&made, SsoMode::Off, None);
        self.0.store.change_sso(&lift, None, &none).await?;
        for (token, lives) in held {
            let next = self.rotated(&issuer, token).await?;
            rule(GONE, next.is_some() == lives, (token, lives))?;
        }
        Ok(())
    }

    pub(super) async fn no_grant_outlives_the_enforcement(&self) -> Result<(), Violation> {
        const RULE: &str = "no grant outlives the enforcement, however fast it is given";
        let issuer = IssuerId::new("https://at-once.kit.example");
        self.apply(&issuer).await?;
        let made = self.made().await?;
        let bob = self.user(&made.domain).await?;
        let logins: Vec<_> = (0..CALLERS)
            .map(|_| {
                let session = session_of(&bob, None);
                let code = late(&session, None);
                let redeem = redeem(&code, at(1));
                let first = redeem.refresh.as_ref().map_or(code.code, |refresh| refresh.token);
                (session, code, redeem, rotation(first, at(1)))
            })
            .collect();
        race(|caller| {
            let (parts, issuer) = (self.0.clone(), issuer.clone());
            let new = mode_of(&made, SsoMode::Enforced, Some(DOOR));
            let login = logins.get(caller).filter(|_| caller != CALLERS / 2).cloned();
            async move {
                let Some((session, code, redeem, rotate)) = login else {
                    return parts.store.change_sso(&new, None, &Effects::none()).await.map(drop);
                };
                parts.sessions.create_session(&session).await?;
                parts.grants.issue_code(&issuer, &code).await?;
                parts.grants.redeem_code(&issuer, &redeem).await?;
                parts.grants.rotate_refresh(&issuer, &rotate).await.map(drop)
            }
        })
        .await?;
        let told = self.0.store.sso_of(&made.domain).await?;
        rule(RULE, told.as_ref().is_some_and(|sso| sso.mode == SsoMode::Enforced), &told)?;
        for applied in [false, true] {
            if applied {
                self.apply(&issuer).await?;
            }
            for (_, code, _, rotate) in &logins {
                let yields = self.redeemed(&issuer, code).await?;
                rule(RULE, yields.is_none(), (applied, code))?;
                for token in [rotate.presented, rotate.successor.token] {
                    let next = self.rotated(&issuer, token).await?;
                    rule(RULE, next.is_none(), (applied, token))?;
                    let stored = self.0.grants.load_refresh(&issuer, &token).await?;
                    let dead = stored.is_none_or(|stored| stored.revoked || !applied);
                    rule(RULE, dead, (applied, token))?;
                }
            }
        }
        Ok(())
    }

    /// A code for what whoever has the session granted after the enforcement's time, and where the
    /// user is said to have logged in.
    async fn granted_late(
        &self,
        issuer: &IssuerId,
        session: &NewSession,
        said: Option<&str>,
    ) -> Result<NewCode, Violation> {
        let code = late(session, said);
        self.0.grants.issue_code(issuer, &code).await?;
        Ok(code)
    }

    /// The next refresh token, if there is one.
    async fn rotated(
        &self,
        issuer: &IssuerId,
        token: TokenHash,
    ) -> Result<Option<TokenHash>, Violation> {
        let rotate = rotation(token, at(1));
        let told = self.0.grants.rotate_refresh(issuer, &rotate).await?;
        Ok((told == RefreshRotation::Rotated).then_some(rotate.successor.token))
    }
}

fn late(session: &NewSession, said: Option<&str>) -> NewCode {
    let nobody = UserId::from(session.id.0);
    let user = session.login.as_ref().map_or(&nobody, |login| login.account.id());
    let mut granted = grant(user, session.id, true);
    granted.authentication.at = at(5);
    granted.authentication.login_path = said.map(Box::from);
    new_code(granted)
}
