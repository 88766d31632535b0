//! The page for owners.

use super::*;
use crate::account::second_factor::set_up;

#[tokio::test]
async fn an_owner_sets_it_and_cannot_lock_everybody_out() {
    each_world(async |world| {
        acme(&world).await;
        let mut olga = world.logged_in(OLGA).await;
        let page = olga.get(ACME).await;
        assert_eq!(page.link("See how members log in"), SSO);
        let page = olga.get(SSO).await;
        assert!(page.body.contains(DOMAIN) && page.body.contains(VOUCHED_AT), "{}", page.body);
        assert!(page.body.contains("http://127.0.0.1:3000/login/break-glass"));

        let enforce = [("domain", DOMAIN), ("mode", "enforced")];
        let page = olga.post(SSO, &enforce).await;
        assert!(page.status == REFUSED && page.body.contains("Nobody would be sure"));
        assert_eq!(told(&world, "organization.sso_change").await, [false]);
        // To be named takes a second factor.
        let id = id_of(&world, OLGA).await;
        let name = [("user", id.as_str()), ("named", "yes")];
        let glass = format!("{ACME}/break-glass");
        let page = olga.post(&glass, &name).await;
        assert!(page.status == REFUSED && page.body.contains("second step first"));
        set_up(&world, &mut olga).await;
        let page = olga.post(&glass, &name).await;
        assert_eq!(page.location().unwrap().path(), SSO);
        assert!(olga.get(SSO).await.body.contains("Comes in all the same"));
        let page = olga.post(SSO, &enforce).await;
        assert_eq!(page.location().unwrap().path(), SSO);
        // Her own session came by a password, so it ended too.
        assert_eq!(who(&mut olga).await, "hello stranger at /");
        let mut olga = vouched(&world, OLGA).await;
        assert!(olga.get(SSO).await.body.contains("<option value=\"enforced\" selected>"));
        let page = olga.post(SSO, &[("domain", DOMAIN), ("mode", "off")]).await;
        assert_eq!(page.location().unwrap().path(), SSO);
        world.logged_in(BOB).await;
        assert_eq!(told(&world, "organization.sso_change").await.len(), 3);
        assert_eq!(told(&world, "organization.break_glass_name").await, [true]);
    })
    .await;
}

#[tokio::test]
async fn who_came_by_the_provider_may_enforce_it_and_stays_in() {
    each_world(async |world| {
        acme(&world).await;
        let mut olga = world.browser();
        let enforce = [("domain", DOMAIN), ("mode", "enforced")];
        olga.get(&format!("/vouched-by-others?{OLGA}")).await;
        assert_eq!(olga.post(SSO, &enforce).await.status, REFUSED, "another provider");
        let mut olga = vouched(&world, OLGA).await;
        let page = olga.post(SSO, &enforce).await;
        assert_eq!(page.location().unwrap().path(), SSO, "{}", page.body);
        assert!(olga.get(SSO).await.body.contains("<option value=\"enforced\" selected>"));
    })
    .await;
}

#[tokio::test]
async fn it_is_for_owners_who_are_there() {
    each_world(async |world| {
        let id = acme(&world).await;
        let organizations = world.accounts.organizations();
        let bob = id_of(&world, BOB).await;
        organizations.change_role(id, &bob, &MemberRole::ADMIN).await.unwrap();
        world.user(CONNIE).await;
        let glass = format!("{ACME}/break-glass");
        let fields =
            [("domain", DOMAIN), ("mode", "enforced"), ("user", bob.as_str()), ("named", "yes")];
        let (mut bob, mut connie) = (world.logged_in(BOB).await, world.logged_in(CONNIE).await);
        for (browser, expected) in
            [(&mut bob, StatusCode::FORBIDDEN), (&mut connie, StatusCode::NOT_FOUND)]
        {
            assert_eq!(browser.get(SSO).await.status, expected);
            for path in [SSO, &glass] {
                assert_eq!(browser.post(path, &fields).await.status, expected, "{path}");
            }
        }
        let mut olga = world.logged_in(OLGA).await;
        for fields in [
            [("domain", DOMAIN), ("mode", "forced")],
            [("domain", "other.example"), ("mode", "off")],
        ] {
            assert_eq!(olga.post(SSO, &fields).await.status, REFUSED);
        }
        let connie = id_of(&world, CONNIE).await;
        let page = olga.post(&glass, &[("user", connie.as_str()), ("named", "yes")]).await;
        assert_eq!(page.status, REFUSED, "no member");
        // A computer that was left alone changes nothing.
        world.clock.advance(Duration::minutes(6));
        for path in [SSO, &glass] {
            let page = olga.post(path, &fields).await;
            assert_eq!(page.location().unwrap().path(), "/login/again", "{path}");
        }
        let mut support = world.browser();
        support.get(&format!("/act?{OLGA}")).await;
        assert_eq!(support.post(SSO, &fields).await.status, StatusCode::FORBIDDEN);
        assert!(told(&world, "organization.sso_change").await.is_empty());
    })
    .await;
}
