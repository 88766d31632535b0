//! Other providers, and users whose organization enforces single sign-on.

use super::*;
use crate::account::single_sign_on::{
    BOB, DOMAIN, OLGA, acme, enforced, sends_to_login, set_by, with_sso,
};
use donjon::scope::OrganizationId;
use donjon::store::{DomainGrant, Effects, SsoDomain, SsoMode};

/// Tells the story on each database, with accounts that know the provider, and organizations with
/// single sign-on.
async fn each_world(fake: &Fake, story: impl AsyncFn(World)) {
    each_world_with(|builder| with_sso(fake.known(builder)), story).await;
}

pub(super) fn bob() -> FakeUser {
    FakeUser::new("bob-1").with_email(BOB, true)
}

#[tokio::test]
async fn no_other_provider_leads_past_that_of_the_organization() {
    let fake = Fake::start().await;
    each_world(&fake, async |world| {
        // An identity that is there already, and somebody new.
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, bob()).await;
        assert_eq!(page.body, greeting(BOB));
        enforced(&world).await;
        assert_eq!(who(&mut browser).await, "hello stranger at /", "it has ended");
        let new = FakeUser::new("new-1").with_email("new@acme.example", true);
        for user in [bob(), new] {
            let mut browser = world.browser();
            let page = fake.arrive(&mut browser, user).await;
            assert!(sends_to_login(&page), "{}", page.url);
            assert_eq!(who(&mut browser).await, "hello stranger at /");
        }
        let accounts = world.accounts.accounts();
        assert!(accounts.find_by_email("new@acme.example").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_provider_can_be_that_of_the_organization() {
    let fake = Fake::start().await;
    each_world(&fake, async |world| {
        let id = acme(&world).await;
        let organizations = world.accounts.organizations();
        organizations.grant_domain(id, DOMAIN, BEGIN).await.unwrap();
        let new = FakeUser::new("new-1").with_email("new@acme.example", true);
        let mut browser = world.browser();
        fake.arrive(&mut browser, new.clone()).await;
        set_by(&world, id, BEGIN, SsoMode::Enforced).await;
        assert_eq!(who(&mut browser).await, greeting("new@acme.example"));
        let second = FakeUser::new("new-2").with_email("second@acme.example", true);
        for user in [new, second.clone()] {
            let mut browser = world.browser();
            let page = fake.arrive(&mut browser, user).await;
            assert!(page.body.starts_with("hello "), "{}", page.body);
        }
    })
    .await;
}

/// The provider is that of the organization, even if it speaks for nobody's domain: as it may stand in
/// a store from before.
pub(super) async fn granted_here(world: &World) -> OrganizationId {
    let organization = acme(world).await;
    let domain = SsoDomain {
        domain: DOMAIN.into(),
        organization,
        login_path: BEGIN.into(),
        mode: SsoMode::Off,
        created_at: donjon::crypto::Clock::now(&*world.clock),
    };
    let told = world.store.grant_domain(&domain, &Effects::none()).await.unwrap();
    assert_eq!(told, DomainGrant::Granted);
    organization
}

/// The same, and the organization enforces it.
pub(super) async fn enforced_here(world: &World) {
    let organization = granted_here(world).await;
    set_by(world, organization, BEGIN, SsoMode::Enforced).await;
}

#[tokio::test]
async fn the_provider_that_is_enforced_speaks_for_the_addresses_of_the_domain() {
    let fake = Fake::start().await;
    each_world(&fake, async |world| {
        enforced_here(&world).await;
        world.mails_to(BOB).await;
        let mut browser = world.browser();
        let page = browser.get(&format!("{BEGIN}?return_to=%2Freports")).await;
        fake.provider.log_in(bob());
        let page = fake.come_back(&mut browser, &page).await;
        assert_eq!(page.location().unwrap().path(), "/reports", "{}", page.body);
        assert_eq!(who(&mut browser).await, greeting(BOB));
        // The owner is told, and the log.
        let mails = world.mails_to(BOB).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert!(mails[0].text.contains("Fake"), "{}", mails[0].text);
        let action = Some("identity.link".to_owned());
        let filter = AuditFilter { action, ..AuditFilter::default() };
        let entries = world.store.audit_entries(&filter, 10).await.unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].metadata["domain"], DOMAIN);
        assert!(entries[0].organization.is_some());
        // From now on it is simply theirs.
        let mut browser = world.browser();
        assert_eq!(fake.arrive(&mut browser, bob()).await.body, greeting(BOB));
        assert!(world.mails_to(BOB).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_second_factor_is_asked_for_behind_it_all_the_same() {
    let fake = Fake::start().await;
    each_world(&fake, async |world| {
        let app = crate::account::second_factor::App::of(&world, BOB).await;
        enforced_here(&world).await;
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, bob()).await;
        assert_eq!(page.url.path(), "/login/verify");
        assert_eq!(who(&mut browser).await, "hello stranger at /");
        browser.submit(&page, &[("code", &app.code(&world))]).await;
        assert_eq!(who(&mut browser).await, greeting(BOB));
    })
    .await;
}

#[tokio::test]
async fn an_account_that_is_linked_to_another_there_stays_so() {
    let fake = Fake::start().await;
    each_world(&fake, async |world| {
        enforced_here(&world).await;
        let mut browser = world.browser();
        assert_eq!(fake.arrive(&mut browser, bob()).await.body, greeting(BOB));
        // Whoever else has got the address there meanwhile.
        let other = FakeUser::new("bob-2").with_email(BOB, true);
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, other).await;
        assert_eq!(page.url.path(), "/login");
        assert!(page.body.contains("another account there"), "{}", page.body);
        assert_eq!(who(&mut browser).await, "hello stranger at /");
        assert_eq!(refusals(&world).await, ["another_identity"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_else_speaks_for_them() {
    let fake = Fake::start().await;
    each_world(&fake, async |world| {
        let id = acme(&world).await;
        let organizations = world.accounts.organizations();
        let mut answers = Vec::new();
        // Nobody is enforced; this provider is offered; another is enforced.
        for (path, mode) in
            [(BEGIN, SsoMode::Off), (BEGIN, SsoMode::Offered), ("/else", SsoMode::Enforced)]
        {
            organizations.grant_domain(id, DOMAIN, path).await.unwrap();
            set_by(&world, id, path, mode).await;
            let mut browser = world.browser();
            answers.push(fake.arrive(&mut browser, bob()).await);
            assert_eq!(who(&mut browser).await, "hello stranger at /", "{mode:?}");
        }
        for page in &answers[..2] {
            assert_eq!(page.url.path(), format!("{BEGIN}/link"));
        }
        assert!(sends_to_login(&answers[2]), "{}", answers[2].url);
        let accounts = world.accounts.accounts();
        let bob = accounts.find_by_email(BOB).await.unwrap().unwrap();
        assert!(world.store.ways_in(bob.id(), &open_ways()).await.unwrap().identities.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_address_that_the_provider_does_not_vouch_for_gets_nowhere_in_the_domain() {
    let fake = Fake::start().await;
    each_world(&fake, async |world| {
        enforced_here(&world).await;
        let new = "new@acme.example";
        for email in [BOB, new] {
            // Nor does whoever reads the mails of the address.
            for user in
                [FakeUser::new("mallory-1").with_email(email, false), FakeUser::new("mallory-2")]
            {
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, user).await;
                assert_eq!(page.url.path(), format!("{BEGIN}/email"));
                world.mails_to(email).await;
                browser.submit(&page, &[("email", email)]).await;
                let link = world.link_to(email).await;
                let page = browser.get(&link).await;
                let page = browser.submit(&page, &[]).await;
                let page = browser.follow(page).await;
                assert_eq!(page.url.path(), "/login", "{email}");
                assert!(page.body.contains("account that it gave you"), "{}", page.body);
                assert_eq!(who(&mut browser).await, "hello stranger at /");
            }
        }
        let accounts = world.accounts.accounts();
        assert!(accounts.find_by_email(new).await.unwrap().is_none());
    })
    .await;
}

/// Whoever set an account up with the address before keeps nothing of it.
#[tokio::test]
async fn an_account_that_nobody_confirmed_goes_to_whom_the_provider_vouches_for() {
    let fake = Fake::start().await;
    let change = |builder: AccountLayerBuilder| {
        let policy = donjon::account::Policy {
            unconfirmed: donjon::account::Unconfirmed::Allow,
            even_answers: Duration::ZERO,
            ..donjon::account::Policy::default()
        };
        with_sso(fake.known(builder.policy(policy)))
    };
    each_world_with(change, async |world| {
        let accounts = world.accounts.accounts();
        let (fay, password) = ("fay@acme.example", Some(crate::account::world::PASSWORD));
        accounts.create(fay, password, Default::default(), false).await.unwrap();
        enforced_here(&world).await;
        let user = FakeUser::new("fay-1").with_email(fay, true);
        let mut browser = world.browser();
        assert_eq!(fake.arrive(&mut browser, user).await.body, greeting(fay));
        let account = accounts.find_by_email(fay).await.unwrap().unwrap();
        assert!(account.email_verified());
        assert!(!world.store.ways_in(account.id(), &open_ways()).await.unwrap().password);
    })
    .await;
}

/// A consumer's account at Google can have an address of any domain, once mailed to and verified, and
/// is nobody's but its user's, who may have left the organization, or had the address for a day.
#[tokio::test]
async fn a_consumer_account_with_an_address_of_the_domain_gets_nowhere() {
    let fake = Fake::start().await;
    let google = |_| fake.provider.google_client().called("fake", "Fake");
    each_world_with(
        |builder| with_sso(fake.known_as(builder, google)),
        async |world| {
            let (new, fay) = ("new@acme.example", "fay@acme.example");
            let accounts = world.accounts.accounts();
            let password = Some(crate::account::world::PASSWORD);
            accounts.create(fay, password, Default::default(), false).await.unwrap();
            enforced_here(&world).await;
            let mallory = |email: &str| FakeUser::new("mallory-1").with_email(email, true);
            // No organization; one of the attacker's own.
            for hd in [None, Some("evil.example"), Some("example"), Some("")] {
                fake.provider.change_claims(move |claims| {
                    claims.extend(hd.map(|hd| ("hd".to_owned(), hd.into())));
                });
                for email in [BOB, new, fay] {
                    let mut browser = world.browser();
                    let page = fake.arrive(&mut browser, mallory(email)).await;
                    assert_eq!(who(&mut browser).await, "hello stranger at /", "{hd:?} {email}");
                    // Without an organization Google does not even hand the address out.
                    if hd.is_some_and(|hd| !hd.is_empty()) {
                        assert!(page.body.contains("account that it gave you"), "{}", page.body);
                    } else {
                        assert_eq!(page.url.path(), format!("{BEGIN}/email"));
                    }
                }
            }
            assert_eq!(refusals(&world).await, ["not_of_the_domain"; 6]);
            assert!(accounts.find_by_email(new).await.unwrap().is_none());
            assert!(!accounts.find_by_email(fay).await.unwrap().unwrap().email_verified());
            for email in [BOB, fay] {
                let account = accounts.find_by_email(email).await.unwrap().unwrap();
                let ways = world.store.ways_in(account.id(), &open_ways()).await.unwrap();
                assert!(ways.identities.is_empty(), "{email}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn an_account_of_the_organization_at_google_speaks_for_its_domains() {
    let fake = Fake::start().await;
    let google = |_| fake.provider.google_client().called("fake", "Fake");
    each_world_with(
        |builder| with_sso(fake.known_as(builder, google)),
        async |world| {
            let id = acme(&world).await;
            let organizations = world.accounts.organizations();
            for (domain, path) in [
                (DOMAIN, BEGIN),
                ("acme-group.example", BEGIN),
                ("acme-labs.example", "/elsewhere"),
            ] {
                organizations.grant_domain(id, domain, path).await.unwrap();
            }
            set_by(&world, id, BEGIN, SsoMode::Enforced).await;
            let as_of = async |hd: &'static str, email: &str| {
                fake.provider.change_claims(move |claims| {
                    claims.insert("hd".to_owned(), hd.into());
                });
                let user = FakeUser::new(email).with_email(email, true);
                let mut browser = world.browser();
                fake.arrive(&mut browser, user).await;
                who(&mut browser).await
            };
            // By the domain of the address; by the one that the organization is known by there.
            assert_eq!(as_of("Acme.Example", BOB).await, greeting(BOB));
            let new = "new@acme.example";
            assert_eq!(as_of("acme-group.example", new).await, greeting(new));
            // Of which the host does not say that it logs in there; nobody's.
            for other in ["acme-labs.example", "acme-other.example"] {
                let email = "other@acme.example";
                assert_eq!(as_of(other, email).await, "hello stranger at /", "{other}");
            }
        },
    )
    .await;
}

/// Google does not say when it asked. Who has something of their own proves it by that, in the session
/// that came by the provider; whoever finds a browser in which they are logged in there lacks it.
#[tokio::test]
async fn who_comes_by_a_provider_that_dates_nothing_proves_it_by_what_they_have() {
    const SENSITIVE: &str = "/settings/connections";
    let fake = Fake::start().await;
    let google = |_| fake.provider.google_client().called("fake", "Fake");
    fake.provider.change_claims(|claims| {
        claims.remove("auth_time");
        claims.insert("hd".to_owned(), DOMAIN.into());
    });
    each_world_with(
        |builder| with_sso(fake.known_as(builder, google)),
        async |world| {
            let app = crate::account::second_factor::App::of(&world, BOB).await;
            enforced_here(&world).await;
            let new = "new@acme.example";

            // By the password.
            let mut olga = world.browser();
            let user = FakeUser::new("olga-1").with_email(OLGA, true);
            assert_eq!(fake.arrive(&mut olga, user).await.body, greeting(OLGA));
            let page = olga.get(SENSITIVE).await;
            let page = olga.follow(page).await;
            assert_eq!(page.url.path(), "/login/again");
            assert!(page.has("password") && !page.has("elsewhere"), "{}", page.body);
            let wrong = olga.submit(&page, &[("password", "not the password")]).await;
            assert_eq!(wrong.status, http::StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(olga.get(SENSITIVE).await.location().unwrap().path(), "/login/again");
            let right = [("password", crate::account::world::PASSWORD)];
            let page = olga.submit(&wrong, &right).await;
            assert_eq!(page.location().unwrap().path(), SENSITIVE, "{}", page.body);
            assert_eq!(olga.get(SENSITIVE).await.location(), None);

            // By a code of the app.
            let mut bob_there = world.browser();
            let page = fake.arrive(&mut bob_there, bob()).await;
            assert_eq!(page.url.path(), "/login/verify");
            bob_there.submit(&page, &[("code", &app.code(&world))]).await;
            assert_eq!(who(&mut bob_there).await, greeting(BOB));
            fake.advance(&world, Duration::minutes(6));
            let page = bob_there.get(SENSITIVE).await;
            let page = bob_there.follow(page).await;
            assert!(page.has("code") && !page.has("elsewhere"), "{}", page.body);
            let page = bob_there.submit(&page, &[("code", &app.code(&world))]).await;
            assert_eq!(page.location().unwrap().path(), SENSITIVE, "{}", page.body);
            assert_eq!(bob_there.get(SENSITIVE).await.location(), None);

            // Who has nothing else, by the provider.
            let mut browser = world.browser();
            let user = FakeUser::new("new-1").with_email(new, true);
            assert_eq!(fake.arrive(&mut browser, user.clone()).await.body, greeting(new));
            fake.advance(&world, Duration::minutes(6));
            let page = browser.get(SENSITIVE).await;
            let page = browser.follow(page).await;
            assert!(page.has("elsewhere") && !page.has("password"), "{}", page.body);
            fake.arrive(&mut browser, user).await;
            assert_eq!(browser.get(SENSITIVE).await.location(), None);

            // Nobody logs in by a password all the same.
            let mut other = world.browser();
            let fields = [("email", OLGA), ("password", crate::account::world::PASSWORD)];
            other.post("/login", &fields).await;
            assert_eq!(who(&mut other).await, "hello stranger at /");
        },
    )
    .await;
}
