//! Logging in with an OpenID Provider that shares no code with ours, and with a second instance of
//! ourselves, over real TLS.

use std::convert::Infallible;

use bytes::Bytes;
use donjon::account::social::{Provider, Social};
use donjon::crypto::{Clock as _, SystemClock};
use donjon::http::Egress;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tower::service_fn;

use super::host::{Client, USER, example};
use crate::account::world::{ORIGIN, World, each_world_with};
use crate::support::browser::{Browser, Page};
use crate::support::database::skip;
use crate::support::process::{Server, free_port};
use crate::support::tools;

/// Another user of the second instance of ourselves.
pub const COLLEAGUE: &str = "casey@example.test";
const SECRET: &str = "gJ2m0cV8Rk5sQ1tX7yB4nW9zE6aL3pHf";

/// A provider in another process, at an address of this machine with a certificate of its own.
pub struct Neighbour {
    issuer: String,
    egress: Egress,
    _server: Server,
    _folder: TempDir,
}

impl Neighbour {
    /// Starts what `command` makes of a port, a certificate and its key.
    async fn start(command: impl Fn(&TempDir, u16, &str, &str) -> Command) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let command = command(&folder, port, &certificate, &key);
        let mut server = Server::start(command, &folder.path().join("provider.log"));
        server.listens(port).await;
        let egress = Egress::builder()
            .danger_allow(["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()))
            .extra_roots(certificate.as_bytes())
            .unwrap()
            .build();
        let issuer = format!("https://localhost:{port}");
        Self { issuer, egress, _server: server, _folder: folder }
    }

    /// A browser at the provider.
    fn browser(&self) -> Browser {
        let (egress, origin) = (self.egress.clone(), self.issuer.clone());
        let app = service_fn(move |request: Request<Full<Bytes>>| {
            let (egress, origin) = (egress.clone(), origin.clone());
            async move {
                let (mut parts, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                parts.uri = format!("{origin}{}", parts.uri).parse().unwrap();
                parts.headers.remove("host");
                let response = egress.send(Request::from_parts(parts, body)).await.unwrap();
                Ok::<_, Infallible>(response.map(Full::from))
            }
        });
        Browser::new(app, &self.issuer)
    }

    /// The application's side of it, as `other`.
    pub fn social(&self) -> Social {
        let provider = Provider::openid("other", "Other", &self.issuer, "me");
        Social::new([provider.secret(SECRET).trust_email()]).egress(self.egress.clone())
    }

    /// Goes from the application to the provider and back, twice: the second time it knows who it is.
    async fn walk(&self, world: &World, email: &str, fields: &[&[(&str, &str)]]) {
        // The provider has a clock of its own.
        world.clock.advance(SystemClock.now() - world.clock.now());
        let mut there = self.browser();
        for (round, forms) in [fields, &[]].into_iter().enumerate() {
            let mut here = world.browser();
            let page = here.get("/login").await;
            let page = here.get(&page.link("Log in with Other")).await;
            let mut at: Page = there.get(page.location().unwrap().as_str()).await;
            at = there.follow(at).await;
            for form in forms {
                // A consent may be remembered from another time.
                if at.location().is_some() {
                    break;
                }
                at = there.submit(&at, form).await;
                at = there.follow(at).await;
            }
            let back = at.location().unwrap_or_else(|| panic!("round {round}: {at:?}"));
            assert!(back.as_str().starts_with(ORIGIN), "{back}");
            let page = here.get(back.as_str()).await;
            let page = here.follow(page).await;
            assert_eq!(page.body, format!("hello {email} at /"), "round {round}");
        }
    }
}

/// npm `oidc-provider`, which knows the application at this origin.
pub async fn oidc_provider(origin: &str) -> Option<Neighbour> {
    const SCRIPT: &str = "openid_provider.mjs";
    tools::node(SCRIPT)?;
    if !tools::scripts().join("node_modules/oidc-provider").exists() {
        skip("node", "no oidc-provider in tests/interop: `.ci/run install` brings it");
        return None;
    }
    let callback = format!("{origin}/login/with/other/callback");
    let neighbour = Neighbour::start(|_, port, certificate, key| {
        let client =
            json!({"client_id": "me", "client_secret": SECRET, "redirect_uris": [callback]});
        let config =
            json!({"port": port, "certificate": certificate, "key": key, "client": client});
        let mut node = tools::node(SCRIPT).unwrap();
        node.env("CONFIG", config.to_string());
        node
    });
    Some(neighbour.await)
}

/// A second instance of ourselves, which knows the application at this origin, and two users.
pub async fn ourselves(origin: &str) -> Neighbour {
    let callback = format!("{origin}/login/with/other/callback");
    Neighbour::start(|folder, port, certificate, key| {
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("cert.pem"), certificate).unwrap();
        std::fs::write(path("key.pem"), key).unwrap();
        let client = Client::confidential("me", "client_secret_basic")
            .with("redirect_uris", json!([callback]))
            .with("client_secret", json!(SECRET));
        let user = |email: &str| {
            json!({
                "email": email,
                "password": USER.password,
                "claims": {"name": USER.name, "email_verified": true},
            })
        };
        let config = json!({
            "listen": format!("127.0.0.1:{port}"),
            "issuer": format!("https://localhost:{port}"),
            "database_url": "sqlite::memory:",
            "tls": {"certificate": "cert.pem", "private_key": "key.pem"},
            "users": [user(USER.email), user(COLLEAGUE)],
            "clients": [client.metadata],
        });
        std::fs::write(path("host.toml"), toml::to_string(&config).unwrap()).unwrap();
        let mut command = Command::new(example());
        command.arg("--config").arg(path("host.toml")).current_dir(folder.path());
        command.env_remove("DONJON_KEYRING");
        command
    })
    .await
}

#[tokio::test]
async fn a_user_logs_in_with_an_independent_provider() {
    let Some(neighbour) = oidc_provider(ORIGIN).await else { return };
    each_world_with(
        |builder| builder.social(neighbour.social()),
        async |world| {
            let login = [("login", "robin"), ("password", "whatever")];
            neighbour.walk(&world, "robin@example.test", &[&login, &[]]).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_user_logs_in_with_a_second_instance_of_ourselves() {
    let neighbour = ourselves(ORIGIN).await;
    each_world_with(
        |builder| builder.social(neighbour.social()),
        async |world| {
            let login = [("email", USER.email), ("password", USER.password)];
            neighbour.walk(&world, USER.email, &[&login, &[("decision", "approve")]]).await;
        },
    )
    .await;
}
