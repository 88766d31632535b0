//! Who comes by an identity provider, and whose organization asks for the second factor: from the
//! provider to the organization's page, with nothing between but HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use donjon::account::Accounts;
use donjon::crypto::Clock as _;
use donjon::saml::{Connection, MapperError, SamlLayer, SamlLogin, UserMapper};
use donjon::scope::Account;
use donjon::session::{RequireMembershipLayer, SessionLayer};
use http::Request;
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::*;
use crate::account::second_factor::methods;
use crate::account::world::{ORIGIN, hello};
use crate::support::identity_provider::{LoginRequest, Statement, metadata};

const PAGE: &str = "/reports?of=today";
const SETUP: &str = "/settings/two-factor/setup";

/// Users are who the identity provider says they are.
#[derive(Debug)]
struct ByAddress(Accounts);

#[async_trait]
impl UserMapper for ByAddress {
    async fn map_user(&self, login: SamlLogin<'_>) -> Result<Account, MapperError> {
        let found = self.0.find_by_email(&login.facts.name_id.value).await.unwrap();
        found.ok_or_else(|| MapperError::Refused("You have no account here.".into()))
    }
}

/// A browser at an application with an identity provider, whose page is for members only.
fn application(world: &World) -> Browser {
    let connection =
        Connection::from_metadata("acme", metadata().as_bytes(), world.clock.now()).unwrap();
    let mapper = Arc::new(ByAddress(world.accounts.accounts().clone()));
    let saml = SamlLayer::builder(&world.store, &world.keyring, ORIGIN, mapper)
        .connection(connection)
        .clock(world.clock.clone())
        .build()
        .unwrap();
    let sessions = SessionLayer::new(&world.store, &world.keyring)
        .base_url(ORIGIN)
        .unwrap()
        .clock(world.clock.clone());
    let members = RequireMembershipLayer::new().layer(service_fn(hello));
    let host = service_fn(move |request: Request<Full<Bytes>>| {
        let members = members.clone();
        async move {
            if request.uri().path() == "/reports" {
                let response = members.oneshot(request).await?;
                let (parts, body) = response.into_parts();
                let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
                return Ok(http::Response::from_parts(parts, Full::from(body)));
            }
            hello(request).await
        }
    });
    Browser::new(sessions.layer(saml.layer(world.accounts.layer(host))), ORIGIN)
}

/// To the identity provider, where the user logs in, and back.
async fn by_provider(world: &World, browser: &mut Browser, path: &str, email: &str) -> Page {
    let page = browser.get(path).await;
    let request = LoginRequest::read(&page.location().unwrap());
    let now = world.clock.now();
    let answer = Statement::of(email, now).answer(&request, &format!("{ORIGIN}/saml/acme"));
    let fields = [("SAMLResponse", answer.as_str()), ("RelayState", &request.relay_state)];
    let page = browser.post("/saml/acme/acs", &fields).await;
    browser.get(page.location().unwrap().as_str()).await
}

/// Bob has no password; his organization enforces single sign-on, and asks for the second factor.
async fn demanding(world: &World) -> OrganizationId {
    let accounts = world.accounts.accounts();
    accounts.create(BOB, None, Default::default(), true).await.unwrap();
    let id = enforced(world).await;
    world.accounts.organizations().require_second_factor(id, true).await.unwrap();
    id
}

#[tokio::test]
async fn a_member_who_comes_by_the_provider_shows_their_second_factor_and_gets_in() {
    each_world(async |world| {
        demanding(&world).await;
        let mut bob = application(&world);
        let page = by_provider(&world, &mut bob, VOUCHED_AT, BOB).await;
        assert_eq!(page.location().unwrap().path(), "/");
        bob.post(&format!("{ACME}/switch"), &[]).await;

        // Who has none sets one up, even though there is no password to prove anything by: at first
        // in a login that is not fresh any more.
        world.clock.advance(Duration::minutes(10));
        let page = bob.get(PAGE).await;
        assert_eq!(page.location().unwrap().path(), SETUP);
        let page = bob.get(page.location().unwrap().as_str()).await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
        let page = bob.follow(page).await;
        let to_provider = page.link("Log in with acme.example");
        let page = by_provider(&world, &mut bob, &to_provider, BOB).await;
        assert_eq!(page.location().unwrap().path(), SETUP);
        let setup = page.location().unwrap();
        let page = bob.get(setup.as_str()).await;
        let secret = crate::account::second_factor::secret_on(&page);
        let code = secret.code_at(world.clock.now());
        let page = bob.post(setup.as_str(), &[("code", &code)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        // The trip goes on, and the demand is met in this very session.
        assert!(page.body.contains("/reports?of=today"), "{}", page.body);
        assert_eq!(bob.get(PAGE).await.body, format!("hello {BOB} at {PAGE}"));

        // The next session is the provider's alone: it is asked for the code, and nothing else.
        world.clock.advance(Duration::HOUR);
        let mut bob = application(&world);
        by_provider(&world, &mut bob, VOUCHED_AT, BOB).await;
        bob.post(&format!("{ACME}/switch"), &[]).await;
        let page = bob.get(PAGE).await;
        let page = bob.follow(page).await;
        assert_eq!(page.url.path(), "/login/again");
        assert!(page.has("code") && !page.has("password"));
        let (before, code) = (bob.cookies["session"].clone(), secret.code_at(world.clock.now()));
        let thief = bob.clone();
        assert_eq!(bob.submit(&page, &[("code", "000000")]).await.status, REFUSED);
        let page = bob.submit(&page, &[("code", &code)]).await;
        assert_eq!(page.location().unwrap().as_str(), format!("{ORIGIN}{PAGE}"));
        assert_eq!(bob.follow(page).await.body, format!("hello {BOB} at {PAGE}"));
        assert_ne!(bob.cookies["session"], before, "the token is a new one");
        assert_eq!(who(&mut thief.clone()).await, "hello stranger at /");
        // It is still the session that came by the provider, and the owner of the domain looks on.
        let bob_id = id_of(&world, BOB).await;
        let sessions = world.store.sessions_of(&bob_id, world.clock.now()).await.unwrap();
        let login = sessions[0].login.as_ref().unwrap();
        assert_eq!(login.authentication.login_path.as_deref(), Some(VOUCHED_AT));
        assert_eq!(methods(&world, BOB).await[0], ["fed", "otp", "mfa"]);
        assert_eq!(bob.get(ACME).await.status, StatusCode::OK, "nor is the own page closed");
        assert_eq!(told(&world, "mfa.verify").await.iter().filter(|done| **done).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_owner_who_breaks_the_glass_has_shown_it_already() {
    each_world(async |world| {
        let app = App::of(&world, OLGA).await;
        let id = acme(&world).await;
        let olga = id_of(&world, OLGA).await;
        let organizations = world.accounts.organizations();
        organizations.name_break_glass(id, &olga, true).await.unwrap();
        organizations.require_second_factor(id, true).await.unwrap();
        set(&world, id, SsoMode::Enforced).await;
        world.clock.advance(Duration::HOUR);

        let mut browser = application(&world);
        let page = browser.get("/login/break-glass").await;
        let page = browser.submit(&page, &[("email", OLGA), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        browser.submit(&page, &[("code", &app.code(&world))]).await;
        browser.post(&format!("{ACME}/switch"), &[]).await;
        assert_eq!(browser.get(PAGE).await.body, format!("hello {OLGA} at {PAGE}"));
        assert_eq!(browser.get(SSO).await.status, StatusCode::OK);
        // Who was let in so is not sent round for what they have shown.
        let page = browser.get("/login/again?factor=second&return_to=%2Freports").await;
        assert_eq!(page.location().unwrap().path(), "/reports");

        // By the provider, she shows it where everybody does.
        let mut browser = application(&world);
        by_provider(&world, &mut browser, VOUCHED_AT, OLGA).await;
        browser.post(&format!("{ACME}/switch"), &[]).await;
        let page = browser.get(PAGE).await;
        let page = browser.follow(page).await;
        let page = browser.submit(&page, &[("code", &app.next_code(&world))]).await;
        assert_eq!(browser.follow(page).await.body, format!("hello {OLGA} at {PAGE}"));
    })
    .await;
}

#[tokio::test]
async fn who_came_by_a_provider_that_nobody_enforces_proves_it_there_again() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(CONNIE, None, Default::default(), true).await.unwrap();
        let mut connie = application(&world);
        by_provider(&world, &mut connie, VOUCHED_AT, CONNIE).await;
        world.clock.advance(Duration::minutes(10));
        let page = connie.get(SETUP).await;
        let page = connie.follow(page).await;
        let to_provider = page.link("Log in with elsewhere.example");
        assert!(to_provider.starts_with(VOUCHED_AT), "{to_provider}");
        let page = by_provider(&world, &mut connie, &to_provider, CONNIE).await;
        assert_eq!(page.location().unwrap().path(), SETUP);
        assert_eq!(connie.get(SETUP).await.status, StatusCode::OK);
    })
    .await;
}

/// As every morning: the session of yesterday is over, and the provider opens another.
#[tokio::test]
async fn a_member_shows_the_second_factor_once_in_a_browser_that_they_trust() {
    each_world(async |world| {
        let app = App::of(&world, BOB).await;
        let id = enforced(&world).await;
        world.accounts.organizations().require_second_factor(id, true).await.unwrap();
        let mut bob = application(&world);
        in_the_morning(&world, &mut bob).await;
        let page = bob.get(PAGE).await;
        let page = bob.follow(page).await;
        assert!(page.body.contains("Trust this browser for 30 days"), "{}", page.body);
        let page = bob.submit(&page, &[("code", &app.code(&world)), ("trust", "1")]).await;
        assert_eq!(bob.follow(page).await.body, format!("hello {BOB} at {PAGE}"));
        for path in [PAGE, ACME] {
            in_the_morning(&world, &mut bob).await;
            // The demand is not met by the cookie alone: it is asked for, and the answer is written.
            let page = bob.get(path).await;
            assert!(page.location().unwrap().query().unwrap().contains("factor=second"));
            assert_eq!(methods(&world, BOB).await[0], ["fed"]);
            let page = bob.follow(page).await;
            assert_eq!(
                (page.status, page.url.path()),
                (StatusCode::OK, path.split('?').next().unwrap())
            );
            assert_eq!(methods(&world, BOB).await[0], ["fed", "tbr"]);
            assert_eq!(bob.get(path).await.status, StatusCode::OK, "once for a session");
        }
        let bob_id = id_of(&world, BOB).await;
        let sessions = world.store.sessions_of(&bob_id, world.clock.now()).await.unwrap();
        let login = sessions[0].login.as_ref().unwrap();
        assert_eq!(login.authentication.login_path.as_deref(), Some(VOUCHED_AT));

        // In a browser of his that he does not trust, and in this one after thirty days, he is asked.
        let mut other = application(&world);
        in_the_morning(&world, &mut other).await;
        let page = other.get(PAGE).await;
        assert!(other.follow(page).await.has("code"));
        world.clock.advance(Duration::days(28));
        in_the_morning(&world, &mut bob).await;
        let page = bob.get(PAGE).await;
        assert!(bob.follow(page).await.has("code"));
    })
    .await;
}

#[tokio::test]
async fn a_demand_that_is_newer_than_the_trust_is_met_by_what_the_user_still_has() {
    each_world(async |world| {
        let app = App::of(&world, BOB).await;
        let id = enforced(&world).await;
        let organizations = world.accounts.organizations();
        let mut bob = application(&world);
        in_the_morning(&world, &mut bob).await;
        let page = bob.get("/login/again?factor=second").await;
        bob.submit(&page, &[("code", &app.code(&world)), ("trust", "1")]).await;
        in_the_morning(&world, &mut bob).await;
        assert_eq!(bob.get(PAGE).await.body, format!("hello {BOB} at {PAGE}"));

        // It counts in sessions that there are, at once, and whatever the browser keeps.
        organizations.require_second_factor(id, true).await.unwrap();
        let page = bob.get(PAGE).await;
        assert!(page.location().unwrap().query().unwrap().contains("factor=second"));
        let stolen = bob.clone();
        let page = bob.follow(page).await;
        assert_eq!(page.body, format!("hello {BOB} at {PAGE}"));
        assert_eq!(methods(&world, BOB).await[0], ["fed", "tbr"]);
        assert_eq!(who(&mut stolen.clone()).await, "hello stranger at /", "of the token of before");

        // Who has no second factor any more has nothing that stands for one.
        let user = id_of(&world, BOB).await;
        let none = Effects::none();
        world.store.remove_totp(&user, None, &none).await.unwrap();
        assert_eq!(bob.get(PAGE).await.location().unwrap().path(), SETUP);
        in_the_morning(&world, &mut bob).await;
        let page = bob.get("/login/again?factor=second").await;
        assert_eq!(page.location().unwrap().path(), SETUP);
    })
    .await;
}

/// Logs in by the provider a day later, with what the browser keeps but for the session.
async fn in_the_morning(world: &World, browser: &mut Browser) {
    world.clock.advance(Duration::DAY);
    browser.cookies.remove("session");
    by_provider(world, browser, VOUCHED_AT, BOB).await;
    browser.post(&format!("{ACME}/switch"), &[]).await;
}
