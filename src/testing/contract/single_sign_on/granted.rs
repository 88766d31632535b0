//! What applications are granted by a login that is under way while single sign-on is enforced: it is
//! later than the enforcement, which does not see it.

use super::*;
use crate::crypto::TokenHash;
use crate::scope::BREAK_GLASS;
use crate::store::{CodeRedemption, IssuerId, NewCode, RefreshRotation, StoreError};
use crate::testing::contract::provider::{grant, new_code, redeem, rotation};

const AT_ONCE: &str = "no grant outlives the enforcement, however fast it is given";

/// What somebody does who logs in to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Session,
    Code,
    Redemption,
    Rotation,
}

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

    /// Enforced before each of the steps of a login, by one of those who log in.
    pub(super) async fn no_grant_outlives_the_enforcement(&self) -> Result<(), Violation> {
        for step in [Step::Session, Step::Code, Step::Redemption, Step::Rotation] {
            self.no_grant_outlives_one_before(step).await?;
        }
        Ok(())
    }

    async fn no_grant_outlives_one_before(&self, before: Step) -> Result<(), Violation> {
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
        let told = race(|caller| {
            let (parts, issuer) = (self.0.clone(), issuer.clone());
            let new = mode_of(&made, SsoMode::Enforced, Some(DOOR));
            let login = logins.get(caller).cloned();
            async move {
                let Some((session, code, redeem, rotate)) = login else { return Ok(None) };
                let enforce = async |step: Step| {
                    if caller == CALLERS / 2 && step == before {
                        parts.store.change_sso(&new, None, &Effects::none()).await?;
                    }
                    Ok::<_, StoreError>(())
                };
                enforce(Step::Session).await?;
                parts.sessions.create_session(&session).await?;
                enforce(Step::Code).await?;
                parts.grants.issue_code(&issuer, &code).await?;
                enforce(Step::Redemption).await?;
                let redeemed = parts.grants.redeem_code(&issuer, &redeem).await?;
                enforce(Step::Rotation).await?;
                let rotated = parts.grants.rotate_refresh(&issuer, &rotate).await?;
                Ok(Some((redeemed, rotated)))
            }
        })
        .await?;
        let sso = self.0.store.sso_of(&made.domain).await?;
        rule(AT_ONCE, sso.as_ref().is_some_and(|sso| sso.mode == SsoMode::Enforced), &sso)?;
        // What is alive is asked first: to present again what was used revokes the grant by itself.
        for applied in [false, true] {
            if applied {
                self.apply(&issuer).await?;
            }
            for ((_, code, _, rotate), told) in logins.iter().zip(&told) {
                let last = match told {
                    Some((CodeRedemption::Redeemed, RefreshRotation::Rotated)) => {
                        rotate.successor.token
                    }
                    Some((CodeRedemption::Redeemed, _)) => rotate.presented,
                    _ => {
                        let yields = self.redeemed(&issuer, code).await?;
                        rule(AT_ONCE, yields.is_none(), (applied, told, code))?;
                        continue;
                    }
                };
                let next = self.rotated(&issuer, last).await?;
                rule(AT_ONCE, next.is_none(), (applied, told, last))?;
                let stored = self.0.grants.load_refresh(&issuer, &last).await?;
                let dead = stored.is_none_or(|stored| stored.revoked || !applied);
                rule(AT_ONCE, dead, (applied, told, last))?;
            }
        }
        for (_, code, _, rotate) in &logins {
            let yields = self.redeemed(&issuer, code).await?;
            rule(AT_ONCE, yields.is_none(), code)?;
            for token in [rotate.presented, rotate.successor.token] {
                let next = self.rotated(&issuer, token).await?;
                rule(AT_ONCE, next.is_none(), token)?;
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
