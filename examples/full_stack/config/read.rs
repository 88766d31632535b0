use std::net::SocketAddr;
use std::path::Path;

use donjon::http::Network;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Config, ConfigError};

const MANUAL: &str = "README.md, \"Configuring the example\", shows every key";

impl Config {
    /// Reads and checks a file.
    pub(crate) fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
            source_name: file.display().to_string(),
            key: "cannot be read".into(),
            fault: format!("{error}; give --config the path of a configuration ({MANUAL})"),
        })?;
        Self::parse(&text, file)
    }

    /// Reads and checks the text of `file`.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let source = file.display().to_string();
        let mut config: Self =
            toml::from_str(text).map_err(|error| misread(text, &source, &error))?;
        config.source = source;
        config.check()?;
        config.resolve_paths(file.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// The same configuration, called by another name than that of its file.
    pub(crate) fn called(self, name: &str) -> Self {
        Self { source: name.to_owned(), ..self }
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
}

/// A text that is no configuration. The parser's own message would quote the line, which may hold a
/// secret.
fn misread(text: &str, source: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let key = match key_at(text, before.len()) {
        Some(key) => format!("line {line}: {key}"),
        None => format!("line {line}"),
    };
    let fault = format!("{} ({MANUAL})", error.message().replace('\n', ", "));
    ConfigError { source_name: source.to_owned(), key, fault }
}

/// The key whose value is at this place: what is before the `=` of its line, after the last table's
/// name.
fn key_at(text: &str, place: usize) -> Option<String> {
    let start = text.get(..place)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?;
    let key = line.split_once('=')?.0.trim();
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if key.is_empty() || !key.chars().all(bare) {
        return None;
    }
    let mut tables = text.get(..start)?.lines().map(str::trim).filter(|line| line.starts_with('['));
    let table = tables.next_back().and_then(|line| line.split(']').next());
    let table = table.map(|name| name.trim_start_matches('[').trim());
    Some(table.map_or(key.to_owned(), |table| format!("{table}.{key}")))
}

pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "{text:?} is no address to listen on; write IP:PORT, such as \"127.0.0.1:9443\" or \
             \"[::1]:9443\""
        ))
    })
}

pub(super) fn networks<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: String| text.parse().map_err(|e| format!("{text:?} is {e}"));
    texts.into_iter().map(network).collect::<Result<_, _>>().map_err(D::Error::custom)
}
