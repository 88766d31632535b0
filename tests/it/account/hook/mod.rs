//! The host's word in who signs up and who logs in.

mod doors;
mod login;
mod sign_up;
mod sign_ups;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::account::{
    AccountHook, AccountLayerBuilder, Login, Refusal, SignUp, SignUpAttributes, SignUpField,
};
use donjon::scope::Account;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::support::browser::{Browser, Page};

const FIELD: &str = "display_name";
const REASON: &str = "Not today, <b>thank you</b>.";

/// What the host keeps of its users.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Profile {
    display_name: String,
    visits: u32,
}

/// What the hook does when it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Kind,
    Refuses,
    Errs,
    Panics,
}

/// How a hook says no, or cannot say anything.
const BAD: [Mood; 3] = [Mood::Refuses, Mood::Errs, Mood::Panics];

impl Mood {
    fn answer(self) -> Result<(), Refusal> {
        match self {
            Self::Kind => Ok(()),
            Self::Refuses => Err(Refusal::because(REASON)),
            Self::Errs => Err(std::io::Error::other("the host's table is locked").into()),
            Self::Panics => panic!("in the hook"),
        }
    }
}

/// A host that has a mood, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
struct House {
    at_sign_up: Arc<Mutex<Mood>>,
    at_login: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl House {
    fn known(&self, builder: AccountLayerBuilder) -> AccountLayerBuilder {
        // A new world begins at the beginning.
        (*self.at_sign_up.lock().unwrap(), *self.at_login.lock().unwrap()) = Default::default();
        self.asked();
        let field = SignUpField::new(FIELD, "What may we call you?").max_length(20);
        builder.account_hook(self.clone()).sign_up_fields([field])
    }

    fn at_sign_up(&self, mood: Mood) {
        *self.at_sign_up.lock().unwrap() = mood;
    }

    fn at_login(&self, mood: Mood) {
        *self.at_login.lock().unwrap() = mood;
    }

    /// What it was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl AccountHook for House {
    async fn permits_sign_up(&self, who: &SignUp<'_>) -> Result<SignUpAttributes, Refusal> {
        let (name, password) = (who.field(FIELD), who.field("password"));
        let said = format!("{} {:?} {name:?} {password:?}", who.email, who.way);
        self.asked.lock().unwrap().push(said);
        let mood = *self.at_sign_up.lock().unwrap();
        mood.answer()?;
        let display_name = name.unwrap_or("Somebody").to_owned();
        Ok(SignUpAttributes::of(&Profile { display_name, visits: 0 })?)
    }

    async fn permits_login(&self, who: &Login<'_>) -> Result<(), Refusal> {
        let email = who.account.email().unwrap_or_default();
        let methods: Vec<_> = who.methods.iter().map(|method| method.as_str()).collect();
        let said = format!("{email} {:?} {}", who.door, methods.join("+"));
        self.asked.lock().unwrap().push(said);
        let mood = *self.at_login.lock().unwrap();
        mood.answer()
    }
}

async fn found(world: &World, email: &str) -> Option<Account> {
    world.accounts.accounts().find_by_email(email).await.unwrap()
}

/// The page tells the one who has proven who they are why they do not come in, as text; and nothing of
/// the login is left.
async fn is_turned_away(browser: &mut Browser, page: &Page, mood: Mood) {
    match mood {
        Mood::Refuses => {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
            assert!(page.body.contains("Not today") && !page.body.contains("<b>"), "{}", page.body);
        }
        _ => {
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.body);
            assert!(!page.body.contains("locked"), "{}", page.body);
        }
    }
    for name in ["session", "device", "pending-login", "pending-password", "keep-account"] {
        assert!(!browser.cookies.contains_key(name), "{name}: {:?}", browser.cookies);
    }
    assert_eq!(browser.get("/").await.body, "hello stranger at /");
    for path in ["/login/verify", "/login/password", "/settings"] {
        let page = browser.get(path).await;
        assert_eq!(page.location().unwrap().path(), "/login", "{path}");
    }
}
