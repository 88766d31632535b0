//! The host's configuration: one TOML file. An unknown key is an error that names it; a relative
//! path starts at the directory of the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use donjon::http::Network;
use donjon::provider::ClientMetadata;
use serde::{Deserialize, Deserializer};

/// Everything that differs from one installation to another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// The host's base URL, and the issuer of its tokens.
    pub(crate) issuer: String,
    /// `sqlite::memory:`, `sqlite://FILE` or `postgres://…`.
    pub(crate) database_url: String,
    /// Shows every mail at `/dev/mailbox` to everybody, even when not listening on loopback.
    #[serde(default)]
    pub(crate) danger_mailbox: bool,
    /// Absent: plain HTTP.
    pub(crate) tls: Option<TlsConfig>,
    #[serde(default)]
    pub(crate) users: Vec<UserConfig>,
    #[serde(default)]
    pub(crate) clients: Vec<ClientMetadata>,
    #[serde(default)]
    pub(crate) provider: ProviderConfig,
    #[serde(default)]
    pub(crate) egress: EgressConfig,
    #[serde(default)]
    pub(crate) saml: SamlConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// PEM: the certificate, then those that lead to its authority.
    pub(crate) certificate: PathBuf,
    /// PEM: the certificate's key.
    pub(crate) private_key: PathBuf,
    /// Asks for a client certificate. Any is accepted: what it is worth, the provider decides.
    #[serde(default)]
    pub(crate) request_client_certificate: bool,
}

/// A user to be there from the start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserConfig {
    pub(crate) email: String,
    pub(crate) password: String,
    /// Claims of OpenID Connect Core, section 5.1; kept as the account's attributes.
    #[serde(default)]
    pub(crate) claims: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderConfig {
    /// Mounts `POST /test/rotate-keys`, which anybody may call.
    #[serde(default)]
    pub(crate) danger_test_hooks: bool,
}

/// What the guarded outbound client may reach and trust beyond the public internet.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EgressConfig {
    #[serde(default, deserialize_with = "networks")]
    pub(crate) danger_allow: Vec<Network>,
    /// PEM: certificate authorities.
    pub(crate) extra_roots: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamlConfig {
    #[serde(default)]
    pub(crate) connections: Vec<ConnectionConfig>,
}

/// A customer's identity provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionConfig {
    /// Its place in `/saml/{id}/…`.
    pub(crate) id: String,
    /// A file with its metadata.
    pub(crate) idp_metadata: PathBuf,
    /// The kind of name to ask for; absent: whatever it likes.
    pub(crate) name_id_format: Option<String>,
    /// The domains whose addresses it may vouch for; absent: all.
    pub(crate) email_domains: Option<Vec<String>>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error("{0}: {1}")]
    Syntax(PathBuf, toml::de::Error),
    #[error("{0}: {1}: {2}")]
    Invalid(PathBuf, String, &'static str),
}

impl Config {
    /// Reads and checks a file.
    pub(crate) fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::Unreadable(file.into(), error))?;
        Self::parse(&text, file)
    }

    /// Reads and checks the text of `file`.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let mut config: Self =
            toml::from_str(text).map_err(|error| ConfigError::Syntax(file.into(), error))?;
        config.check().map_err(|(key, fault)| ConfigError::Invalid(file.into(), key, fault))?;
        config.resolve_paths(file.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// What no single key shows. Issuer, clients and connections are checked by those who use them.
    fn check(&self) -> Result<(), (String, &'static str)> {
        if self.tls.is_some() && !self.issuer.starts_with("https://") {
            return Err(("issuer".into(), "must start with https:// since there is [tls]"));
        }
        for (index, user) in self.users.iter().enumerate() {
            let fault = |key: &str, fault| Err((format!("users[{index}].{key}"), fault));
            if user.password.is_empty() {
                return fault("password", "must not be empty");
            }
            if user.claims.contains_key("sub") || user.claims.contains_key("email") {
                return fault("claims", "sub and email are the account's own");
            }
            if user.claims.get("email_verified").is_some_and(|value| !value.is_boolean()) {
                return fault("claims.email_verified", "must be true or false");
            }
        }
        Ok(())
    }

    fn resolve_paths(&mut self, directory: &Path) {
        let tls = self.tls.iter_mut().flat_map(|tls| [&mut tls.certificate, &mut tls.private_key]);
        let roots = self.egress.extra_roots.iter_mut();
        let metadata = self.saml.connections.iter_mut().map(|c| &mut c.idp_metadata);
        for path in tls.chain(roots).chain(metadata) {
            *path = directory.join(&*path);
        }
        if let Some(file) = self.database_url.strip_prefix("sqlite://") {
            self.database_url = format!("sqlite://{}", directory.join(file).display());
        }
    }

    /// Whether the database goes when the process does.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.database_url == "sqlite::memory:"
    }

    /// Whether `/dev/mailbox` is there.
    pub(crate) fn has_mailbox(&self) -> bool {
        self.danger_mailbox || self.listen.ip().is_loopback()
    }
}

/// The bytes of a file that the configuration names.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(file).map_err(|error| ConfigError::Unreadable(file.into(), error))
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: String| text.parse().map_err(|e| format!("{text:?} is {e}"));
    texts.into_iter().map(network).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
