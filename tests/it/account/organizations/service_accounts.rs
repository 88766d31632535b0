//! The pages of service accounts: who sees to them, and how credentials are rotated.

use std::sync::Arc;

use donjon::account::AccountLayerBuilder;
use donjon::account::token::ApiTokens;
use donjon::scope::CredentialKind;
use donjon::store::{Device, SqlStore, TokenPage};
use donjon::testing::ManualClock;
use time::Duration;

use super::*;
use crate::account::world::each_world_over;
use crate::broken::api_token::{Demoted, demoting};

const ROBOTS: &str = "/settings/organizations/acme/service-accounts";
const GOOD: [(&str, &str); 3] = [("name", "2026"), ("scope", "api:read"), ("lifetime", "90")];

fn tokens_over(store: &SqlStore, clock: Arc<ManualClock>) -> ApiTokens {
    let tokens = ApiTokens::new(store, "acme".parse().unwrap()).clock(clock);
    tokens.scopes(["api:read", "api:write"]).unwrap().longest(Duration::days(365))
}

fn mounted(
    store: &SqlStore,
    clock: Arc<ManualClock>,
    builder: AccountLayerBuilder,
) -> AccountLayerBuilder {
    let policy = OrganizationPolicy { service_accounts: Some(2), ..OrganizationPolicy::default() };
    builder.api_tokens(&tokens_over(store, clock)).organizations(policy)
}

async fn each_robot_world(story: impl AsyncFn(World, ApiTokens)) {
    each_world_over(mounted, async |world| {
        let tokens = tokens_over(&world.store, world.clock.clone());
        story(world, tokens).await;
    })
    .await;
}

/// Makes a service account by the page; answers its path.
async fn robot(owner: &mut Browser) -> String {
    let page = owner.post(ROBOTS, &[("name", "Deploy robot")]).await;
    let target = page.location().unwrap_or_else(|| panic!("{}: {}", page.status, page.body));
    assert!(target.path().starts_with(&format!("{ROBOTS}/")), "{target}");
    target.path().to_owned()
}

/// The ids of the credentials on a page, in its order.
fn ids(page: &Page) -> Vec<String> {
    let inputs = page.body.split("name=\"id\" value=\"").skip(1);
    let mut ids: Vec<_> = inputs.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    ids.dedup();
    ids
}

async fn works(tokens: &ApiTokens, text: &str) -> bool {
    tokens.verify(text, &Device::default()).await.is_ok()
}

#[tokio::test]
async fn an_organization_rotates_the_credentials_of_its_programs_without_a_pause() {
    each_robot_world(async |world, tokens| {
        let organization = acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let link = alice.get(ACME).await.link("Service accounts");
        assert!(alice.get(&link).await.has("no-service-accounts"));
        let path = robot(&mut alice).await;
        assert!(alice.get(ROBOTS).await.body.contains("Deploy robot"));
        assert!(alice.get(&path).await.has("no-credentials"));

        let made = alice.post(&format!("{path}/credentials"), &GOOD).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        assert_eq!(made.headers["cache-control"], "no-store");
        let first = made.text_of("token");
        let verified = tokens.verify(&first, &Device::default()).await.unwrap();
        assert_eq!(verified.credential.kind, CredentialKind::ServiceAccount);
        assert_eq!(verified.credential.organization, Some(organization));
        assert_eq!(verified.credential.scopes, ["api:read"]);
        let page = alice.get(&path).await;
        for shown in ["2026", "api:read", "last used"] {
            assert!(page.body.contains(shown), "{shown}: {}", page.body);
        }
        assert!(!page.body.contains(&first), "the credential is shown again");

        world.clock.advance(Duration::minutes(1));
        let old = ids(&page);
        let rotated = alice.post(&format!("{path}/rotate"), &[("id", &old[0])]).await;
        let second = rotated.text_of("token");
        assert!(works(&tokens, &first).await && works(&tokens, &second).await);
        alice.post(&format!("{path}/revoke"), &[("id", &old[0])]).await;
        assert!(!works(&tokens, &first).await && works(&tokens, &second).await);
        assert_eq!(ids(&alice.get(&path).await).len(), 1);

        alice.post(&format!("{path}/disable"), &[]).await;
        assert!(alice.get(&path).await.has("disabled"));
        assert!(!works(&tokens, &second).await);
        alice.post(&format!("{path}/enable"), &[]).await;
        assert!(works(&tokens, &second).await);
        for (action, times) in [
            ("service_account.create", 1),
            ("api.token_create", 2),
            ("api.token_revoke", 1),
            ("service_account.disable", 1),
            ("service_account.enable", 1),
        ] {
            let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
            let entries = world.store.audit_entries(&filter, 10).await.unwrap();
            assert_eq!(entries.len(), times, "{action}");
            let actor = Some(id_of(&world, ALICE).await);
            let told = |entry: &donjon::audit::AuditEntry| {
                entry.organization == Some(organization) && entry.actor == actor
            };
            assert!(entries.iter().all(told), "{entries:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn only_who_manages_an_organization_sees_to_its_programs() {
    each_robot_world(async |world, tokens| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let path = robot(&mut alice).await;
        alice.post(&format!("{path}/credentials"), &GOOD).await;
        let link = invite(&world, &mut alice, BOB, "member").await;
        sign_up_by(&world, &link).await;
        let bob = world.logged_in(BOB).await;
        world.user(MALLORY).await;
        let mallory = world.logged_in(MALLORY).await;
        let robots = tokens.service_accounts();
        let id = UserId::new(path.rsplit('/').next().unwrap()).unwrap();
        let before = robots.credentials(&id, TokenPage::default()).await.unwrap();
        let credential = before[0].id.to_string();
        for (mut browser, status) in
            [(bob, StatusCode::FORBIDDEN), (mallory, StatusCode::NOT_FOUND)]
        {
            for page in [ROBOTS, &path] {
                assert_eq!(browser.get(page).await.status, status, "{page}");
            }
            let make: &[(&str, &str)] = &[("name", "Mine")];
            let (one, all) = (format!("{path}/rotate"), format!("{path}/credentials"));
            let (end, off) = (format!("{path}/revoke"), format!("{path}/disable"));
            let chosen: &[(&str, &str)] = &[("id", &credential)];
            for (action, fields) in
                [(ROBOTS, make), (&all, &GOOD), (&one, chosen), (&end, chosen), (&off, &[])]
            {
                let page = browser.post(action, fields).await;
                assert_eq!(page.status, status, "{action}");
            }
        }
        assert_eq!(robots.credentials(&id, TokenPage::default()).await.unwrap(), before);
        assert!(robots.find(&id).await.unwrap().unwrap().disabled_at.is_none());
    })
    .await;
}

/// Bob's request is on its way when Alice makes him less than he was.
#[tokio::test]
async fn a_manager_who_is_demoted_meanwhile_revokes_nothing() {
    let demoted = Demoted::default();
    each_world_over(
        |store, clock, builder| {
            let policy =
                OrganizationPolicy { service_accounts: Some(2), ..OrganizationPolicy::default() };
            let tokens = ApiTokens::new(demoting(store, &demoted), "acme".parse().unwrap());
            let tokens = tokens.clock(clock).scopes(["api:read", "api:write"]).unwrap();
            builder.api_tokens(&tokens.longest(Duration::days(365))).organizations(policy)
        },
        async |world| {
            let organization = acme(&world, ALICE).await;
            let mut alice = world.logged_in(ALICE).await;
            let path = robot(&mut alice).await;
            let mut texts = Vec::new();
            for _ in 0..2 {
                let made = alice.post(&format!("{path}/credentials"), &GOOD).await;
                texts.push(made.text_of("token"));
            }
            world.user(BOB).await;
            let bob_id = id_of(&world, BOB).await;
            let organizations = world.accounts.organizations();
            organizations.add_member(organization, &bob_id, &MemberRole::ADMIN).await.unwrap();
            let mut bob = world.logged_in(BOB).await;
            let held = ids(&bob.get(&path).await);
            let tokens = tokens_over(&world.store, world.clock.clone());
            let alive = async || {
                let mut alive = 0;
                for text in &texts {
                    alive += usize::from(works(&tokens, text).await);
                }
                alive
            };

            bob.post(&format!("{path}/revoke"), &[("id", &held[0])]).await;
            assert_eq!(alive().await, 1, "a manager revokes");
            *demoted.lock().unwrap() = Some((organization, bob_id));
            bob.post(&format!("{path}/revoke"), &[("id", &held[1])]).await;
            assert_eq!(role_of(&world, BOB).await.as_deref(), Some("member"));
            assert_eq!(alive().await, 1, "who was one does not");
            assert_eq!(told(&world, "api.token_revoke").await, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn programs_of_others_are_not_found() {
    each_robot_world(async |world, tokens| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        world.user(BOB).await;
        let owner = id_of(&world, BOB).await;
        let organizations = world.accounts.organizations();
        let other = organizations.create(&"Other".parse().unwrap(), None, &owner).await.unwrap();
        let robots = tokens.service_accounts();
        let theirs = robots.create("Theirs", Some(other.id)).await.unwrap();
        let hosts = robots.create("Host's", None).await.unwrap();
        for id in [theirs.id.as_str(), hosts.id.as_str(), "x", "%00", owner.as_str()] {
            let path = format!("{ROBOTS}/{id}");
            let page = alice.get(&path).await;
            assert!(page.status == StatusCode::NOT_FOUND || page.body.starts_with("hello"), "{id}");
            for action in ["credentials", "disable"] {
                let page = alice.post(&format!("{path}/{action}"), &GOOD).await;
                let left = page.status == StatusCode::NOT_FOUND || page.body.starts_with("hello");
                assert!(left, "{id} {action}: {}", page.status);
            }
        }
        for robot in [&theirs, &hosts] {
            let held = robots.credentials(&robot.id, TokenPage::default()).await.unwrap();
            assert!(held.is_empty());
            assert!(robots.find(&robot.id).await.unwrap().unwrap().disabled_at.is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn seeing_to_programs_takes_a_fresh_login_and_has_bounds() {
    each_robot_world(async |world, _| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let path = robot(&mut alice).await;
        for name in ["", " ", "a\u{1b}b", &"x".repeat(101)] {
            let page = alice.post(ROBOTS, &[("name", name)]).await;
            assert_eq!(page.status, REFUSED, "{name:?}");
        }
        robot(&mut alice).await;
        let third = alice.post(ROBOTS, &[("name", "Third")]).await;
        assert_eq!(third.status, REFUSED, "the host allows two");
        for wrong in [
            [("name", ""), ("scope", "api:read"), ("lifetime", "90")],
            [("name", "x"), ("scope", "api:admin"), ("lifetime", "90")],
            [("name", "x"), ("scope", "api:read"), ("lifetime", "never")],
            [("name", "x"), ("scope", "api:read"), ("lifetime", "9999")],
        ] {
            let page = alice.post(&format!("{path}/credentials"), &wrong).await;
            assert_eq!(page.status, REFUSED, "{wrong:?}");
        }
        world.clock.advance(Duration::minutes(20));
        for action in ["", "/credentials", "/rotate", "/revoke", "/disable", "/enable"] {
            let target = if action.is_empty() { ROBOTS.into() } else { format!("{path}{action}") };
            let page = alice.post(&target, &GOOD).await;
            let location = page.location().unwrap_or_else(|| panic!("{target}: {}", page.status));
            assert!(location.path().starts_with("/login"), "{target}: {location}");
        }
    })
    .await;
}

#[tokio::test]
async fn unless_the_host_says_so_there_are_no_such_pages() {
    each_world_over(
        |store, clock, builder| builder.api_tokens(&tokens_over(store, clock)),
        async |world| {
            acme(&world, ALICE).await;
            let mut alice = world.logged_in(ALICE).await;
            assert!(!alice.get(ACME).await.body.contains("service-accounts"));
            assert!(alice.get(ROBOTS).await.body.starts_with("hello"));
        },
    )
    .await;
}
