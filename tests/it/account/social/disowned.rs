//! Identities that were linked on purpose, and for which the domain of their account does not speak.

use super::single_sign_on::{bob, enforced_here, granted_here};
use super::*;
use crate::account::single_sign_on::{BOB, DOMAIN, OLGA, set_by, with_sso};
use donjon::store::SsoMode;

/// Links an identity in the settings, as its user and that of the account wants; the notice there.
async fn link_in_settings(fake: &Fake, browser: &mut Browser, user: FakeUser) -> String {
    fake.provider.log_in(user);
    let page = browser.post("/settings/connections/link", &[("provider", "fake")]).await;
    let page = fake.come_back(browser, &page).await;
    page.location().unwrap().query().unwrap_or_default().to_owned()
}

/// Bob links an account of his own at Google, leaves the organization, which had meanwhile enforced
/// Google, and keeps his own account there.
#[tokio::test]
async fn a_consumer_account_that_was_linked_before_opens_nothing_in_the_domain() {
    let fake = Fake::start().await;
    let google = |_| fake.provider.google_client().called("fake", "Fake");
    each_world_with(
        |builder| with_sso(fake.known_as(builder, google)),
        async |world| {
            world.user(BOB).await;
            let own = || FakeUser::new("bob-at-home").with_email("bob@gmail.com", true);
            fake.provider.change_claims(|_| {});
            let mut browser = world.logged_in(BOB).await;
            assert_eq!(link_in_settings(&fake, &mut browser, own()).await, "notice=linked");
            let mut browser = world.browser();
            assert_eq!(fake.arrive(&mut browser, own()).await.body, greeting(BOB));
            enforced_here(&world).await;

            let mut browser = world.browser();
            let page = fake.arrive(&mut browser, own()).await;
            assert!(page.body.contains("account that it gave you"), "{}", page.body);
            assert_eq!(who(&mut browser).await, "hello stranger at /");
            assert_eq!(refusals(&world).await, ["not_of_the_domain"]);

            // The one that the organization gave him takes its place, and he is told of both.
            let is_told = async |what: &str| {
                let mails = world.mails_to(BOB).await;
                assert!(mails.iter().any(|mail| mail.subject == what), "{mails:?}");
            };
            is_told("Fake was disconnected from your account").await;
            fake.provider.change_claims(|claims| {
                claims.insert("hd".to_owned(), DOMAIN.into());
            });
            let mut browser = world.browser();
            assert_eq!(fake.arrive(&mut browser, bob()).await.body, greeting(BOB));
            is_told("Fake was connected to your account").await;
            let action = Some("identity.unlink".to_owned());
            let filter = AuditFilter { action, ..AuditFilter::default() };
            let entries = world.store.audit_entries(&filter, 10).await.unwrap();
            assert_eq!(entries.len(), 1);
            assert_eq!(entries[0].metadata["reason"], "not_of_the_domain");
            // The one at home is a stranger's from now on.
            fake.provider.change_claims(|_| {});
            let mut browser = world.browser();
            fake.arrive(&mut browser, own()).await;
            assert_eq!(who(&mut browser).await, greeting("bob@gmail.com"));
        },
    )
    .await;
}

/// Nor is one linked from then on.
#[tokio::test]
async fn a_consumer_account_is_linked_to_none_of_the_domain() {
    let fake = Fake::start().await;
    let google = |_| fake.provider.google_client().called("fake", "Fake");
    each_world_with(
        |builder| with_sso(fake.known_as(builder, google)),
        async |world| {
            fake.provider.change_claims(|claims| {
                claims.insert("hd".to_owned(), DOMAIN.into());
            });
            enforced_here(&world).await;
            let new = "new@acme.example";
            let user = FakeUser::new("new-1").with_email(new, true);
            let mut browser = world.browser();
            assert_eq!(fake.arrive(&mut browser, user).await.body, greeting(new));
            fake.provider.change_claims(|_| {});
            let own = FakeUser::new("new-at-home").with_email("new@gmail.com", true);
            assert_eq!(link_in_settings(&fake, &mut browser, own).await, "notice=personal");
            let page = browser.get("/settings/connections?notice=personal").await;
            assert!(page.body.contains("account that it gave you"), "{}", page.body);
            assert_eq!(refusals(&world).await, ["not_of_the_domain"]);
        },
    )
    .await;
}

/// A provider that speaks for nobody's domain lets nobody into one either, whatever was linked before;
/// and an owner who came by it shows nothing for themselves by that.
#[tokio::test]
async fn a_provider_that_speaks_for_no_domain_is_no_way_into_one() {
    const SSO: &str = "/settings/organizations/acme/single-sign-on";
    let fake = Fake::start().await;
    let silent = |_| {
        Provider::openid("fake", "Fake", fake.provider.issuer(), "fake-client")
            .secret("fake-secret")
    };
    each_world_with(
        |builder| with_sso(fake.known_as(builder, silent)),
        async |world| {
            let id = granted_here(&world).await;
            let there = || FakeUser::new("olga-1").with_email(OLGA, true);
            let mut olga = world.logged_in(OLGA).await;
            assert_eq!(link_in_settings(&fake, &mut olga, there()).await, "notice=linked");
            let mut olga = world.browser();
            assert_eq!(fake.arrive(&mut olga, there()).await.body, greeting(OLGA));
            let page = olga.post(SSO, &[("domain", DOMAIN), ("mode", "enforced")]).await;
            assert!(page.status.is_client_error(), "she would lock herself out: {}", page.status);
            set_by(&world, id, BEGIN, SsoMode::Enforced).await;
            let mut browser = world.browser();
            fake.arrive(&mut browser, there()).await;
            assert_eq!(who(&mut browser).await, "hello stranger at /");
            assert_eq!(refusals(&world).await, ["not_of_the_domain"]);
        },
    )
    .await;
}
