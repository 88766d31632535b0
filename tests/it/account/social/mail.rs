//! Somebody for whose address nobody vouches.

use http::StatusCode;

use super::*;
use crate::support::statements::counted;

const EMAIL: &str = "/login/with/fake/email";

/// Whether an address has an account is told by nothing: no answer, no sequence of statements.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_vouches_for_tells_nothing() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        world.user(ALICE).await;
        fake.arrive(&mut world.browser(), FakeUser::new("warm")).await;
        let mut seen = Vec::new();
        for (n, email) in [ALICE, "nobody@example.test"].into_iter().enumerate() {
            let user = FakeUser::new(format!("stranger-{n}")).with_email(email, false);
            let mut browser = world.browser();
            fake.provider.log_in(user);
            let page = browser.get(BEGIN).await;
            let (page, back) = counted(fake.come_back(&mut browser, &page)).await;
            assert_eq!(page.location().unwrap().path(), EMAIL);
            let page = browser.follow(page).await;
            assert_eq!(page.value_of("email"), email);
            let asked = page.body.replace(email, "ADDRESS");
            let (page, posted) = counted(browser.submit(&page, &[])).await;
            let sent = page.body.replace(email, "ADDRESS");
            seen.push((back, asked, page.status, posted, sent));
        }
        assert_eq!(seen[0], seen[1]);
    })
    .await;
}

#[tokio::test]
async fn an_address_is_confirmed_in_the_browser_that_asked() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = world.browser();
        fake.provider.log_in(FakeUser::new("quiet"));
        let page = browser.get(&format!("{BEGIN}?return_to=/welcome")).await;
        let page = fake.come_back(&mut browser, &page).await;
        let page = browser.follow(page).await;
        let wrong = browser.submit(&page, &[("email", "no address")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let sent = browser.submit(&wrong, &[("email", ALICE)]).await;
        assert!(!sent.has("submit"), "{}", sent.body);
        let link = world.link_to(ALICE).await;

        // Its owner, who did not ask, opens nothing by it.
        let mut owner = world.browser();
        let page = owner.get(&link).await;
        assert!(!page.has("submit"), "{}", page.body);
        let token = link.split("token=").nth(1).unwrap();
        let page = owner.post(EMAIL, &[("token", token)]).await;
        assert!(page.location().is_none());
        assert_eq!(who(&mut owner).await, "hello stranger at /");
        assert!(world.accounts.accounts().find_by_email(ALICE).await.unwrap().is_none());

        let page = browser.get(&link).await;
        assert_eq!(who(&mut browser).await, "hello stranger at /", "looking is not enough");
        let mut twin = browser.clone();
        let done = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(done).await.body, format!("hello {ALICE} at /welcome"));
        let late = twin.submit(&page, &[]).await;
        assert!(late.location().is_none(), "once");
        let account = world.account(ALICE).await;
        assert!(account.email_verified());
        let page = fake.arrive(&mut world.browser(), FakeUser::new("quiet")).await;
        assert_eq!(page.body, greeting(ALICE));
    })
    .await;
}

#[tokio::test]
async fn a_confirmed_address_that_has_an_account_still_takes_its_owner() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, FakeUser::new("quiet")).await;
        browser.submit(&page, &[("email", ALICE)]).await;
        let first = world.link_to(ALICE).await;
        // A second link takes the place of the first.
        browser.post(EMAIL, &[("email", ALICE)]).await;
        let second = world.link_to(ALICE).await;
        assert!(!browser.get(&first).await.has("submit"));
        let page = browser.get(&second).await;
        let page = browser.submit(&page, &[]).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), "/login/with/fake/link");
        assert_eq!(who(&mut browser).await, "hello stranger at /");

        // And mails are not without end.
        for _ in 0..5 {
            let mut other = world.browser();
            let page = fake.arrive(&mut other, FakeUser::new("quiet")).await;
            let page = other.submit(&page, &[("email", ALICE)]).await;
            assert!(page.body.contains(ALICE), "{}", page.body);
        }
        assert_eq!(world.mails_to(ALICE).await.len(), 1);
    })
    .await;
}
