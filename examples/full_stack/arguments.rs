use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A web application with its whole auth stack, to click through and to copy from.

Usage: full_stack                                  the demo, with its two neighbours
       full_stack --config FILE [--neighbours]     a host of your own configuration

  --config FILE    read this TOML file; README.md, \"Configuring the example\", shows every key
  --neighbours     also start the demo's third-party application and identity provider
  --help           print this
  --version        print the version

Environment:
  DONJON_KEYRING   the keys that seal what is stored: \"k1:$(openssl rand -base64 32)\"
  RUST_LOG         how much is logged: error, warn, info (default), debug or trace
";

/// What `--version` prints.
pub(crate) const VERSION: &str = concat!("full_stack ", env!("CARGO_PKG_VERSION"), "\n");

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print this and be done.
    Print(&'static str),
    /// Be a host; without a configuration, that of the demo.
    Run { config: Option<PathBuf>, neighbours: bool },
}

impl Command {
    /// Reads the words after the program's name; whatever is not understood is named.
    pub(crate) fn read(mut words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut config, mut neighbours) = (None, false);
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--help" | "-h") => return Ok(Self::Print(HELP)),
                Some("--version" | "-V") => return Ok(Self::Print(VERSION)),
                Some("--neighbours") => neighbours = true,
                Some("--config") => {
                    let file = words.next().filter(|file| !file.is_empty());
                    config = Some(file.ok_or("--config needs a FILE; --help shows how")?.into());
                }
                Some(word) if word.starts_with("--config=") => {
                    config = Some(word.trim_start_matches("--config=").into());
                }
                _ => {
                    let word = word.to_string_lossy();
                    return Err(format!("unknown argument {word:?}; --help lists what there is"));
                }
            }
        }
        neighbours |= config.is_none();
        Ok(Self::Run { config, neighbours })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Command, String> {
        Command::read(words.iter().map(OsString::from))
    }

    #[test]
    fn a_command_line_is_understood_or_named() {
        let run = |config: Option<&str>, neighbours| {
            Ok(Command::Run { config: config.map(PathBuf::from), neighbours })
        };
        assert_eq!(read(&[]), run(None, true));
        assert_eq!(read(&["--config", "a.toml"]), run(Some("a.toml"), false));
        assert_eq!(read(&["--config=a=b.toml"]), run(Some("a=b.toml"), false));
        assert_eq!(read(&["--neighbours", "--config", "a"]), run(Some("a"), true));
        assert_eq!(read(&["--config", "a", "--help"]), Ok(Command::Print(HELP)));
        assert_eq!(read(&["-V"]), Ok(Command::Print(VERSION)));
        for unknown in ["--colour", "serve", "", "-", "--help=yes"] {
            let error = read(&[unknown]).unwrap_err();
            assert!(error.contains(&format!("unknown argument {unknown:?}")), "{error}");
        }
        assert!(read(&["--config"]).unwrap_err().contains("--config needs a FILE"));
    }
}
