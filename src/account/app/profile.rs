use time::Duration;

use super::redirect::RedirectUri;

/// The longest id of an app, and the longest name, in bytes.
const MAX: usize = 100;

/// An app of the host's own: which it is, where its codes go, and what it may do.
///
/// ```
/// use donjon::account::app::{App, AppLifetimes};
/// use time::Duration;
///
/// let app = App::new("acme-desktop", "Acme for desktops")
///     .redirect_uri("http://127.0.0.1/logged-in")
///     .scopes(["api:read"])
///     .lifetimes(AppLifetimes { idle: Duration::days(7), ..AppLifetimes::default() });
/// assert_eq!(app.id(), "acme-desktop");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct App {
    id: String,
    name: String,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
    lifetimes: AppLifetimes,
    asks_once: bool,
}

/// How long what an app gets works. `access < idle <= absolute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppLifetimes {
    /// An access token; 15 minutes.
    pub access: Duration,
    /// A session that nobody refreshes; 30 days.
    pub idle: Duration,
    /// A session in any case; 90 days.
    pub absolute: Duration,
    /// For how long a repeated refresh gets the same successor, unless that was used; 30 seconds, at
    /// most 5 minutes. Zero for not at all: an app whose answer got lost is then logged out.
    pub grace: Duration,
}

impl Default for AppLifetimes {
    fn default() -> Self {
        Self {
            access: Duration::minutes(15),
            idle: Duration::days(30),
            absolute: Duration::days(90),
            grace: Duration::seconds(30),
        }
    }
}

/// Why an app cannot be like that: each is the fault of the host's configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApp {
    /// The id is none.
    #[error("app {0:?}: an id is 1 to 100 letters, digits, '-', '_' and '.'")]
    Id(String),
    /// Another app has the id.
    #[error("app {0:?}: another one has this id")]
    Taken(String),
    /// The name is empty, too long, or has control characters.
    #[error("app {0:?}: a name has 1 to 100 bytes, and none that controls a terminal")]
    Name(String),
    /// There is nowhere to send codes to, or a URI is of no kind that an app can have.
    #[error(
        "app {id:?}: redirect URI {uri:?} is none of https://HOST/…, REVERSED.DOMAIN:/…, \
         http://127.0.0.1/… and http://[::1]/…"
    )]
    RedirectUri {
        /// The app.
        id: String,
        /// The URI; empty if there is none at all.
        uri: String,
    },
    /// A scope is none (RFC 6749, section 3.3).
    #[error("app {id:?}: {scope:?} is no scope")]
    Scope {
        /// The app.
        id: String,
        /// What is no scope.
        scope: String,
    },
    /// The lifetimes are not in order.
    #[error("app {0:?}: 0 < access < idle <= absolute, and 0 <= grace <= 5 minutes")]
    Lifetimes(String),
}

impl App {
    /// An app that is known by `id`, for good, and called `name` where its users see it. It may do
    /// nothing in particular yet, and has nowhere to send codes to.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            lifetimes: AppLifetimes::default(),
            asks_once: false,
        }
    }

    /// An address that its codes may go to; one more with each call.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// What it may do. A session keeps the scopes it began with, as long as the app has them.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long what it gets works.
    pub fn lifetimes(mut self, lifetimes: AppLifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// Does not ask users who have a session of this app already, and goes on at once; only where the
    /// code goes to a claimed `https` address. Other addresses any program can have, and so the user
    /// is asked each time (RFC 8252, section 8.6).
    pub fn asks_once(mut self) -> Self {
        self.asks_once = true;
        self
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Holds it against the rules.
    pub(super) fn check(self) -> Result<Profile, InvalidApp> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if !(1..=MAX).contains(&self.id.len()) || !self.id.bytes().all(plain) {
            return Err(InvalidApp::Id(self.id));
        }
        let id = self.id;
        if !(1..=MAX).contains(&self.name.trim().len()) || self.name.contains(char::is_control) {
            return Err(InvalidApp::Name(id));
        }
        let wrong = |uri: &str| InvalidApp::RedirectUri { id: id.clone(), uri: uri.to_owned() };
        let mut redirect_uris = Vec::new();
        for uri in &self.redirect_uris {
            redirect_uris.push(RedirectUri::parse(uri).ok_or_else(|| wrong(uri))?);
        }
        if redirect_uris.is_empty() {
            return Err(wrong(""));
        }
        let is_scope = |scope: &String| {
            let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
            (1..=128).contains(&scope.len()) && scope.bytes().all(plain)
        };
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(InvalidApp::Scope { id, scope: scope.clone() });
        }
        let AppLifetimes { access, idle, absolute, grace } = self.lifetimes;
        let ordered = access.is_positive() && access < idle && idle <= absolute;
        if !ordered || grace.is_negative() || grace > Duration::minutes(5) {
            return Err(InvalidApp::Lifetimes(id));
        }
        let Self { name, scopes, lifetimes, asks_once, .. } = self;
        Ok(Profile { id, name, redirect_uris, scopes, lifetimes, asks_once })
    }
}

/// An app that was held against the rules.
#[derive(Clone, Debug)]
pub(in crate::account) struct Profile {
    pub(super) id: String,
    pub(in crate::account) name: String,
    redirect_uris: Vec<RedirectUri>,
    pub(super) scopes: Vec<String>,
    pub(super) lifetimes: AppLifetimes,
    pub(super) asks_once: bool,
}

impl Profile {
    /// Whether codes of this app may go there.
    pub(super) fn admits(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| registered.admits(redirect_uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> App {
        App::new("acme", "Acme").redirect_uri("https://app.example/cb")
    }

    fn lifetimes(change: impl FnOnce(&mut AppLifetimes)) -> App {
        let mut lifetimes = AppLifetimes::default();
        change(&mut lifetimes);
        app().lifetimes(lifetimes)
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_is_wrong() {
        assert!(app().scopes(["api:read"]).check().is_ok());
        let uri = |uri: &str| InvalidApp::RedirectUri { id: "acme".into(), uri: uri.into() };
        let scope = |scope: &str| InvalidApp::Scope { id: "acme".into(), scope: scope.into() };
        let out_of_order = || InvalidApp::Lifetimes("acme".into());
        for (app, fault) in [
            (App::new("", "Acme"), InvalidApp::Id("".into())),
            (App::new("a b", "Acme"), InvalidApp::Id("a b".into())),
            (App::new("a\0", "Acme"), InvalidApp::Id("a\0".into())),
            (App::new("acme", " "), InvalidApp::Name("acme".into())),
            (App::new("acme", "A\u{1b}[1m"), InvalidApp::Name("acme".into())),
            (App::new("acme", "Acme"), uri("")),
            (app().redirect_uri("javascript:alert(1)"), uri("javascript:alert(1)")),
            (app().scopes(["a b"]), scope("a b")),
            (lifetimes(|it| it.access = Duration::ZERO), out_of_order()),
            (lifetimes(|it| it.access = it.idle), out_of_order()),
            (lifetimes(|it| it.idle = it.absolute + Duration::SECOND), out_of_order()),
            (lifetimes(|it| it.grace = Duration::seconds(-1)), out_of_order()),
            (lifetimes(|it| it.grace = Duration::minutes(6)), out_of_order()),
        ] {
            assert_eq!(app.check().unwrap_err(), fault);
        }
    }
}
