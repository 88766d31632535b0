//! The example host, started on a free port with a configuration of the test's.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::agent::{self, Agent, Answer};
use crate::support::process::{Server, free_port};

pub struct User {
    pub email: &'static str,
    pub password: &'static str,
    pub name: &'static str,
}

/// The user that every host here knows.
pub const USER: User = User {
    email: "alice@example.test",
    password: "correct horse battery staple",
    name: "Alice Ångström",
};

/// Where every client is answered; nobody listens there.
pub const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

pub struct Host {
    pub base: String,
    pub port: u16,
    _server: Server,
    folder: TempDir,
}

/// A client as the configuration and the client itself know it (RFC 7591).
#[derive(Clone)]
pub struct Client {
    pub metadata: Value,
}

/// What a host may be told beside its users.
#[derive(Default)]
pub struct Setting<'a> {
    pub database_url: &'a str,
    pub clients: &'a [Client],
    /// The metadata of the identity provider behind the connection `acme`.
    pub idp_metadata: Option<PathBuf>,
    /// Another host's base URL that this one answers for too.
    pub issuer: Option<&'a str>,
    /// What several hosts over one database must share.
    pub keyring: Option<&'a str>,
}

impl Host {
    pub async fn start(setting: Setting<'_>) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let base = setting.issuer.map_or(format!("http://127.0.0.1:{port}"), str::to_owned);
        let file = folder.path().join("host.toml");
        std::fs::write(&file, configuration(&setting, port, &base)).unwrap();
        let mut command = Command::new(example());
        command.arg("--config").arg(&file).current_dir(folder.path());
        if let Some(keyring) = setting.keyring {
            command.env("DONJON_KEYRING", keyring);
        }
        let mut server = Server::start(command, &folder.path().join("host.log"));
        server.listens(port).await;
        Self { base, port, _server: server, folder }
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("host.log")).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn jwks(&self) -> Value {
        let mut agent = Agent::balanced(&[self.port]);
        let metadata = agent.get(&self.url("/.well-known/openid-configuration")).await.json();
        agent.get(metadata["jwks_uri"].as_str().unwrap()).await.json()
    }

    /// The answer of the API, called with this access token.
    pub async fn api(&self, access_token: &str) -> Answer {
        let bearer = format!("Bearer {access_token}");
        agent::call(Method::GET, self.port, &self.url("/api/me"), &bearer, &[]).await
    }

    /// What a client's call of an endpoint answers.
    pub async fn call(&self, client: &Client, path: &str, form: &[(&str, &str)]) -> Answer {
        let authorization = client.basic();
        agent::call(Method::POST, self.port, &self.url(path), &authorization, form).await
    }
}

fn configuration(setting: &Setting<'_>, port: u16, issuer: &str) -> String {
    let mut config = json!({
        "listen": format!("127.0.0.1:{port}"),
        "issuer": issuer,
        "database_url": setting.database_url,
        "users": [{
            "email": USER.email,
            "password": USER.password,
            "claims": {"name": USER.name, "email_verified": true},
        }],
        "clients": setting.clients.iter().map(|client| &client.metadata).collect::<Vec<_>>(),
    });
    if let Some(idp_metadata) = &setting.idp_metadata {
        config["saml"] = json!({"connections": [{
            "id": "acme",
            "idp_metadata": idp_metadata,
            "name_id_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        }]});
    }
    toml::to_string(&config).unwrap()
}

/// The example's program, built beside this one: cargo builds examples with tests of their own as
/// tests only.
pub fn example() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let this = std::env::current_exe().unwrap();
        let profile = this.parent().and_then(Path::parent).unwrap();
        let name = profile.file_name().and_then(|name| name.to_str()).unwrap();
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let built = std::process::Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--all-features", "--example", "full_stack"])
            .args(["--profile", if name == "debug" { "dev" } else { name }])
            .arg("--target-dir")
            .arg(profile.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.unwrap().success(), "the example does not build");
        profile.join("examples/full_stack")
    })
}

impl Client {
    pub fn public(id: &str) -> Self {
        Self::web(id, "none")
    }

    pub fn confidential(id: &str, method: &str) -> Self {
        Self::web(id, method).with("client_secret", json!("gJ2m0cV8Rk5sQ1tX7yB4nW9zE6aL3pHf"))
    }

    pub fn web(id: &str, method: &str) -> Self {
        Self {
            metadata: json!({
                "client_id": id,
                "redirect_uris": [REDIRECT_URI],
                "token_endpoint_auth_method": method,
                "grant_types": ["authorization_code", "refresh_token"],
                "scope": "openid profile email offline_access api:read",
            }),
        }
    }

    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.metadata[name] = value;
        self
    }

    pub fn id(&self) -> &str {
        self.metadata["client_id"].as_str().unwrap()
    }

    pub fn is_public(&self) -> bool {
        self.metadata["token_endpoint_auth_method"] == "none"
    }

    fn basic(&self) -> String {
        use base64::Engine as _;
        let secret = self.metadata["client_secret"].as_str().unwrap();
        let pair =
            base64::engine::general_purpose::STANDARD.encode(format!("{}:{secret}", self.id()));
        format!("Basic {pair}")
    }
}
