//! Second factors: the store's contract, setting one up, logging in with it.

mod bypass;
mod import;
mod login;
mod pending;
mod settings;
mod step_up;
mod store;
mod told;
mod trust;
mod trust_beside;

use donjon::account::mfa::TotpSecret;
use donjon::crypto::Clock as _;
use http::StatusCode;
use time::Duration;

use super::world::{PASSWORD, World, log_in};
use crate::support::browser::{Browser, Page};

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const SETUP: &str = "/settings/two-factor/setup";
const ADDED: &str = "An authenticator app was set up for your account";
pub(super) const VERIFY: &str = "/login/verify";

/// The authenticator app of a user, and the codes on paper.
pub struct App {
    secret: TotpSecret,
    pub codes: Vec<String>,
}

impl App {
    /// Sets one up in a browser in which the user is logged in. Its next code is a new one.
    pub async fn set_up(world: &World, browser: &mut Browser) -> Self {
        let page = browser.get(SETUP).await;
        let secret = secret_on(&page);
        let code = secret.code_at(world.clock.now());
        let page = browser.post(SETUP, &[("code", &code)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(world.all_mails().await.iter().any(|mail| mail.subject == ADDED));
        world.clock.advance(Duration::seconds(30));
        Self { secret, codes: codes_on(&page) }
    }

    /// A user who has one, and is logged in nowhere.
    pub async fn of(world: &World, email: &str) -> Self {
        world.user(email).await;
        let mut browser = world.logged_in(email).await;
        Self::set_up(world, &mut browser).await
    }

    /// What the app shows now.
    pub fn code(&self, world: &World) -> String {
        self.secret.code_at(world.clock.now())
    }

    /// What it shows when the last code is over.
    pub fn next_code(&self, world: &World) -> String {
        world.clock.advance(Duration::seconds(30));
        self.code(world)
    }
}

/// Sets one up in a browser in which the user is logged in.
pub async fn set_up(world: &World, browser: &mut Browser) {
    App::set_up(world, browser).await;
}

/// The key that the page shows for typing.
pub fn secret_on(page: &Page) -> TotpSecret {
    secret_of(&page.text_of("secret"))
}

/// A key as it is written for typing.
pub fn secret_of(text: &str) -> TotpSecret {
    let text: String = text.split(' ').collect();
    let mut bits = text.bytes().flat_map(|letter| {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|c| *c == letter).unwrap();
        (0..5).rev().map(move |bit| value >> bit & 1)
    });
    TotpSecret::from_bytes(
        [(); 20].map(|()| bits.by_ref().take(8).fold(0, |byte, bit| byte << 1 | bit as u8)),
    )
}

/// The backup codes that the page shows.
pub fn codes_on(page: &Page) -> Vec<String> {
    let codes = page.body.split("<li><code>").skip(1);
    codes.map(|code| code.split('<').next().unwrap().to_owned()).collect()
}

/// Types the password, and stands before the question for the code.
pub(super) async fn pending(browser: &mut Browser, email: &str) -> Page {
    let page = log_in(browser, email, PASSWORD).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, VERIFY), "{}", page.body);
    page
}

/// Types a code.
pub(super) async fn verify(browser: &mut Browser, code: &str) -> Page {
    let page = browser.post(VERIFY, &[("code", code)]).await;
    browser.follow(page).await
}

/// The `amr` of each session the user has, the newest first.
pub async fn methods(world: &World, email: &str) -> Vec<Vec<String>> {
    let account = world.account(email).await;
    let sessions = world.store.sessions_of(account.id(), world.clock.now()).await.unwrap();
    let logins = sessions.into_iter().filter_map(|session| session.login);
    let named = |login: donjon::store::Login| {
        let methods = login.authentication.methods;
        methods.iter().map(|method| method.as_str().to_owned()).collect()
    };
    logins.map(named).collect()
}
