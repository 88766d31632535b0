//! Mails about passkeys.

use donjon::crypto::Clock as _;
use donjon::testing::SoftPasskey;
use time::Duration;

use super::flows::{acme_of, with_app};
use super::life::{Life, ORIGIN};
use crate::account::world::PASSWORD;
use crate::support::browser::{Browser, Page};

const SETTINGS: &str = "/settings/passkeys";

/// Makes one on the page about them.
async fn add(life: &Life, browser: &mut Browser) -> SoftPasskey {
    let mut passkey = SoftPasskey::at(ORIGIN);
    let answer = passkey.create(&browser.get(SETTINGS).await.data("data-options")).unwrap();
    let page = browser.post(SETTINGS, &[("name", "a key"), ("credential", &answer)]).await;
    assert!(page.location().is_some(), "{}", page.body);
    life.clock.advance(Duration::SECOND);
    passkey
}

async fn come_in(life: &Life, passkey: &mut SoftPasskey) -> Page {
    let mut browser = life.browser();
    let answer = passkey.get(&browser.get("/login").await.data("data-options")).unwrap();
    browser.post("/login", &[("credential", &answer)]).await
}

pub async fn flow(life: &mut Life) {
    let (email, mut browser) = life.logged_in().await;
    let mut passkey = add(life, &mut browser).await;
    life.told("passkey_added", &email);
    passkey.set_sign_count(100);
    come_in(life, &mut passkey).await;
    // The copy was made before.
    passkey.set_sign_count(50);
    come_in(life, &mut passkey).await;
    life.told("passkey_suspected", &email);

    let (email, mut browser, app) = with_app(life).await;
    add(life, &mut browser).await;
    life.told("passkey_added", &email);
    life.clock.advance(Duration::seconds(30));
    let code = app.code_at(life.clock.now());
    browser.post("/settings/two-factor/disable", &[("code", &code)]).await;
    life.told("app_removed", &email);

    let (email, mut browser) = life.logged_in().await;
    add(life, &mut browser).await;
    let page = browser.get(SETTINGS).await;
    let form = page.form_to("/settings/passkeys/delete");
    let fields: Vec<_> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post("/settings/passkeys/delete", &fields).await;
    life.told("passkey_removed", &email);
    copied_of_the_last_owner(life).await;
}

async fn copied_of_the_last_owner(life: &mut Life) {
    let domain = format!("acme-{}.example", life.unique());
    let (olga, bob) = (format!("olga@{domain}"), format!("bob@{domain}"));
    for email in [&olga, &bob] {
        life.user_at(email).await;
    }
    let mut browser = life.enter(&olga).await;
    let mut passkey = add(life, &mut browser).await;
    acme_of(life, &domain, (&olga, &bob)).await;
    for count in [100, 50] {
        passkey.set_sign_count(count);
        let mut browser = life.browser();
        let page = browser.get("/login/break-glass").await;
        let page = browser.submit(&page, &[("email", &olga), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        let answer = passkey.get(&page.data("data-options")).unwrap();
        browser.post("/login/verify", &[("credential", &answer)]).await;
    }
    life.told("break_glass_suspected", &bob);
}
