//! Mails about identities at other providers.

use donjon::testing::FakeUser;

use super::life::Life;
use crate::support::browser::{Browser, Page};

const FAKE: [(&str, &str); 1] = [("provider", "fake")];

/// Comes back from the provider, where this page leads.
async fn come_back(life: &Life, browser: &mut Browser, page: &Page) -> Page {
    let callback = life.provider.approve(page.location().unwrap().as_str()).unwrap();
    let page = browser.get(&callback).await;
    browser.follow(page).await
}

pub async fn flow(life: &mut Life) {
    let (email, mut browser) = life.logged_in().await;
    let subject = format!("linked-{}", life.unique());
    life.provider.log_in(FakeUser::new(subject));
    let page = browser.post("/settings/connections/link", &FAKE).await;
    let page = come_back(life, &mut browser, &page).await;
    assert_eq!(page.url.query(), Some("notice=linked"), "{}", page.body);
    life.told("identity_linked", &email);
    let page = browser.post("/settings/connections/unlink", &FAKE).await;
    assert!(browser.follow(page).await.has("link-fake"));
    life.told("identity_unlinked", &email);

    let (email, mut browser) = (life.address(), life.browser());
    let subject = format!("quiet-{}", life.unique());
    life.provider.log_in(FakeUser::new(subject));
    let page = browser.get("/login/with/fake").await;
    let page = come_back(life, &mut browser, &page).await;
    let sent = browser.submit(&page, &[("email", &email)]).await;
    assert!(sent.status.is_success() && !sent.has("submit"), "{}", sent.body);
    life.told("provider_email", &email);
}
