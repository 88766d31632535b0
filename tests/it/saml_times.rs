//! When a SAML login happened and when it ends, by two clocks: on the way to an application of
//! other people’s that wants it fresh.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use donjon::crypto::{Clock as _, Keyring, SystemRandom};
use donjon::provider::{
    AccountResolver, AuthMethod, AuthorizationServer, Client, ClientMetadata, ResolverError,
};
use donjon::saml::protocol::ClockSkew;
use donjon::saml::{Connection, MapperError, SamlLayer, SamlLogin, UserMapper};
use donjon::scope::{Account, Claims, Context, CurrentAccount, CurrentScope, UserId};
use donjon::session::SessionLayer;
use donjon::testing::ManualClock;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tower::{Layer as _, service_fn};
use url::Url;

use crate::support::browser::{Browser, Page};
use crate::support::database::{Database, databases};
use crate::support::identity_provider::{LoginRequest, Statement, metadata};

const BASE: &str = "https://sp.example";
const CONNECTION: &str = "https://sp.example/saml/acme";
const CALLBACK: &str = "https://client.example/cb";
const START: OffsetDateTime = datetime!(2026-11-21 08:00:00.7 UTC);
/// A moment, as it passes between two requests.
const MOMENT: Duration = Duration::milliseconds(1);

/// Users are who their identity provider says they are, and log in there.
#[derive(Debug)]
struct Host;

#[async_trait]
impl UserMapper for Host {
    async fn map_user(&self, login: SamlLogin<'_>) -> Result<Account, MapperError> {
        Ok(Account::new(UserId::new(&*login.facts.name_id.value).unwrap()))
    }
}

#[async_trait]
impl AccountResolver for Host {
    async fn resolve_current_account(
        &self,
        request: &Parts,
        _: &Context,
    ) -> Result<Option<CurrentAccount>, ResolverError> {
        Ok(request.extensions.get::<CurrentScope>().and_then(CurrentScope::current_account))
    }

    async fn resolve_account(
        &self,
        subject: &str,
        _: &Context,
    ) -> Result<Option<Account>, ResolverError> {
        Ok(Some(Account::new(UserId::new(subject)?)))
    }

    async fn build_claims(&self, account: &Account, _: &Context) -> Result<Claims, ResolverError> {
        let (id_token, userinfo) = Default::default();
        Ok(Claims { subject: account.id().clone(), id_token, userinfo })
    }

    async fn redirect_for_login(&self, _: &Parts, _: &Context) -> Result<String, ResolverError> {
        Ok("/saml/acme/login".into())
    }
}

struct World {
    clock: Arc<ManualClock>,
    browser: Browser,
    _database: Database,
}

/// Tells the story on each database, with clocks that may differ by so many seconds.
async fn each_world(skew: u16, story: impl AsyncFn(World)) {
    for database in databases().await {
        println!("on {}, {skew} s", database.name);
        story(World::new(database, skew).await).await;
    }
}

async fn who(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let scope = request.extensions().get::<CurrentScope>().cloned().unwrap_or_default();
    let who = scope.account().map_or("nobody".to_owned(), |account| account.id().to_string());
    Ok(Response::new(Full::from(who)))
}

impl World {
    async fn new(database: Database, skew: u16) -> Self {
        let store = database.store().await;
        let keyring = Keyring::ephemeral(&SystemRandom);
        let clock = Arc::new(ManualClock::new(START));
        let connection = Connection::from_metadata("acme", metadata().as_bytes(), START).unwrap();
        let skew = ClockSkew::from_seconds(skew).unwrap();
        let saml = SamlLayer::builder(&store, &keyring, BASE, Arc::new(Host))
            .connection(connection.with_clock_skew(skew))
            .clock(clock.clone())
            .build()
            .unwrap();
        let mut metadata = ClientMetadata::new("spa");
        metadata.redirect_uris = vec![CALLBACK.into()];
        metadata.token_endpoint_auth_method = Some(AuthMethod::None);
        metadata.scope = Some("openid".into());
        let provider = AuthorizationServer::builder(BASE)
            .resolver(Arc::new(Host))
            .store(&store)
            .keyring(keyring.clone())
            .clock(clock.clone())
            .clients([Client::new(metadata).unwrap()])
            .build()
            .await
            .unwrap();
        let sessions = SessionLayer::new(&store, &keyring).clock(clock.clone()).without_sweeper();
        let app = sessions.layer(saml.layer(provider.layer(service_fn(who))));
        Self { clock, browser: Browser::new(app, BASE), _database: database }
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Goes on to the next address, a moment later.
    async fn go(&self, browser: &mut Browser, page: &Page) -> Page {
        self.clock.advance(MOMENT);
        browser.get(page.location().unwrap().as_str()).await
    }

    /// What an application asks for, up to the request to the identity provider.
    async fn authorize(&self, browser: &mut Browser, field: (&str, &str)) -> LoginRequest {
        self.begin(browser, field).await.1
    }

    /// The same, with the path of the interaction.
    async fn begin(&self, browser: &mut Browser, field: (&str, &str)) -> (String, LoginRequest) {
        let mut url = Url::parse(BASE).unwrap().join("/oauth/authorize").unwrap();
        url.query_pairs_mut().extend_pairs([
            ("client_id", "spa"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            field,
        ]);
        let page = browser.get(url.as_str()).await;
        let login = page.location().unwrap();
        let back = login.query_pairs().find(|(name, _)| name == "return_to").unwrap().1;
        let page = self.go(browser, &page).await;
        (back.into_owned(), LoginRequest::read(&page.location().unwrap()))
    }

    /// Brings the answer, and goes where that leads.
    async fn answer(
        &self,
        browser: &mut Browser,
        request: &LoginRequest,
        statement: &Statement,
    ) -> Page {
        let page = self.bring(browser, request, statement).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        self.go(browser, &page).await
    }

    /// Brings the answer.
    async fn bring(
        &self,
        browser: &mut Browser,
        request: &LoginRequest,
        statement: &Statement,
    ) -> Page {
        let form = [
            ("SAMLResponse", &*statement.answer(request, CONNECTION)),
            ("RelayState", &request.relay_state),
        ];
        browser.post_from("https://idp.example", "/saml/acme/acs", &form).await
    }
}

/// The clock of an identity provider shows whole seconds, and not ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_demanded_is_fresh_by_any_permitted_clock() {
    for (skew, off) in [(0, Duration::ZERO), (120, Duration::seconds(-119)), (120, 119 * SECOND)] {
        each_world(skew, async |world| {
            for field in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "60")] {
                let mut browser = world.browser.another();
                let request = world.authorize(&mut browser, field).await;
                assert!(request.force_authn, "nobody is logged in, and it says so: {field:?}");
                let statement = Statement::of("alice", world.now() + off);
                let page = world.answer(&mut browser, &request, &statement).await;
                let page = world.go(&mut browser, &page).await;
                assert!(page.has("approve"), "{field:?} {off}: {} {}", page.url, page.body);
                world.clock.advance(Duration::minutes(10));
            }
        })
        .await;
    }
}

const SECOND: Duration = Duration::SECOND;

/// An identity provider that does not do as it is told, or a browser that took the demand out of
/// the request on its way.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_session_of_the_identity_provider_is_no_fresh_login() {
    for (skew, age) in [(0, 2 * SECOND), (120, 122 * SECOND), (120, Duration::HOUR)] {
        each_world(skew, async |world| {
            for field in [("prompt", "login"), ("max_age", "1")] {
                let mut browser = world.browser.another();
                let request = world.authorize(&mut browser, field).await;
                let mut statement = Statement::of("alice", world.now());
                statement.authn_instant = world.now() - age;
                let page = world.answer(&mut browser, &request, &statement).await;
                let page = world.go(&mut browser, &page).await;
                assert!(!page.has("approve"), "{field:?} {age}");
                // Round again, and this time in earnest.
                let page = world.go(&mut browser, &page).await;
                let request = LoginRequest::read(&page.location().unwrap());
                assert!(request.force_authn);
                let statement = Statement::of("alice", world.now());
                let page = world.answer(&mut browser, &request, &statement).await;
                assert!(world.go(&mut browser, &page).await.has("approve"));
                world.clock.advance(Duration::minutes(10));
            }
        })
        .await;
    }
}

/// The request is what a demand is known by: not the address, which is the browser’s to change.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_not_demanded_is_as_old_as_it_is() {
    each_world(120, async |world| {
        let mut browser = world.browser.another();
        let request = world.authorize(&mut browser, ("max_age", "3600")).await;
        assert!(!request.force_authn, "another party may vouch for a login of this hour");
        let mut statement = Statement::of("alice", world.now());
        statement.authn_instant = world.now() - Duration::minutes(50);
        let page = world.answer(&mut browser, &request, &statement).await;
        assert!(world.go(&mut browser, &page).await.has("approve"));

        // The same response, held back until an application demands a fresh login.
        let mut browser = world.browser.another();
        let page = browser.get("/saml/acme/login?return_to=/").await;
        let early = LoginRequest::read(&page.location().unwrap());
        assert!(!early.force_authn);
        let statement = Statement::of("alice", world.now());
        world.clock.advance(Duration::seconds(30));
        let (interaction, demanded) = world.begin(&mut browser, ("prompt", "login")).await;
        assert!(demanded.force_authn);
        let page = world.answer(&mut browser, &early, &statement).await;
        assert_eq!(world.go(&mut browser, &page).await.body, "alice");
        let page = browser.get(&interaction).await;
        assert!(page.location().unwrap().as_str().starts_with(CONNECTION), "{}", page.body);
    })
    .await;
}

/// What the identity provider calls over, within the skew, is not over before it began.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_over_when_it_begins() {
    each_world(120, async |world| {
        for (left, lasts) in [
            (600 * SECOND, Some(720 * SECOND)),
            (-60 * SECOND, Some(60 * SECOND)),
            (-109 * SECOND, Some(11 * SECOND)),
            (-111 * SECOND, None),
            (-121 * SECOND, None),
            (-Duration::HOUR, None),
        ] {
            let mut browser = world.browser.another();
            let page = browser.get("/saml/acme/login?return_to=/").await;
            let request = LoginRequest::read(&page.location().unwrap());
            let end = (world.now() + left).replace_nanosecond(0).unwrap();
            let mut statement = Statement::of("alice", world.now());
            statement.session_not_on_or_after = Some(end);
            let page = world.bring(&mut browser, &request, &statement).await;
            let Some(lasts) = lasts else {
                assert_eq!(page.text_of("error"), "assertion_expired", "{left}");
                continue;
            };
            let page = world.go(&mut browser, &page).await;
            assert_eq!(world.go(&mut browser, &page).await.body, "alice", "{left}");
            world.clock.advance(lasts - 2 * SECOND);
            assert_eq!(browser.get("/").await.body, "alice", "{left}");
            world.clock.advance(2 * SECOND);
            assert_eq!(browser.get("/").await.body, "nobody", "{left}");
        }
    })
    .await;
}
