//! One address, and more than one who wants it.

use futures_util::future::join_all;

use super::*;

const EVIL: &str = "a password of the stranger's own";

#[tokio::test]
async fn who_only_signed_up_with_an_address_loses_it_to_who_proves_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let fields = [("email", NEW), ("password", EVIL)];
        world.browser().post("/register", &fields).await;
        let (alice, squatter) = (id_of(&world, ALICE).await, id_of(&world, NEW).await);
        let confirm = link_to(&world, NEW).await;

        let mut browser = world.logged_in(ALICE).await;
        let page = opened(&world, &mut browser, NEW).await;
        assert_eq!(press(&mut browser, &page).await.status, StatusCode::SEE_OTHER);
        assert_eq!(id_of(&world, NEW).await, alice);
        let left = world.accounts.accounts().find(squatter.as_ref().unwrap()).await.unwrap();
        assert_eq!(left.unwrap().email(), None);
        // Neither the password nor the link of the other account opens anything.
        assert_eq!(log_in(&mut world.browser(), NEW, EVIL).await.status, REFUSED);
        assert_eq!(world.browser().get(&confirm).await.status, StatusCode::GONE);
        assert_eq!(log_in(&mut world.browser(), NEW, PASSWORD).await.status, StatusCode::OK);
        let told = told_of(&world, "account.email_change").await;
        assert!(told.len() == 2 && told.contains(&alice) && told.contains(&squatter), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn who_has_confirmed_an_address_keeps_it_and_is_told_who_asked_is_not() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user(BOB).await;
        let mut alice = world.logged_in(ALICE).await;
        let page = ask(&mut alice, BOB).await;
        assert!(page.body.contains(&format!("A message to {BOB} is on its way")), "{}", page.body);
        assert!(page.text_of("pending-email").starts_with(BOB), "it seems to wait");
        let mails = world.mails_to(BOB).await;
        assert_eq!(subjects(&mails), ["This address already has an account"]);
        assert!(!mails[0].text.contains("token="), "{}", mails[0].text);
        assert_eq!(
            logged_in_as(&mut world.logged_in(BOB).await).await,
            format!("hello {BOB} at /")
        );

        // One that is confirmed after it was asked for.
        let mut late = world.logged_in(ALICE).await;
        let page = opened(&world, &mut late, NEW).await;
        world.accounts.accounts().create(NEW, Some(EVIL), Default::default(), true).await.unwrap();
        let page = press(&mut late, &page).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        assert!(page.body.contains("belongs to another account by now"), "{}", page.body);
        assert_eq!(logged_in_as(&mut late).await, format!("hello {ALICE} at /"));
        assert!(world.mails_to(ALICE).await.is_empty(), "nothing was done, and nothing is told");
        assert!(told_of(&world, "account.email_change").await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_changes_an_address_once_however_many_follow_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = opened(&world, &mut browser, NEW).await;
        let twins = (0..8).map(|_| {
            let (mut twin, page) = (browser.clone(), page.clone());
            async move { press(&mut twin, &page).await }
        });
        let answers = join_all(twins).await;
        let done = answers.iter().filter(|page| {
            page.location().is_some_and(|target| target.query() == Some("notice=email-changed"))
        });
        assert_eq!(done.count(), 1, "{answers:?}");
        assert_eq!(told_of(&world, "account.email_change").await.len(), 1);
        assert_eq!(subjects(&world.mails_to(ALICE).await), ["Your email address was changed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_who_prove_one_address_at_once_one_gets_it() {
    each_world(async |world| {
        let mut pages = Vec::new();
        for index in 0..3 {
            let email = format!("claims-{index}@example.test");
            world.user(&email).await;
            let mut browser = world.logged_in(&email).await;
            let page = opened(&world, &mut browser, NEW).await;
            pages.push((browser, page));
        }
        let presses = pages.iter().map(|(browser, page)| {
            let (mut browser, page) = (browser.clone(), page.clone());
            async move { press(&mut browser, &page).await.status }
        });
        let mut answers = join_all(presses).await;
        answers.sort();
        let taken = StatusCode::CONFLICT;
        assert_eq!(answers, [StatusCode::SEE_OTHER, taken, taken]);
        assert!(id_of(&world, NEW).await.is_some());
    })
    .await;
}
