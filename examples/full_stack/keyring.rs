use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::Path;

use axum::BoxError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use donjon::crypto::{KEYRING_VARIABLE, Keyring, RandomExt as _, SystemRandom};

use crate::config::Config;

/// The name of the file beside the configuration.
const FILE: &str = "donjon.keyring";

/// The keyring that seals what is stored. It must live as long as the database does: in production
/// set `DONJON_KEYRING`; a database in memory gets one that dies with it; for any other the demo
/// keeps a key in a file beside the configuration.
pub(crate) fn load(config: &Config, config_file: &Path) -> Result<Keyring, BoxError> {
    if std::env::var_os(KEYRING_VARIABLE).is_some() {
        return Keyring::from_env().map_err(|error| format!("{KEYRING_VARIABLE}: {error}").into());
    }
    if config.is_ephemeral() {
        return Ok(Keyring::ephemeral(&SystemRandom));
    }
    let file = config_file.with_file_name(FILE);
    let fault = |error: &dyn Display| format!("the keyring {}: {error}", file.display());
    if !file.exists() {
        make(&file).map_err(|error| {
            let fix = format!("set {KEYRING_VARIABLE}, or let the directory be written to");
            format!("{}; {fix}", fault(&error))
        })?;
        tracing::warn!(file = %file.display(), "{KEYRING_VARIABLE} is not set: made a keyring");
    }
    let keyring = std::fs::read_to_string(&file).map_err(|error| fault(&error))?;
    Ok(keyring.trim().parse().map_err(|error| fault(&error as &dyn Display))?)
}

/// Writes a fresh key to a file of the owner's alone; of several processes that try, one does.
fn make(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(directory)?;
    writeln!(temporary, "k1:{}", STANDARD.encode(SystemRandom.bytes::<32>()))?;
    match temporary.persist_noclobber(file) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}
