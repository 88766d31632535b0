use std::collections::BTreeSet;
use std::fmt;

use super::fold::fold;

const LENGTH: std::ops::RangeInclusive<usize> = 3..=63;
/// How much of a display name is looked at, in characters.
const MAX_NAME: usize = 255;

/// Names that a product has, or will have, a use for in its own URLs, or that would lend somebody
/// an authority that is not theirs.
const RESERVED: &str = "\
    about abuse account accounts admin administrator api app apps assets auth authorize billing \
    blog callback cdn community confirm console contact create dashboard delete demo dev docs \
    download edit email enterprise example explore export favicon feedback files forgot-password \
    forum ftp health healthz help home hostmaster images imap img import info internal \
    invitations invite jobs join legal localhost login logout mail mailer-daemon members metrics \
    new news noreply null oauth official openid organization organizations orgs owner passkeys \
    password postmaster pricing privacy profile public register reset-password robots root saml \
    search security session sessions settings shop sign-in sign-up signin signup smtp sso staff \
    staging static status store sudo support system team teams terms test token tokens undefined \
    user users webhook webhooks webmaster well-known www";

/// An organization's name in URLs: 3 to 63 small letters, digits and single hyphens between them,
/// the first a letter. It can be a label of a host name too.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

/// Why a text is no [`Slug`], or may not be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSlug {
    /// It has fewer than three characters, or more than 63.
    #[error("a name in URLs has 3 to 63 characters")]
    Length,
    /// It has other characters than those allowed, or in other places.
    #[error(
        "a name in URLs has small letters, digits and single hyphens, begins with a letter, and \
         ends with a letter or digit"
    )]
    Characters,
    /// The application keeps it for itself.
    #[error("this name is reserved")]
    Reserved,
}

impl Slug {
    /// Reads a slug, reserved or not: one that is there already stays good when the list grows.
    ///
    /// # Errors
    /// [`InvalidSlug::Length`], [`InvalidSlug::Characters`].
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        if !LENGTH.contains(&text.len()) {
            return Err(InvalidSlug::Length);
        }
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(inner)
            && !text.ends_with('-')
            && !text.contains("--");
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidSlug::Characters) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This slug with a number behind it, cut to fit.
    fn numbered(&self, number: u64) -> Option<Self> {
        let number = format!("-{number}");
        let room = LENGTH.end().saturating_sub(number.len());
        let start = self.0.get(..room).unwrap_or(&self.0).trim_end_matches('-');
        Self::parse(&format!("{start}{number}")).ok()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slug({})", self.0)
    }
}

/// Which slugs may be chosen: all but those that are reserved.
///
/// ```
/// use donjon::account::organization::{InvalidSlug, SlugRules};
///
/// let rules = SlugRules::default().reserve(["pizza"]);
/// assert_eq!(rules.choose("pizza"), Err(InvalidSlug::Reserved));
/// let mut suggested = rules.suggest("Müller & Söhne GmbH");
/// assert_eq!(suggested.next(), rules.choose("muller-sohne-gmbh").ok());
/// assert_eq!(suggested.next(), rules.choose("muller-sohne-gmbh-2").ok());
/// ```
#[derive(Clone, Debug)]
pub struct SlugRules {
    reserved: BTreeSet<String>,
}

impl Default for SlugRules {
    fn default() -> Self {
        Self { reserved: RESERVED.split(' ').map(str::to_owned).collect() }
    }
}

impl SlugRules {
    /// Reserves these too, such as the first segments of the application's own paths.
    #[must_use]
    pub fn reserve<T: Into<String>>(mut self, slugs: impl IntoIterator<Item = T>) -> Self {
        self.reserved.extend(slugs.into_iter().map(Into::into));
        self
    }

    /// Reads a slug that somebody chooses.
    ///
    /// # Errors
    /// [`InvalidSlug`].
    pub fn choose(&self, text: &str) -> Result<Slug, InvalidSlug> {
        let slug = Slug::parse(text)?;
        if self.reserved.contains(slug.as_str()) { Err(InvalidSlug::Reserved) } else { Ok(slug) }
    }

    /// Slugs for an organization with this display name, the nicest first, without end; the first
    /// that is free will do. None for a name without a letter or digit of the Latin script.
    pub fn suggest(&self, name: &str) -> impl Iterator<Item = Slug> + use<'_> {
        let first = self.plain(name);
        let more = first.clone().into_iter();
        let more = more.flat_map(|first| {
            let numbered = (2..).map_while({
                let first = first.clone();
                move |number| first.numbered(number)
            });
            // A long one that is cut may get the very number that it was cut at.
            numbered.filter(move |slug| *slug != first)
        });
        let free = |slug: &Slug| !self.reserved.contains(slug.as_str());
        first.into_iter().chain(more).filter(free)
    }

    fn plain(&self, name: &str) -> Option<Slug> {
        let plain = latin(name);
        let cut =
            |text: &str| text.get(..*LENGTH.end()).unwrap_or(text).trim_end_matches('-').to_owned();
        // What begins with a digit, is too short or is reserved becomes one by a word in front.
        let candidates = [cut(&plain), cut(&format!("org-{plain}"))];
        let mut candidates = candidates.iter().filter(|_| !plain.is_empty());
        candidates.find_map(|text| self.choose(text).ok())
    }
}

/// Words of plain letters and digits, with one hyphen between two.
fn latin(name: &str) -> String {
    let mut plain = String::new();
    for c in name.chars().take(MAX_NAME).flat_map(char::to_lowercase) {
        match fold(c) {
            Some(letters) => plain.push_str(letters),
            None if c.is_ascii_alphanumeric() => plain.push(c),
            // Apostrophes, dots within words, and combining marks leave no gap.
            None if matches!(c, '\'' | '’' | '.' | '\u{300}'..='\u{36f}') => {}
            None if plain.is_empty() || plain.ends_with('-') => {}
            None => plain.push('-'),
        }
    }
    plain.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
