//! Passkeys: the store's contract, registering them, logging in with them.

mod again;
mod announced;
mod attacks;
mod codes;
mod copied;
mod left;
mod login;
mod lost;
mod one_factor;
mod second_factor;
mod settings;
mod single_sign_on;
mod step_up;
mod store;

use donjon::account::passkey::*;
use donjon::account::{AccountLayerBuilder, Policy};
use donjon::crypto::{Clock as _, RandomExt as _, SystemRandom};
use donjon::store::{AnsweredChallenge, Effects, Passkey, PasskeyAddition};
use donjon::testing::SoftPasskey;
use http::StatusCode;
use time::Duration;

use super::world::{ALICE, PASSWORD, World, each_world_at, log_in};
use crate::support::browser::{Browser, Page};

/// Passkeys belong to a domain.
const ORIGIN: &str = "http://localhost:3000";
/// What logs in where there are passkeys.
fn open_ways() -> donjon::store::OpenWays {
    donjon::store::OpenWays { rp_id: Some("localhost".into()), providers: Vec::new() }
}

const SETTINGS: &str = "/settings/passkeys";
const VERIFY: &str = "/login/verify";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// Tells the story on each database, where there are passkeys.
async fn each_world(story: impl AsyncFn(World)) {
    each_world_with(Passkeys::default(), story).await;
}

async fn each_world_with(passkeys: Passkeys, story: impl AsyncFn(World)) {
    let change = |builder: AccountLayerBuilder| builder.passkeys(passkeys.clone());
    each_world_at(ORIGIN, change, story).await;
}

/// What a page asks of the browser.
fn options_on(page: &Page) -> String {
    page.data("data-options")
}

/// Makes a passkey on the page about them.
async fn add(browser: &mut Browser, passkey: &mut SoftPasskey, name: &str) -> Page {
    let page = browser.get(SETTINGS).await;
    let answer = passkey.create(&options_on(&page)).unwrap();
    browser.post(SETTINGS, &[("name", name), ("credential", &answer)]).await
}

/// A user who has made a passkey, and is logged in nowhere.
pub(super) async fn user_with_passkey(world: &World, email: &str) -> SoftPasskey {
    world.user(email).await;
    let mut browser = world.logged_in(email).await;
    let mut passkey = SoftPasskey::at(ORIGIN);
    let page = add(&mut browser, &mut passkey, "a key").await;
    assert_eq!(page.location().unwrap().path(), SETTINGS, "{}", page.body);
    world.clock.advance(Duration::SECOND);
    passkey
}

/// Gives a user a passkey behind the pages' back.
async fn give(world: &World, email: &str, passkey: &mut SoftPasskey) {
    let account = world.account(email).await;
    let party = RelyingParty::at(ORIGIN).unwrap();
    let (user, challenge) =
        (UserHandle::of(account.id(), &party), Challenge::generate(&SystemRandom));
    let options = CreationOptions {
        party: &party,
        product: "Acme",
        user: &user,
        name: email,
        challenge: &challenge,
        existing: &[],
    };
    let answer = passkey.create(&options.to_json()).unwrap();
    let answer = RegistrationResponse::parse(&answer).unwrap();
    let (asked, other) = (UserVerification::Preferred, OtherAttestation::Refused);
    let made = verify_registration(answer, &challenge, &party, asked, other).unwrap();
    let now = world.clock.now();
    let stored = Passkey {
        id: SystemRandom.uuid_v7(now),
        user: account.id().clone(),
        credential: made.id().clone(),
        public_key: made.public_key().as_bytes().to_vec(),
        sign_count: made.sign_count(),
        aaguid: made.aaguid(),
        name: "given".into(),
        transports: Vec::new(),
        backup_eligible: made.backup_eligible(),
        backed_up: made.backed_up(),
        user_verified: made.user_verified(),
        rp_id: party.id().into(),
        created_at: now,
        last_used_at: None,
        suspended_at: None,
    };
    let answered = AnsweredChallenge { hash: challenge.hash(), expires_at: now };
    let added = world.store.add_passkey(&stored, answered, None, &Effects::none()).await.unwrap();
    assert_eq!(added, PasskeyAddition::Added);
    world.clock.advance(Duration::SECOND);
}

/// Answers what the login page asks.
pub(super) async fn come_in(browser: &mut Browser, passkey: &mut SoftPasskey) -> Page {
    let page = browser.get("/login").await;
    let answer = passkey.get(&options_on(&page)).unwrap();
    let page = browser.post("/login", &[("credential", &answer)]).await;
    browser.follow(page).await
}

/// Types the password, and stands before the question for the second step.
async fn pending(browser: &mut Browser, email: &str) -> Page {
    let page = log_in(browser, email, PASSWORD).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, VERIFY), "{}", page.body);
    page
}

/// Answers it.
async fn verify(browser: &mut Browser, page: &Page, passkey: &mut SoftPasskey) -> Page {
    let answer = passkey.get(&options_on(page)).unwrap();
    let page = browser.post(VERIFY, &[("credential", &answer)]).await;
    browser.follow(page).await
}

fn hello(email: &str) -> String {
    format!("hello {email} at /")
}
