//! The host's configuration: one TOML file. An unknown key is an error that names it; a relative
//! path starts at the directory of the file. Whatever is wrong is said with the file, the key and
//! what would be right ([`ConfigError`]), also by those who find out later.

mod check;
mod read;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;

use donjon::http::Network;
use donjon::provider::ClientMetadata;
use serde::Deserialize;

/// Everything that differs from one installation to another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where this is from, for messages.
    #[serde(skip)]
    source: String,
    #[serde(deserialize_with = "read::address")]
    pub(crate) listen: SocketAddr,
    /// The host's base URL, and the issuer of its tokens.
    pub(crate) issuer: String,
    /// `sqlite::memory:`, `sqlite://FILE` or `postgres://…`.
    pub(crate) database_url: String,
    /// Shows every mail at `/dev/mailbox` to everybody, even when not listening on loopback, or
    /// behind a proxy.
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
    #[serde(default, deserialize_with = "read::networks")]
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
    /// What users call it; absent: its id.
    pub(crate) name: Option<String>,
    /// A file with its metadata.
    pub(crate) idp_metadata: PathBuf,
    /// The kind of name to ask for; absent: whatever it likes.
    pub(crate) name_id_format: Option<String>,
    /// The domains whose addresses it may vouch for, and nobody else may; absent: all that no
    /// other connection claims, which is warned of.
    pub(crate) email_domains: Option<Vec<String>>,
}

impl ConnectionConfig {
    /// What users call it.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Where its logins begin.
    pub(crate) fn login_path(&self) -> String {
        format!("/saml/{}/login", self.id)
    }
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{source_name}: {key}: {fault}")]
pub(crate) struct ConfigError {
    source_name: String,
    /// The key, as `table[index].key`; or the place in the file, before there are keys.
    key: String,
    /// What is wrong with its value, and what would be right. No value that may be secret.
    fault: String,
}

impl Config {
    /// What to say of this key.
    pub(crate) fn fault(&self, key: impl Into<String>, fault: impl Display) -> ConfigError {
        let (source_name, key) = (self.source.clone(), key.into());
        ConfigError { source_name, key, fault: fault.to_string() }
    }

    /// The bytes of the file that this key names.
    pub(crate) fn read_file(&self, key: &str, file: &PathBuf) -> Result<Vec<u8>, ConfigError> {
        std::fs::read(file).map_err(|error| {
            let file = file.display();
            let fix = "write the path of a file, from the directory of the configuration";
            self.fault(key, format!("cannot read {file}: {error}; {fix}"))
        })
    }

    /// Whether the database goes when the process does.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.database_url == "sqlite::memory:"
    }

    /// Whether `/dev/mailbox` is there.
    pub(crate) fn has_mailbox(&self) -> bool {
        let on_this_machine = self.listen.ip().is_loopback() && !self.is_behind_tls();
        self.danger_mailbox || on_this_machine
    }

    /// Whether browsers reach us by https that is not ours: through a proxy, then, which may say
    /// nothing of itself in what it passes on.
    fn is_behind_tls(&self) -> bool {
        self.tls.is_none() && self.issuer.starts_with("https://")
    }
}

#[cfg(test)]
mod tests;
