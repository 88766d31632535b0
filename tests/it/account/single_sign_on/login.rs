//! Where the page to log in leads.

use super::*;
use crate::account::limits::{from, is_too_many, limited};
use crate::support::statements::counted;

const TRIP: &str = "return_to=%2Foauth%2Fresume%3Fa%3Db&interaction_id=i-1&prompt=login";

#[tokio::test]
async fn every_address_of_the_domain_is_sent_to_its_provider_and_no_password_is_looked_at() {
    each_world(async |world| {
        enforced(&world).await;
        world.user("bob@acme.example.test").await;
        // Opens the connections that are opened at first use.
        log_in(&mut world.browser(), BOB, "wrong").await;
        let mut costs = Vec::new();
        for (email, password) in [
            (BOB, PASSWORD),
            (BOB, "wrong"),
            (" BOB@ACME.Example ", PASSWORD),
            ("nobody@acme.example", PASSWORD),
            ("nobody@acme.example", ""),
        ] {
            let mut browser = world.browser();
            let page = browser.get(&format!("/login?{TRIP}")).await;
            let fields = [("email", email), ("password", password)];
            let (page, cost) = counted(browser.submit(&page, &fields)).await;
            let target = page.location().unwrap();
            assert_eq!(target.path(), VOUCHED_AT, "{email}");
            let hint = format!("login_hint={}", email.trim().to_lowercase().replace('@', "%40"));
            assert_eq!(target.query().unwrap(), format!("{hint}&{TRIP}"), "{email}");
            assert_eq!(who(&mut browser).await, "hello stranger at /");
            costs.push(cost);
        }
        // The same for everybody, and nothing is hashed.
        for cost in &costs {
            assert_eq!(cost, &costs[0]);
        }
        assert_eq!(costs[0].hashes(), Vec::<&str>::new());
        // However often: nobody is locked, and nobody is told of it.
        for _ in 0..10 {
            log_in(&mut world.browser(), BOB, "wrong").await;
        }
        assert!(world.mails_to(BOB).await.is_empty());
        // Domains that only look like it are others.
        let page = log_in(&mut world.browser(), "bob@acme.example.test", PASSWORD).await;
        assert!(page.body.starts_with("hello bob@acme.example.test"), "{}", page.body);
        for other in ["bob@not-acme.example", "bob@mail.acme.example", "bob@acme.example."] {
            let page = log_in(&mut world.browser(), other, PASSWORD).await;
            assert_eq!(page.status, REFUSED, "{other}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_from_the_provider_is_in_and_acts_in_the_organization() {
    each_world(async |world| {
        enforced(&world).await;
        let mut bob = vouched(&world, BOB).await;
        assert_eq!(who(&mut bob).await, format!("hello {BOB} at /"));
        assert!(bob.get(ACME).await.body.contains(OLGA), "a member");
        let list = bob.get("/settings/organizations").await;
        assert!(list.body.contains("Acting here"), "{}", list.body);
        // Another customer's identity provider vouches for nobody here.
        let mut mallory = world.browser();
        for door in ["/vouched-by-others", "/other-door"] {
            mallory.get(&format!("{door}?{BOB}")).await;
            assert_eq!(who(&mut mallory).await, "hello stranger at /", "{door}");
        }
        // Who acts as Bob by the host's leave still does.
        let mut support = world.browser();
        support.get(&format!("/act?{BOB}")).await;
        assert_eq!(who(&mut support).await, format!("hello {BOB} at /"));
    })
    .await;
}

#[tokio::test]
async fn single_sign_on_that_is_offered_is_a_button_and_one_that_is_off_is_not_there() {
    each_world(async |world| {
        let id = acme(&world).await;
        let press = async |email: &str| {
            let mut browser = world.browser();
            let page = browser.get("/login?return_to=%2Fa").await;
            assert!(page.has("single-sign-on"), "{}", page.body);
            browser.submit(&page, &[("email", email), ("single_sign_on", "1")]).await
        };
        for (mode, leads, asks) in [
            (SsoMode::Off, false, true),
            (SsoMode::Offered, true, true),
            (SsoMode::Enforced, true, false),
        ] {
            set(&world, id, mode).await;
            for email in [BOB, "nobody@acme.example"] {
                let page = press(email).await;
                let target = page.location().map(|target| target.path().to_owned());
                assert_eq!(target.as_deref() == Some(VOUCHED_AT), leads, "{mode:?} {email}");
                assert_eq!(page.status == REFUSED, !leads, "{mode:?}");
            }
            let mut browser = world.browser();
            log_in(&mut browser, BOB, PASSWORD).await;
            let greeting = if asks { format!("hello {BOB} at /") } else { STRANGER.to_owned() };
            assert_eq!(who(&mut browser).await, greeting, "{mode:?}");
        }
        let page = press("bob@elsewhere.example").await;
        assert!(page.body.contains("no single sign-on for this address"), "{}", page.body);
        assert_eq!(page.value_of("email"), "bob@elsewhere.example");
    })
    .await;
}

#[tokio::test]
async fn whose_domain_it_is_is_not_asked_without_end() {
    let change = |builder| with_sso(limited(3, [99, 99, 99])(builder));
    each_world_with(change, async |world| {
        acme(&world).await;
        let fields = [("email", BOB), ("single_sign_on", "1")];
        let mut here = from(&world, "198.51.100.1");
        for _ in 0..3 {
            assert_eq!(here.post("/login", &fields).await.status, REFUSED);
        }
        is_too_many(&here.post("/login", &fields).await);
        let there = from(&world, "203.0.113.7").post("/login", &fields).await;
        assert_eq!(there.status, REFUSED);
    })
    .await;
}

const STRANGER: &str = "hello stranger at /";

#[tokio::test]
async fn a_login_with_a_password_costs_no_statement_more() {
    each_world(async |world| {
        acme(&world).await;
        world.user(CONNIE).await;
        let mut costs = Vec::new();
        for email in [BOB, CONNIE] {
            let mut browser = world.browser();
            let page = browser.get("/login").await;
            let fields = [("email", email), ("password", PASSWORD)];
            let (page, cost) = counted(browser.submit(&page, &fields)).await;
            assert_eq!(page.location().unwrap().path(), "/");
            costs.push((cost.reads(), cost.transitions()));
        }
        // The attempt, the session and the end of the attempt; how the account stands.
        assert_eq!(costs, [(1, 3), (1, 3)]);
    })
    .await;
}

/// Where single sign-on is not mounted, there is none of it, but what is enforced is.
#[tokio::test]
async fn without_its_pages_nothing_leads_there() {
    crate::account::world::each_world(async |world| {
        for email in [OLGA, BOB] {
            world.user(email).await;
        }
        let olga = id_of(&world, OLGA).await;
        let organizations = world.accounts.organizations();
        let name = "Acme".parse().unwrap();
        let acme = organizations.create(&name, Some("acme"), &olga).await.unwrap().id;
        let refused = organizations.grant_domain(acme, DOMAIN, VOUCHED_AT).await;
        assert!(refused.unwrap_err().to_string().contains("OrganizationPolicy::single_sign_on"));
        let mut browser = world.logged_in(OLGA).await;
        assert!(!browser.get(ACME).await.has("single-sign-on"));
        for path in [SSO, "/login/break-glass"] {
            // They are the host's, whose pages say so.
            assert!(browser.get(path).await.body.starts_with("hello"), "{path}");
        }
        assert!(!world.browser().get("/login").await.has("single-sign-on"));
    })
    .await;
}

#[tokio::test]
async fn a_domain_and_a_path_are_what_they_say() {
    each_world(async |world| {
        let id = acme(&world).await;
        let organizations = world.accounts.organizations();
        for path in ["https://evil.example", "//evil.example", "saml", "/a?b", "/a\nb", ""] {
            let refused = organizations.grant_domain(id, "other.example", path).await;
            assert!(refused.is_err(), "{path:?}");
        }
        for domain in ["localhost", "a@b.example", "", "127.0.0.1"] {
            assert!(organizations.grant_domain(id, domain, VOUCHED_AT).await.is_err(), "{domain}");
        }
        let bob = id_of(&world, BOB).await;
        let other = organizations.create(&"Other".parse().unwrap(), None, &bob).await.unwrap().id;
        let taken = organizations.grant_domain(other, "ACME.example", "/x").await.unwrap_err();
        assert_eq!(taken.to_string(), "the domain is another organization's");
        assert_eq!(organizations.domains(id).await.unwrap()[0].domain, DOMAIN);
        set(&world, id, SsoMode::Enforced).await;
        assert!(organizations.withdraw_domain(id, DOMAIN).await.unwrap());
        let mut browser = world.browser();
        log_in(&mut browser, BOB, PASSWORD).await;
        assert_eq!(who(&mut browser).await, format!("hello {BOB} at /"));
        assert_eq!(told(&world, "organization.domain_grant").await, [true]);
        assert_eq!(told(&world, "organization.domain_withdraw").await, [true]);
    })
    .await;
}
