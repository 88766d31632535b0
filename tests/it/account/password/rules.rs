//! What may be a password, wherever one is chosen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use donjon::account::password::{BreachError, BreachedPasswords, PasswordRules, WhenUnknown};
use http::StatusCode;

use super::*;
use crate::account::world::{ALICE, PASSWORD, World, each_world_with};

const LEAKED: &str = "trombone airship walnut";

/// Knows one password, as long as it knows anything.
#[derive(Clone, Debug, Default)]
struct Leaks(Arc<AtomicBool>);

#[async_trait]
impl BreachedPasswords for Leaks {
    async fn count(&self, password: &str) -> Result<u64, BreachError> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(BreachError("out of order".into())),
            false => Ok(u64::from(password == LEAKED) * 7),
        }
    }
}

/// What each page where a password is chosen answers to this one.
async fn everywhere(world: &World, password: &str) -> Vec<Page> {
    let mut answers = Vec::new();
    let fresh = [("email", "fresh@example.test"), ("password", password)];
    answers.push(world.browser().post("/register", &fresh).await);
    let link = world.reset_link(ALICE).await;
    let mut browser = world.browser();
    let page = browser.get(&link).await;
    answers.push(browser.submit(&page, &[("password", password)]).await);
    let mut browser = world.logged_in(ALICE).await;
    answers.push(change(&mut browser, PASSWORD, password).await);
    answers
}

#[tokio::test]
async fn the_rules_hold_wherever_a_password_is_chosen() {
    let leaks = Leaks::default();
    each_world_with(
        |builder| builder.password_rules(PasswordRules::default().breached(leaks.clone())),
        async |world| {
            world.user(ALICE).await;
            for (password, said) in [
                ("Password1", "Many people use this password"),
                ("aaaaaaaaaaaa", "Repeating adds little."),
                ("acme2026", "Leave out your name"),
                (LEAKED, "has leaked from another site"),
            ] {
                for page in everywhere(&world, password).await {
                    assert_eq!(page.status, REFUSED, "{} {password}", page.url);
                    let text = page.text_of("password-hint");
                    assert!(text.contains(said), "{} {password}: {text}", page.url);
                }
                world.clock.advance(time::Duration::minutes(15));
            }
        },
    )
    .await;
}

#[tokio::test]
async fn when_nobody_can_tell_what_has_leaked_the_host_decides_and_the_page_says_so() {
    for (decision, passes) in [(WhenUnknown::Allow, true), (WhenUnknown::Refuse, false)] {
        let leaks = Leaks::default();
        leaks.0.store(true, Ordering::SeqCst);
        let rules = PasswordRules::default().breached(leaks).when_unknown(decision);
        each_world_with(
            |builder| builder.password_rules(rules.clone()),
            async |world| {
                world.user(ALICE).await;
                let mut browser = world.logged_in(ALICE).await;
                let page = change(&mut browser, PASSWORD, BETTER).await;
                assert_eq!(page.status == StatusCode::SEE_OTHER, passes, "{}", page.body);
                let said = "We can’t check this password right now.";
                assert_eq!(page.body.contains(said), !passes, "{}", page.body);
            },
        )
        .await;
    }
}
