//! Codes: who gets one, and what one is good for.

use std::sync::Arc;

use time::Duration;

use super::{
    ABSOLUTE, CALLERS, Checked, Kit, User, at, begun, epoch, new_code, race, redemption, rule,
};
use crate::crypto::{RandomExt as _, Redacted, SystemRandom};
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::{AppCodeRedemption, Effects, LinkPurpose, NewAppCode, NewLink};
use crate::testing::contract::account::{LIMIT, followed, new_delivery, new_link};

pub(super) async fn check(kit: &Kit) -> Checked {
    a_code_is_made_by_who_is_logged_in(kit).await?;
    a_code_opens_a_session(kit).await?;
    redeemed_once(kit).await?;
    a_replay_ends_the_session(kit).await?;
    another_verifier_spends_it(kit).await?;
    another_app_changes_nothing(kit).await?;
    over_in_time(kit).await?;
    no_session_outlives_a_sign_out(kit).await?;
    over_with_its_login(kit).await?;
    over_when_its_login_is(kit).await?;
    no_session_outlives_a_reset(kit).await
}

async fn a_code_is_made_by_who_is_logged_in(kit: &Kit) -> Checked {
    const RULE: &str = "a code is made in a browser's live session, by its user in person";
    let (user, other) = (kit.user().await?, kit.user().await?);
    let over = SessionId(SystemRandom.uuid_v7(epoch()));
    let acting = kit.browser(&user.id, UserId::new("administrator").ok()).await?;
    let app = kit.begun(&user).await?;
    for (who, made_in, expected) in [
        (&user.id, user.browser, true),
        (&user.id, over, false),
        (&user.id, other.browser, false),
        (&user.id, acting, false),
        (&user.id, app.id, false),
    ] {
        let issued = kit.store.issue_app_code(&new_code(who, made_in)).await?;
        rule(RULE, issued == expected, (made_in, issued))?;
    }
    Ok(())
}

async fn a_code_opens_a_session(kit: &Kit) -> Checked {
    const RULE: &str = "a code opens a session of its user's";
    let user = kit.user().await?;
    let code = kit.code(&user).await?;
    let (redeem, (name, along)) = (redemption(&code, at(1)), kit.along());
    let done = kit.store.redeem_app_code(&redeem, &along, &Effects::none()).await?;
    let AppCodeRedemption::Redeemed { account, scopes, expires_at } = &done else {
        return rule(RULE, false, &done);
    };
    let granted = *scopes == code.scopes && *expires_at == redeem.session.expires_at;
    rule(RULE, *account.id() == user.id && granted, &done)?;
    let wrote = kit.wrote(&name, &user.id).await?;
    rule("what goes along with a session is written once, and names its user", wrote == 1, wrote)?;
    let session = begun(&redeem);
    let found = kit.store.find_app_session(&session.access, at(1)).await?;
    let same = found.as_ref().is_some_and(|found| {
        found.session == session.id
            && found.app == code.app
            && found.scopes == code.scopes
            && *found.account.id() == user.id
            && found.account.email() == Some(&user.email)
    });
    rule("an access token says who calls, from which app, and what it may do", same, &found)?;
    let listed = kit.store.app_sessions_of(&user.id).await?;
    rule("a user's sessions of apps are listed", listed == [(session.id, code.app)], listed)?;

    let all = kit.sessions.sessions_of(&user.id, at(1)).await?;
    let own = all.iter().find(|it| it.id == session.id);
    let like_others = own.is_some_and(|own| {
        own.device == redeem.session.device
            && own.created_at == at(1)
            && own.expires_at == redeem.session.expires_at
            && own.idle_expires_at == Some(redeem.session.idle_expires_at)
            && own.login.as_ref().is_some_and(|login| {
                let it = &login.authentication;
                it.session_id == session.id && it.at == epoch() && it.fresh_until.is_none()
            })
    });
    rule("an app's session is listed with those of browsers", like_others, own)?;
    for secret in [&session.access, &session.refresh.token] {
        let opened = kit.sessions.load_session(secret, at(1)).await?;
        rule("no secret of an app is a browser's cookie", opened.is_none(), opened)?;
    }
    Ok(())
}

async fn redeemed_once(kit: &Kit) -> Checked {
    const RULE: &str = "of many redemptions of one code exactly one wins";
    let user = kit.user().await?;
    let code = kit.code(&user).await?;
    let results = race(|_| {
        let (store, redeem) = (Arc::clone(&kit.store), redemption(&code, epoch()));
        async move { store.redeem_app_code(&redeem, &Effects::none(), &Effects::none()).await }
    })
    .await?;
    let won = results.iter().filter(|it| matches!(it, AppCodeRedemption::Redeemed { .. })).count();
    let lost = results.iter().filter(|it| **it == AppCodeRedemption::Replayed).count();
    rule(RULE, (won, lost) == (1, CALLERS - 1), (won, lost))
}

async fn a_replay_ends_the_session(kit: &Kit) -> Checked {
    const RULE: &str = "a code that is used again ends the session that it opened";
    let user = kit.user().await?;
    let code = kit.code(&user).await?;
    let first = redemption(&code, epoch());
    kit.redeem(&first).await?;
    let session = begun(&first);
    for expected in [1, 0] {
        let (name, denied) = kit.along();
        // Whoever has no verifier has the code all the same.
        let mut again = redemption(&code, at(120));
        again.code_challenge = "A".repeat(43);
        let seen = kit.store.redeem_app_code(&again, &Effects::none(), &denied).await?;
        rule(RULE, seen == AppCodeRedemption::Replayed, seen)?;
        let wrote = kit.wrote(&name, &user.id).await?;
        rule("a replay is told of if it ended something", wrote == expected, wrote)?;
    }
    rule(RULE, !kit.opens(&session.access, at(1)).await?, "its access token works")?;
    rule(RULE, !kit.yields(session.refresh, at(1)).await?, "its refresh token works")?;
    let ends = kit.ends(session.id).await?;
    rule("the end of an app's session is told of", ends == [SessionEnd::Revoked], ends)
}

async fn another_verifier_spends_it(kit: &Kit) -> Checked {
    const RULE: &str = "a code that comes with another verifier or address opens nothing any more";
    let user = kit.user().await?;
    for change in 0..2 {
        let code = kit.code(&user).await?;
        let mut wrong = redemption(&code, epoch());
        if change == 0 {
            wrong.code_challenge = "A".repeat(43);
        } else {
            wrong.redirect_uri.push('x');
        }
        let seen = kit.redeem(&wrong).await?;
        rule(RULE, seen == AppCodeRedemption::Mismatched, seen)?;
        let right = kit.redeem(&redemption(&code, epoch())).await?;
        rule(RULE, right == AppCodeRedemption::Unknown, right)?;
    }
    Ok(())
}

async fn another_app_changes_nothing(kit: &Kit) -> Checked {
    const RULE: &str = "a code of another app is unknown, and stays good";
    let user = kit.user().await?;
    let code = kit.code(&user).await?;
    let mut theft = redemption(&code, epoch());
    theft.app = "thief".to_owned();
    let stolen = kit.redeem(&theft).await?;
    rule(RULE, stolen == AppCodeRedemption::Unknown, stolen)?;
    let own = redemption(&code, epoch());
    let done = kit.redeem(&own).await?;
    rule(RULE, matches!(done, AppCodeRedemption::Redeemed { .. }), done)?;
    kit.redeem(&theft).await?;
    rule(RULE, kit.opens(&begun(&own).access, at(1)).await?, "a stranger ended the session")
}

async fn over_in_time(kit: &Kit) -> Checked {
    const RULE: &str = "a code is redeemed before it expires, and not after";
    let user = kit.user().await?;
    let code = kit.code(&user).await?;
    let late = kit.redeem(&redemption(&code, code.expires_at)).await?;
    rule(RULE, late == AppCodeRedemption::Unknown, late)?;
    let code = kit.code(&user).await?;
    let last = redemption(&code, code.expires_at - Duration::MICROSECOND);
    let done = kit.redeem(&last).await?;
    rule(RULE, matches!(done, AppCodeRedemption::Redeemed { .. }), done)?;
    let mut nobodys = redemption(&code, epoch());
    nobodys.code = SystemRandom.token().hash();
    let unknown = kit.redeem(&nobodys).await?;
    rule("a code that was never issued is unknown", unknown == AppCodeRedemption::Unknown, unknown)
}

async fn over_with_its_login(kit: &Kit) -> Checked {
    const RULE: &str = "a code opens nothing once the login it was made in has ended";
    let user = kit.user().await?;
    let code = kit.code(&user).await?;
    kit.sessions.end_session(&user.id, user.browser, SessionEnd::LoggedOut, at(1)).await?;
    let late = kit.redeem(&redemption(&code, at(1))).await?;
    rule(RULE, late == AppCodeRedemption::Unknown, late)?;
    let left = kit.store.app_sessions_of(&user.id).await?;
    rule(RULE, left.is_empty(), left)
}

/// An identity provider says when the session must be over that its user's login begins.
async fn over_when_its_login_is(kit: &Kit) -> Checked {
    const RULE: &str = "no session of an app outlives the end that its login was given";
    let user = kit.user().await?;
    for (ends_at, expected) in [(at(600), at(600)), (epoch() + ABSOLUTE * 2, epoch() + ABSOLUTE)] {
        let browser = kit.browser_until(&user.id, ends_at).await?;
        let code = new_code(&user.id, browser);
        kit.store.issue_app_code(&code).await?;
        let redeem = redemption(&code, epoch());
        let done = kit.redeem(&redeem).await?;
        let told = match &done {
            AppCodeRedemption::Redeemed { expires_at, .. } => Some(*expires_at),
            _ => None,
        };
        rule(RULE, told == Some(expected), &done)?;
        if expected == ends_at {
            let session = begun(&redeem);
            let last = ends_at - Duration::MICROSECOND;
            rule(RULE, kit.opens(&session.access, last).await?, "it is over too soon")?;
            let over = ends_at + Duration::MINUTE;
            rule(RULE, !kit.opens(&session.access, over).await?, "its access token works")?;
            rule(RULE, !kit.yields(session.refresh, over).await?, "its refresh token works")?;
        }
    }
    Ok(())
}

/// Codes that are redeemed while their user signs out everywhere: whichever comes first, nothing is
/// left alive, nor opened afterwards.
async fn no_session_outlives_a_sign_out(kit: &Kit) -> Checked {
    const RULE: &str = "no session of an app outlives the end of all its user's sessions";
    for end in [SessionEnd::SignedOutEverywhere, SessionEnd::Revoked, SessionEnd::Revoked] {
        let user = kit.user().await?;
        let codes = codes(kit, &user).await?;
        race(|caller| {
            let (kit, user) = (kit.clone(), user.id.clone());
            let redeem = codes.get(caller).map(|code| redemption(code, at(1)));
            async move {
                match redeem {
                    Some(redeem) if caller != CALLERS / 2 => {
                        let none = Effects::none();
                        kit.store.redeem_app_code(&redeem, &none, &none).await.map(drop)
                    }
                    _ => kit.sessions.end_sessions_of(&user, None, end, at(1)).await.map(drop),
                }
            }
        })
        .await?;
        if let Some(left) = codes.get(CALLERS / 2) {
            kit.redeem(&redemption(left, at(1))).await?;
        }
        let left = kit.store.app_sessions_of(&user.id).await?;
        rule(RULE, left.is_empty(), left.len())?;
        let sessions = kit.sessions.sessions_of(&user.id, at(1)).await?;
        rule(RULE, sessions.is_empty(), sessions.len())?;
    }
    Ok(())
}

async fn no_session_outlives_a_reset(kit: &Kit) -> Checked {
    const RULE: &str = "no session of an app outlives a reset of its user's password";
    for _ in 0..3 {
        let user = kit.user().await?;
        let codes = codes(kit, &user).await?;
        let link = NewLink { expires_at: at(60), ..new_link(LinkPurpose::Reset) };
        kit.users.request_link(&user.email, &link, LIMIT, epoch()).await?;
        race(|caller| {
            let (kit, reset) = (kit.clone(), followed(&link, &user.email, &user.id));
            let redeem = codes.get(caller).map(|code| redemption(code, at(1)));
            async move {
                if let (true, Some(redeem)) = (caller != CALLERS / 2, redeem) {
                    let none = Effects::none();
                    kit.store.redeem_app_code(&redeem, &none, &none).await?;
                    return Ok(());
                }
                let new = Redacted("$argon2id$reset".to_owned());
                kit.users.reset_password(&reset, &new, &new_delivery().into(), at(1)).await?;
                Ok(())
            }
        })
        .await?;
        let left = kit.store.app_sessions_of(&user.id).await?;
        rule(RULE, left.is_empty(), left.len())?;
        let sessions = kit.sessions.sessions_of(&user.id, at(1)).await?;
        rule(RULE, sessions.is_empty(), sessions.len())?;
    }
    Ok(())
}

async fn codes(kit: &Kit, user: &User) -> Result<Vec<NewAppCode>, super::Violation> {
    let mut codes = Vec::new();
    for _ in 0..CALLERS {
        codes.push(kit.code(user).await?);
    }
    Ok(codes)
}
