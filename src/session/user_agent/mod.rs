//! Reads a `User-Agent` header, as far as it can be believed.

mod products;
mod systems;

use std::fmt;

use products::{Role, product};
use systems::system;

/// How much of a header is looked at, in bytes.
const MAX_LENGTH: usize = 512;

/// What a `User-Agent` header says: "Firefox on Windows", "Safari on iPhone", "curl".
///
/// It is what the other end chose to say, good for people to recognise their devices by, and for
/// nothing else. All names are from a list of ours, so that no text of a stranger gets into a page
/// or a mail by this way; what is not on the list has no name. Browsers tell less than they did:
/// Windows 11 says it is 10, an iPad may say it is a Mac, and Brave says it is Chrome.
///
/// ```
/// use donjon::session::{DeviceKind, UserAgent};
///
/// let agent = UserAgent::read(
///     "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
/// );
/// assert_eq!(agent.to_string(), "Firefox on Windows");
/// assert_eq!((agent.version, agent.kind), (Some(145), DeviceKind::Desktop));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserAgent {
    /// The browser, app or program.
    pub name: Option<&'static str>,
    /// Its major version.
    pub version: Option<u16>,
    /// What it runs on: an operating system, or a device that is better known than its system,
    /// such as "iPhone".
    pub system: Option<&'static str>,
    /// The kind of device.
    pub kind: DeviceKind,
}

/// A kind of device, such as an icon stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceKind {
    /// A desktop or laptop computer.
    Desktop,
    /// A phone.
    Phone,
    /// A tablet.
    Tablet,
    /// A television, or what is plugged into one.
    Television,
    /// A crawler, a link preview, a monitor.
    Bot,
    /// A program or library that is no browser.
    Program,
    /// It does not say.
    #[default]
    Unknown,
}

impl UserAgent {
    /// Reads the header. Whatever it holds, there is an answer; what is beyond its first 512 bytes
    /// is not looked at.
    pub fn read(header: &str) -> Self {
        let end = (0..=MAX_LENGTH.min(header.len())).rev().find(|at| header.is_char_boundary(*at));
        let header = end.and_then(|end| header.get(..end)).unwrap_or_default();
        let words: Vec<&str> = words(header).collect();
        let product = product(&words);
        let (system, kind) = system(&words).unzip();
        let kind = kind.unwrap_or_default();
        let (name, version) = (product.name, product.version);
        match product.role {
            Role::Bot => Self { name, version, system: None, kind: DeviceKind::Bot },
            Role::Program => Self { name, version, system, kind: DeviceKind::Program },
            Role::Browser => Self { name, version, system, kind },
        }
    }
}

/// What stands between spaces, brackets, semicolons and commas: `Firefox/145.0`, `Windows`, `NT`.
fn words(header: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_ascii_whitespace() || "()[];,".contains(c);
    header.split(between).filter(|word| !word.is_empty())
}

impl fmt::Display for UserAgent {
    /// In English, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.system) {
            (Some(name), Some(system)) => write!(f, "{name} on {system}"),
            (Some(only), None) | (None, Some(only)) => f.write_str(only),
            (None, None) => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests;
