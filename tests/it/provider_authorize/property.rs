//! Whatever happens in whatever order: no code without a fresh login and consent.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use donjon::crypto::Clock as _;
use donjon::scope::CurrentScope;
use donjon::store::SqlStore;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use time::{Duration, OffsetDateTime};

use super::world::{Answer, Browser, ISSUER, Page, World, client};

const PROMPTS: [&str; 6] = ["", "none", "login", "consent", "login consent", "select_account"];
const SCOPES: [&str; 3] = ["openid", "openid email", "openid api:read"];
const USERS: [&str; 2] = ["alice", "bob"];
const LIFETIME: Duration = Duration::HOUR;

#[derive(Clone, Debug)]
enum Event {
    LogIn(usize),
    LogOut,
    Wait(i64),
    Request {
        prompt: usize,
        scope: usize,
        max_age: Option<i64>,
    },
    Resume(usize),
    Press {
        page: usize,
        approve: bool,
    },
    /// Another browser, in which the same user is logged in, has the URL and the form.
    Stolen(usize),
}

/// Mostly the latest, sometimes an older one.
fn recent() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0usize), 1 => 1usize..4]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..USERS.len()).prop_map(Event::LogIn),
        1 => Just(Event::LogOut),
        2 => prop_oneof![4 => 1i64..5, 2 => 30i64..90, 1 => Just(3500i64)].prop_map(Event::Wait),
        4 => (0..PROMPTS.len(), 0..SCOPES.len(), prop::option::of(0i64..60))
            .prop_map(|(prompt, scope, max_age)| Event::Request { prompt, scope, max_age }),
        4 => recent().prop_map(Event::Resume),
        5 => (recent(), prop::bool::weighted(0.85))
            .prop_map(|(page, approve)| Event::Press { page, approve }),
        1 => recent().prop_map(Event::Stolen),
    ]
}

/// An authorization as the test sees it.
#[derive(Clone, Debug)]
struct Asked {
    prompt: &'static str,
    scope: &'static str,
    max_age: Option<i64>,
    at: OffsetDateTime,
}

/// What must be true, kept beside what the server does.
struct Model {
    world: World,
    client: String,
    browser: Browser,
    interactions: Vec<(String, Asked)>,
    pages: Vec<(Page, &'static str)>,
    user: &'static str,
    agreed: HashSet<(&'static str, &'static str)>,
    codes: BTreeMap<String, String>,
    denied: HashSet<String>,
    issued: usize,
}

impl Model {
    async fn step(&mut self, event: Event) {
        match event {
            Event::LogIn(user) => {
                self.user = USERS[user];
                self.world.log_in(&mut self.browser, self.user);
            }
            Event::LogOut => self.browser.scope = CurrentScope::anonymous(),
            Event::Wait(seconds) => self.world.clock.advance(Duration::seconds(seconds)),
            Event::Request { prompt, scope, max_age } => {
                let at = self.world.clock.now();
                let asked = Asked { prompt: PROMPTS[prompt], scope: SCOPES[scope], max_age, at };
                self.request(asked).await;
            }
            Event::Resume(which) => {
                let Some((path, asked)) = nth_last(&self.interactions, which).cloned() else {
                    return;
                };
                let answer = self.browser.get(&path).await;
                self.judge(Some(&path), &asked, &answer, false).await;
            }
            Event::Press { page, approve } => self.press(page, approve).await,
            Event::Stolen(which) => {
                let Some((page, _)) = nth_last(&self.pages, which) else { return };
                let mut thief = self.world.browser();
                thief.scope = self.browser.scope.clone();
                thief.get(&page.path).await.page_error();
                thief.post(&page.path, &page.form("approve"), ISSUER).await.page_error();
            }
        }
    }

    async fn request(&mut self, asked: Asked) {
        let max_age = asked.max_age.map(|age| age.to_string()).unwrap_or_default();
        let answer = self
            .browser
            .authorize(&[
                ("client_id", &self.client),
                ("prompt", asked.prompt),
                ("scope", asked.scope),
                ("max_age", &max_age),
            ])
            .await;
        self.judge(None, &asked, &answer, false).await;
    }

    async fn press(&mut self, which: usize, approve: bool) {
        let Some((page, shown_to)) = nth_last(&self.pages, which) else { return };
        let (path, shown_to) = (page.path.clone(), *shown_to);
        let form = page.form(if approve { "approve" } else { "deny" });
        let found = self.interactions.iter().find(|(other, _)| *other == path);
        let asked = found.map(|(_, asked)| asked.clone()).unwrap();
        let answer = self.browser.post(&path, &form, ISSUER).await;
        let yes = approve && shown_to == self.user;
        self.judge(Some(&path), &asked, &answer, yes).await;
        if !approve {
            assert!(!answer.body.contains("code="));
            self.denied.insert(path);
        }
    }

    /// Looks at an answer; `yes` says that the user who is there pressed a button shown to them.
    async fn judge(&mut self, path: Option<&str>, asked: &Asked, answer: &Answer, yes: bool) {
        let silent = asked.prompt == "none";
        let Some(location) = answer.headers.get("location").map(|l| l.to_str().unwrap()) else {
            assert!(!silent, "a page although prompt=none");
            if answer.status.is_success() {
                let page = self.browser.consent_page(path.unwrap()).await;
                self.pages.push((page, self.user));
            }
            return;
        };
        if !location.starts_with("https://client.example/") {
            assert!(!silent, "a page although prompt=none: {location}");
            let next =
                if location.starts_with("/login") { answer.return_to() } else { location.into() };
            if path.is_none() {
                self.interactions.push((next, asked.clone()));
            }
            return;
        }
        let Some(code) = answer.at_client().get("code").cloned() else { return };
        self.issued += 1;
        self.check_code(path, asked, &code, yes).await;
    }

    async fn check_code(&mut self, path: Option<&str>, asked: &Asked, code: &str, yes: bool) {
        let now = self.world.clock.now();
        // Somebody is there, and the code says who and how.
        let grant = self.world.code(code).await.unwrap().grant;
        let authentication = self.browser.scope.authentication().unwrap();
        assert_eq!(grant.subject.as_str(), self.user);
        assert_eq!(grant.authentication, *authentication);
        assert_eq!(grant.scopes.join(" "), asked.scope);
        // The login is as fresh as it was asked for.
        let since = authentication.at > asked.at;
        let again = asked.prompt.contains("login") || asked.prompt == "select_account";
        let old = asked.max_age.is_some_and(|age| now - authentication.at > Duration::seconds(age));
        assert!(since || !(again || old), "{asked:?}");
        // The interaction lasts, was not denied, and yields one code.
        assert!(now < asked.at + LIFETIME);
        if let Some(path) = path {
            assert!(!self.denied.contains(path));
            let first = self.codes.entry(path.to_owned()).or_insert_with(|| code.to_owned());
            assert_eq!(first, code);
        }
        // The user said yes now, or said so before to at least as much.
        if yes {
            self.agreed.insert((self.user, asked.scope));
            return;
        }
        assert!(!asked.prompt.contains("consent"), "{asked:?}");
        let agreed: HashSet<&str> = self
            .agreed
            .iter()
            .filter(|(user, _)| *user == self.user)
            .flat_map(|(_, scope)| scope.split(' '))
            .collect();
        assert!(asked.scope.split(' ').all(|scope| agreed.contains(scope)), "{asked:?}");
    }
}

fn nth_last<T>(items: &[T], nth: usize) -> Option<&T> {
    items.len().checked_sub(nth + 1).and_then(|index| items.get(index))
}

#[test]
fn no_code_without_a_fresh_login_and_consent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(SqlStore::connect("sqlite::memory:")).unwrap();
    let (cases, codes) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(event(), 10..60), |events| {
        cases.set(cases.get() + 1);
        // A client of its own: what was agreed to in another case is nothing to this one.
        let issued = runtime.block_on(play(&store, format!("client-{}", cases.get()), events));
        codes.set(codes.get() + issued);
        Ok(())
    });
    outcome.unwrap();
    // A server that never issues anything would pass all the rest.
    assert!(codes.get() > 100, "only {} codes in {} cases", codes.get(), cases.get());
}

/// Plays the events; answers how many codes there were.
async fn play(store: &SqlStore, client_id: String, events: Vec<Event>) -> usize {
    let clients = vec![client(&client_id, |_| {})];
    let world = World::new(store.clone(), clients, |builder| builder).await;
    let mut model = Model {
        browser: world.browser(),
        world,
        client: client_id,
        interactions: vec![],
        pages: vec![],
        user: USERS[0],
        agreed: HashSet::new(),
        codes: BTreeMap::new(),
        denied: HashSet::new(),
        issued: 0,
    };
    for event in events {
        model.step(event).await;
    }
    model.issued
}
