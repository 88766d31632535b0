//! The last owner who comes in all the same.

use donjon::store::{BreakGlassChange, MemberChange};

use super::*;

const NEEDED: &str = "you are the only owner who comes in if that doesn’t answer";
const LAST: &str = "Nobody else who owns this organization would come in";

/// Olga, who owns the organization, is let in all the same; and Bob owns it with her.
async fn named(world: &World) -> (OrganizationId, App, App) {
    let (olga, bob) = (App::of(world, OLGA).await, App::of(world, BOB).await);
    let id = acme(world).await;
    let organizations = world.accounts.organizations();
    organizations.change_role(id, &id_of(world, BOB).await, &MemberRole::OWNER).await.unwrap();
    let told = organizations.name_break_glass(id, &id_of(world, OLGA).await, true).await.unwrap();
    assert_eq!(told, BreakGlassChange::Done);
    set(world, id, SsoMode::Enforced).await;
    (id, olga, bob)
}

#[tokio::test]
async fn the_last_owner_who_comes_in_all_the_same_is_not_unnamed() {
    each_world(async |world| {
        let (id, ..) = named(&world).await;
        let (mut browser, olga) = (vouched(&world, BOB).await, id_of(&world, OLGA).await);
        let glass = format!("{ACME}/break-glass");
        let page = browser.post(&glass, &[("user", olga.as_str())]).await;
        assert!(page.status == REFUSED && page.body.contains(LAST), "{}", page.body);
        let mut log = told(&world, "organization.break_glass_name").await;
        log.sort_unstable();
        assert_eq!(log, [false, true]);
        let organizations = world.accounts.organizations();
        let host = organizations.name_break_glass(id, &olga, false).await.unwrap();
        assert_eq!(host, BreakGlassChange::LastToComeIn, "nor by the host");
        // Another one is as good; and where nothing is enforced nobody is needed.
        let bob = id_of(&world, BOB).await;
        browser.post(&glass, &[("user", bob.as_str()), ("named", "yes")]).await;
        let page = browser.post(&glass, &[("user", olga.as_str())]).await;
        assert_eq!(page.location().unwrap().path(), SSO, "{}", page.body);
        set(&world, id, SsoMode::Offered).await;
        let page = browser.post(&glass, &[("user", bob.as_str())]).await;
        assert_eq!(page.location().unwrap().path(), SSO, "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn the_last_owner_who_comes_in_all_the_same_keeps_the_app() {
    const DISABLE: &str = "/settings/two-factor/disable";
    each_world(async |world| {
        let (id, app, _) = named(&world).await;
        let mut olga = vouched(&world, OLGA).await;
        for code in [app.next_code(&world), app.codes[0].clone()] {
            let page = olga.post(DISABLE, &[("code", &code)]).await;
            assert!(page.status == REFUSED && page.body.contains(NEEDED), "{}", page.body);
        }
        assert!(olga.get("/settings/two-factor").await.has("two-factor-on"));
        let organizations = world.accounts.organizations();
        organizations.name_break_glass(id, &id_of(&world, BOB).await, true).await.unwrap();
        let page = olga.post(DISABLE, &[("code", &app.next_code(&world))]).await;
        assert!(page.location().is_some(), "{}", page.body);
        assert!(olga.get("/settings/two-factor").await.has("two-factor-off"));
    })
    .await;
}

#[tokio::test]
async fn the_last_owner_who_comes_in_all_the_same_stays_an_owner() {
    each_world(async |world| {
        let (id, ..) = named(&world).await;
        let olga = id_of(&world, OLGA).await;
        let (mut bob, mut own) = (vouched(&world, BOB).await, vouched(&world, OLGA).await);
        let who = ("user", olga.as_str());
        for (is_own, path, fields) in [
            (false, "role", &[who, ("role", "member")][..]),
            (false, "remove", &[who]),
            (true, "leave", &[]),
        ] {
            let browser = if is_own { &mut own } else { &mut bob };
            let page = browser.post(&format!("{ACME}/{path}"), fields).await;
            assert!(page.status == REFUSED && page.body.contains(LAST), "{path}: {}", page.body);
        }
        assert_eq!(told(&world, "organization.leave").await, [false]);
        let organizations = world.accounts.organizations();
        let host = organizations.remove_member(id, &olga).await.unwrap();
        assert_eq!(host, MemberChange::LastToComeIn);
        organizations.name_break_glass(id, &id_of(&world, BOB).await, true).await.unwrap();
        let page = own.post(&format!("{ACME}/leave"), &[]).await;
        assert!(page.location().is_some(), "{}", page.body);
    })
    .await;
}
