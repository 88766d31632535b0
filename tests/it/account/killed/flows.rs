//! What users do that causes mails, in such a way that each address gets each kind once.

use donjon::account::mfa::TotpSecret;
use donjon::crypto::{Clock as _, SystemRandom};
use donjon::scope::MemberRole;
use donjon::store::{BreakGlassChange, SsoChange, SsoMode};
use time::Duration;

use super::life::{Life, SCOPE};
use crate::account::second_factor::{codes_on, pending, secret_on, verify};
use crate::account::world::{PASSWORD, VOUCHED_AT, log_in};
use crate::support::browser::{Browser, Page};

/// How many there are: fewer than lives.
pub const FLOWS: usize = 12;
const BETTER: &str = "another good password";
const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Goes through the flow with this number.
pub async fn flow(life: &mut Life, number: usize) {
    match number {
        0 => sign_up(life).await,
        1 => change_email(life).await,
        2 => wanted_address(life).await,
        3 => organization(life).await,
        4 => break_glass(life).await,
        5 => passwords(life).await,
        6 => locked(life).await,
        7 => second_factor(life).await,
        8 => token(life).await,
        9 => deletion(life).await,
        10 => unknown_logins(life).await,
        _ => extras(life).await,
    }
}

async fn extras(life: &mut Life) {
    #[cfg(feature = "passkeys")]
    super::passkeys::flow(life).await;
    #[cfg(feature = "social")]
    super::social::flow(life).await;
    // Something is answered in any build.
    sign_up(life).await;
}

/// Goes on from a page that was found to do what was asked.
fn done(page: &Page) {
    let fine = page.status.is_success() || page.status.is_redirection();
    assert!(fine, "{}: {} {}", page.url, page.status, page.body);
}

/// Opens a link, and presses the button there.
async fn press(browser: &mut Browser, link: &str, fields: &[(&str, &str)]) {
    let page = browser.get(link).await;
    done(&page);
    done(&browser.submit(&page, fields).await);
}

async fn sign_up(life: &mut Life) {
    let (email, mut browser) = (life.address(), life.browser());
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    for (path, kind) in [
        ("/register", "confirm"),
        ("/register", "email_taken"),
        ("/forgot-password", "reset"),
        ("/login/link", "login_link"),
    ] {
        done(&browser.post(path, &fields).await);
        life.told(kind, &email);
    }
    let link = life.link("reset", &email).await;
    press(&mut life.browser(), &link, &[("password", BETTER)]).await;
    life.told("password_set", &email);
}

async fn change_email(life: &mut Life) {
    let (old, mut browser) = life.logged_in().await;
    let new = life.address();
    done(&browser.post("/settings/email", &[("email", &new)]).await);
    life.told("change_email", &new);
    life.told("email_change_asked", &old);
    let link = life.link("change_email", &new).await;
    let page = browser.get(&link).await;
    let form = page.form_to("/settings/email/confirm");
    let fields: Vec<_> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    done(&browser.post("/settings/email/confirm", &fields).await);
    life.told("email_changed", &old);
}

async fn wanted_address(life: &mut Life) {
    let holder = life.user().await;
    let (asker, mut browser) = life.logged_in().await;
    done(&browser.post("/settings/email", &[("email", &holder)]).await);
    life.told("email_wanted", &holder);
    life.told("email_change_asked", &asker);
}

async fn organization(life: &mut Life) {
    let (owner, mut browser) = life.logged_in().await;
    let (member, guest) = (life.user().await, life.address());
    let name = format!("Initech {}", life.unique());
    let (accounts, organizations) = (life.accounts.accounts(), life.accounts.organizations());
    let owner = accounts.find_by_email(&owner).await.unwrap().unwrap();
    let user = accounts.find_by_email(&member).await.unwrap().unwrap();
    let made = organizations.create(&name.parse().unwrap(), None, owner.id()).await.unwrap();
    organizations.add_member(made.id, user.id(), &MemberRole::MEMBER).await.unwrap();
    let path = format!("/settings/organizations/{}", made.slug);
    for (action, fields, kind, to) in [
        ("invite", [("email", guest.as_str()), ("role", "member")], "invitation", &guest),
        ("role", [("user", user.id().as_str()), ("role", "admin")], "role_changed", &member),
        ("remove", [("user", user.id().as_str()), ("role", "")], "member_removed", &member),
    ] {
        done(&browser.post(&format!("{path}/{action}"), &fields).await);
        life.told(kind, to);
    }
}

async fn break_glass(life: &mut Life) {
    let domain = format!("acme-{}.example", life.unique());
    let (olga, bob) = (format!("olga@{domain}"), format!("bob@{domain}"));
    let olga_id = life.user_at(&olga).await;
    life.user_at(&bob).await;
    let app = TotpSecret::generate(&SystemRandom);
    life.accounts.accounts().import_totp(&olga_id, &app).await.unwrap();
    acme_of(life, &domain, (&olga, &bob)).await;

    let mut browser = life.browser();
    let page = browser.get("/login/break-glass").await;
    let page = browser.submit(&page, &[("email", &olga), ("password", PASSWORD)]).await;
    browser.follow(page).await;
    let page = verify(&mut browser, &app.code_at(life.clock.now())).await;
    assert_eq!(page.body, format!("hello {olga} at /"));
    life.told("break_glass", &bob);
}

/// An organization of two owners that enforces single sign-on, in which the first comes in all the
/// same.
pub async fn acme_of(life: &mut Life, domain: &str, (olga, bob): (&str, &str)) {
    let accounts = life.accounts.accounts();
    let olga = accounts.find_by_email(olga).await.unwrap().unwrap();
    let bob = accounts.find_by_email(bob).await.unwrap().unwrap();
    let name = format!("Acme {}", life.unique());
    let organizations = life.accounts.organizations();
    let made = organizations.create(&name.parse().unwrap(), None, olga.id()).await.unwrap();
    organizations.add_member(made.id, bob.id(), &MemberRole::OWNER).await.unwrap();
    organizations.grant_domain(made.id, domain, VOUCHED_AT).await.unwrap();
    let named = organizations.name_break_glass(made.id, olga.id(), true).await.unwrap();
    assert_eq!(named, BreakGlassChange::Done);
    let set = organizations.set_single_sign_on(made.id, domain, SsoMode::Enforced).await.unwrap();
    assert_eq!(set, SsoChange::Done);
}

async fn passwords(life: &mut Life) {
    let (email, mut browser) = life.logged_in().await;
    let fields = [("current", PASSWORD), ("password", BETTER)];
    done(&browser.post("/settings/password", &fields).await);
    life.told("password_changed", &email);

    let without = life.address();
    let accounts = life.accounts.accounts();
    accounts.create(&without, None, Default::default(), true).await.unwrap();
    let mut browser = life.browser();
    done(&browser.post("/login/link", &[("email", &without)]).await);
    life.told("login_link", &without);
    let link = life.link("login_link", &without).await;
    press(&mut browser, &link, &[]).await;
    done(&browser.post("/settings/password", &[("password", BETTER)]).await);
    life.told("password_added", &without);
}

async fn locked(life: &mut Life) {
    let email = life.user().await;
    let mut stranger = life.browser();
    for _ in 0..6 {
        log_in(&mut stranger, &email, "a wrong password").await;
    }
    life.told("locked", &email);
}

/// A user who is logged in, and has an authenticator app whose next code is a new one.
pub async fn with_app(life: &mut Life) -> (String, Browser, TotpSecret) {
    let (email, mut browser) = life.logged_in().await;
    let app = secret_on(&browser.get("/settings/two-factor/setup").await);
    let code = app.code_at(life.clock.now());
    done(&browser.post("/settings/two-factor/setup", &[("code", &code)]).await);
    life.told("app_added", &email);
    life.clock.advance(Duration::seconds(30));
    (email, browser, app)
}

async fn second_factor(life: &mut Life) {
    let (email, _, _) = with_app(life).await;
    let mut thief = life.browser();
    pending(&mut thief, &email).await;
    for _ in 0..6 {
        verify(&mut thief, "no code at all").await;
    }
    life.told("second_factor_locked", &email);

    let (email, mut browser, app) = with_app(life).await;
    let code = app.code_at(life.clock.now());
    let page = browser.post("/settings/two-factor/backup-codes", &[("code", &code)]).await;
    done(&page);
    life.told("backup_codes_replaced", &email);
    let mut other = life.browser();
    pending(&mut other, &email).await;
    done(&verify(&mut other, &codes_on(&page)[0]).await);
    life.told("backup_code_used", &email);
    life.clock.advance(Duration::seconds(30));
    let code = app.code_at(life.clock.now());
    done(&browser.post("/settings/two-factor/disable", &[("code", &code)]).await);
    life.told("second_factor_removed", &email);
}

async fn token(life: &mut Life) {
    let (email, mut browser) = life.logged_in().await;
    let fields = [("name", "Backups"), ("scope", SCOPE), ("lifetime", "30")];
    done(&browser.post("/settings/tokens", &fields).await);
    life.told("token_created", &email);
}

async fn deletion(life: &mut Life) {
    for goes in [false, true] {
        let (email, mut browser) = life.logged_in().await;
        let fields = [("confirm", "1"), ("password", PASSWORD)];
        done(&browser.post("/settings/delete", &fields).await);
        life.told("deletion_requested", &email);
        if goes {
            life.clock.advance(Duration::days(15));
            while life.accounts.execute_due_deletions().await.unwrap() > 0 {}
            life.told("deleted", &email);
        } else {
            let link = life.link("deletion_requested", &email).await;
            press(&mut life.browser(), &link, &[]).await;
            life.told("deletion_cancelled", &email);
        }
    }
}

async fn unknown_logins(life: &mut Life) {
    let email = life.user().await;
    let [a, b] = life.own_numbers();
    for (network, told) in [(18, None), (18, Some("new_device")), (19, Some("suspicious_login"))] {
        life.clock.advance(Duration::SECOND);
        let mut browser = life.browser();
        browser.peer = Some([198, network, a, b].into());
        browser.user_agent = FIREFOX;
        let page = log_in(&mut browser, &email, PASSWORD).await;
        assert_eq!(page.body, format!("hello {email} at /"));
        if let Some(kind) = told {
            life.told(kind, &email);
        }
    }
}
