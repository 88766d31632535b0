//! Who comes in although single sign-on is enforced.

use donjon::account::password::StoredCost;
use donjon::crypto::Sealed;
use donjon::store::NewTotp;

use super::*;
use crate::account::imported::imported;
use crate::account::second_factor::{VERIFY, methods, verify};
use crate::support::behind::{open_databases, run};
use crate::support::statements::counted;

const GLASS: &str = "/login/break-glass";
const VERIFIED: &str = "verify $argon2id$v=19$m=64,t=1,p=1";
const STRANGER: &str = "hello stranger at /";

/// Olga, who owns the organization, is let in all the same, by password and app.
async fn named(world: &World) -> (OrganizationId, App) {
    let app = App::of(world, OLGA).await;
    let id = acme(world).await;
    let olga = id_of(world, OLGA).await;
    let organizations = world.accounts.organizations();
    let told = organizations.name_break_glass(id, &olga, true).await.unwrap();
    assert_eq!(told, donjon::store::BreakGlassChange::Done);
    set(world, id, SsoMode::Enforced).await;
    world.clock.advance(Duration::HOUR);
    (id, app)
}

async fn break_glass(browser: &mut Browser, email: &str, password: &str) -> Page {
    let page = browser.get(GLASS).await;
    let page = browser.submit(&page, &[("email", email), ("password", password)]).await;
    browser.follow(page).await
}

#[tokio::test]
async fn who_is_named_comes_in_with_both_factors_and_the_owners_are_told() {
    each_world(async |world| {
        let (id, app) = named(&world).await;
        let bob = id_of(&world, BOB).await;
        let organizations = world.accounts.organizations();
        organizations.change_role(id, &bob, &MemberRole::OWNER).await.unwrap();
        world.mails_to(OLGA).await;

        let mut olga = world.browser();
        let page = olga.get(&format!("{GLASS}?return_to=%2Freports")).await;
        let page = olga.submit(&page, &[("email", OLGA), ("password", PASSWORD)]).await;
        assert_eq!(page.location().unwrap().path(), VERIFY);
        assert_eq!(who(&mut olga).await, STRANGER, "one factor is not enough");
        let page = olga.follow(page).await;
        let page = olga.submit(&page, &[("code", &app.code(&world)), ("trust", "1")]).await;
        assert_eq!(page.location().unwrap().path(), "/reports");
        assert_eq!(who(&mut olga).await, format!("hello {OLGA} at /"));
        assert_eq!(methods(&world, OLGA).await[0], ["pwd", "otp", "mfa"]);
        assert_eq!(told(&world, "organization.break_glass").await, [true]);
        world.mails_to("nobody@x.example").await;

        // She lifts it, which is what it is for.
        let fields = [("domain", DOMAIN), ("mode", "off")];
        let page = olga.post(SSO, &fields).await;
        assert_eq!(page.location().unwrap().path(), SSO, "{}", page.body);
        let mut bob = world.browser();
        log_in(&mut bob, BOB, PASSWORD).await;
        assert_eq!(who(&mut bob).await, format!("hello {BOB} at /"));
    })
    .await;
}

#[tokio::test]
async fn every_owner_is_told_by_mail_each_time() {
    each_world(async |world| {
        let (id, app) = named(&world).await;
        let bob = id_of(&world, BOB).await;
        let organizations = world.accounts.organizations();
        organizations.change_role(id, &bob, &MemberRole::OWNER).await.unwrap();
        for time in 1..=2 {
            world.mails_to("nobody@x.example").await;
            let mut olga = world.browser();
            break_glass(&mut olga, OLGA, PASSWORD).await;
            verify(&mut olga, &app.next_code(&world)).await;
            assert_eq!(who(&mut olga).await, format!("hello {OLGA} at /"));
            let mails = world.mails_to(BOB).await;
            assert_eq!(mails.len(), 1, "{time}: {mails:?}");
            assert_eq!(mails[0].subject, "Somebody came in without single sign-on");
            assert!(mails[0].text.contains(OLGA) && mails[0].text.contains("Acme"));
            assert!(mails[0].text.contains("/settings/organizations/acme/single-sign-on"));
        }
        assert_eq!(told(&world, "organization.break_glass").await, [true, true]);
    })
    .await;
}

/// Nobody learns who is named, and no password of anybody else is of use there.
#[tokio::test]
async fn the_page_is_the_same_for_everybody_and_lets_nobody_else_in() {
    each_world(async |world| {
        App::of(&world, "fay@acme.example").await;
        named(&world).await;
        world.user(CONNIE).await;
        // Opens the connections that are opened at first use.
        break_glass(&mut world.browser(), CONNIE, "wrong").await;
        let mut answers = Vec::new();
        for (email, password) in [
            (OLGA, "wrong"),
            (BOB, "wrong"),
            ("nobody@acme.example", PASSWORD),
            ("nobody@elsewhere.example", PASSWORD),
            ("fay@acme.example", "wrong"),
            // Right, and of no use: without a second factor, with one, in no such domain.
            (BOB, PASSWORD),
            ("fay@acme.example", PASSWORD),
            (CONNIE, PASSWORD),
        ] {
            let mut browser = world.browser();
            let page = browser.get(GLASS).await;
            let fields = [("email", email), ("password", password)];
            let (page, cost) = counted(browser.submit(&page, &fields)).await;
            assert_eq!(page.status, REFUSED, "{email}");
            answers.push((email, page.body.replace(email, "…"), cost));
            assert_eq!(who(&mut browser).await, STRANGER);
        }
        let (_, first, first_cost) = &answers[0];
        assert_eq!(first_cost.hashes(), [VERIFIED]);
        assert_eq!(
            (first_cost.reads(), first_cost.transitions()),
            (1, 2),
            "standing; begin, note the refusal"
        );
        for (email, answer, cost) in &answers {
            assert_eq!((answer, cost), (first, first_cost), "{email}");
        }
        // The page to log in says of Olga what it says of everybody.
        for email in [OLGA, BOB, "nobody@acme.example"] {
            let mut browser = world.browser();
            let page = browser.get("/login").await;
            let page = browser.submit(&page, &[("email", email), ("password", PASSWORD)]).await;
            assert_eq!(page.location().unwrap().path(), VOUCHED_AT, "{email}");
            assert_eq!(who(&mut browser).await, STRANGER);
        }
        // It is locked like the other.
        for _ in 0..6 {
            break_glass(&mut world.browser(), OLGA, "wrong").await;
        }
        let page = break_glass(&mut world.browser(), OLGA, PASSWORD).await;
        assert_eq!(page.status, REFUSED);
    })
    .await;
}

/// A right password that is of no use there replaces no hash: that would take its time.
#[tokio::test]
async fn a_hash_of_elsewhere_tells_nobody_that_the_password_was_right() {
    let (password, hash) =
        imported(|password, hash| password.len() > 8 && hash.starts_with("$2b$04"));
    let change = |builder| with_sso(builder).stored_as([StoredCost::Bcrypt { cost: 4 }]);
    each_world_with(change, async |world| {
        named(&world).await;
        let (accounts, email) = (world.accounts.accounts(), "ines@acme.example");
        accounts.import(email, &hash, Default::default(), true).await.unwrap();
        break_glass(&mut world.browser(), CONNIE, "wrong").await;
        let mut costs = Vec::new();
        for (email, password) in [(CONNIE, "wrong"), (email, "wrong"), (email, password.as_str())] {
            let mut browser = world.browser();
            let page = browser.get(GLASS).await;
            let fields = [("email", email), ("password", password)];
            let (page, cost) = counted(browser.submit(&page, &fields)).await;
            assert_eq!(page.status, REFUSED, "{email}");
            costs.push(cost);
        }
        assert_eq!(costs[0].hashes(), [VERIFIED, "verify $2b$04"]);
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    })
    .await;
}

/// Whoever signed up with somebody else's address is not let in by its name.
#[tokio::test]
async fn who_never_confirmed_the_address_does_not_come_in() {
    each_world(async |world| {
        let id = enforced(&world).await;
        let accounts = world.accounts.accounts();
        let email = "sam@acme.example";
        let sam = accounts.create(email, Some(PASSWORD), Default::default(), false).await.unwrap();
        let totp = NewTotp {
            user: sam.id().clone(),
            secret: Sealed::from_bytes(b"sealed".to_vec()),
            step: 1,
            backup_codes: Vec::new(),
            created_at: donjon::crypto::Clock::now(&*world.clock),
        };
        world.store.enroll_totp(&totp, None, &Effects::none()).await.unwrap();
        let organizations = world.accounts.organizations();
        organizations.add_member(id, sam.id(), &MemberRole::MEMBER).await.unwrap();
        let told = organizations.name_break_glass(id, sam.id(), true).await.unwrap();
        assert_eq!(told, donjon::store::BreakGlassChange::Unfit);
        let mut browser = world.browser();
        assert_eq!(break_glass(&mut browser, email, PASSWORD).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn who_is_named_no_longer_is_out_at_once() {
    each_world(async |world| {
        let (id, app) = named(&world).await;
        let (olga, bob) = (id_of(&world, OLGA).await, id_of(&world, BOB).await);
        let mut inside = world.browser();
        break_glass(&mut inside, OLGA, PASSWORD).await;
        verify(&mut inside, &app.next_code(&world)).await;
        let mut halfway = world.browser();
        break_glass(&mut halfway, OLGA, PASSWORD).await;
        let organizations = world.accounts.organizations();
        // Somebody else must come in then.
        let at = donjon::crypto::Clock::now(&*world.clock);
        organizations.change_role(id, &bob, &MemberRole::OWNER).await.unwrap();
        let secret = Sealed::from_bytes(b"sealed".to_vec());
        let totp = NewTotp {
            user: bob.clone(),
            secret,
            step: 1,
            backup_codes: Vec::new(),
            created_at: at,
        };
        world.store.enroll_totp(&totp, None, &Effects::none()).await.unwrap();
        organizations.name_break_glass(id, &bob, true).await.unwrap();
        let told = organizations.name_break_glass(id, &olga, false).await.unwrap();
        assert_eq!(told, donjon::store::BreakGlassChange::Done);
        let events = world.store.session_events(0, 100).await.unwrap();
        let ended = |event: &&donjon::scope::SessionEvent| {
            event.user_id == olga && event.session_id.is_some()
        };
        assert!(events.iter().rev().find(ended).is_some_and(|event| event.at == at));
        assert!(world.store.sessions_of(&olga, at).await.unwrap().is_empty());
        assert_eq!(who(&mut inside).await, STRANGER);
        let page = halfway.post(VERIFY, &[("code", &app.next_code(&world))]).await;
        assert!(sends_to_login(&page), "{}", page.body);
        assert_eq!(who(&mut halfway).await, STRANGER);
        assert_eq!(break_glass(&mut world.browser(), OLGA, PASSWORD).await.status, REFUSED);
    })
    .await;
}

/// A database that fails in the midst of it, as one under load does, leaves no session that nobody was
/// told of.
#[tokio::test]
async fn a_store_that_fails_meanwhile_lets_nobody_in_without_a_trace() {
    for (database, _directory) in open_databases().await {
        let url = database.url.clone();
        let world = World::over(database, &with_sso).await;
        let (_, app) = named(&world).await;
        world.mails_to(OLGA).await;
        let code = app.next_code(&world);
        // What the owners are found by, and what tells of it.
        for table in ["donjon_organizations", "donjon_audit"] {
            let mut olga = world.browser();
            break_glass(&mut olga, OLGA, PASSWORD).await;
            run(&url, format!("ALTER TABLE {table} RENAME TO elsewhere")).await;
            let page = olga.post(VERIFY, &[("code", &code)]).await;
            run(&url, format!("ALTER TABLE elsewhere RENAME TO {table}")).await;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{table}: {}", page.body);
            assert_eq!(who(&mut olga).await, STRANGER, "{table}");
            assert!(told(&world, "organization.break_glass").await.is_empty());
        }
        // Then it is as if nothing had been: the code is not used up.
        let mut olga = world.browser();
        break_glass(&mut olga, OLGA, PASSWORD).await;
        verify(&mut olga, &code).await;
        assert_eq!(who(&mut olga).await, format!("hello {OLGA} at /"));
        assert_eq!(told(&world, "organization.break_glass").await, [true]);
        assert_eq!(world.mails_to(OLGA).await.len(), 1);
    }
}
