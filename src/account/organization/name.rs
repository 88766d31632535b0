use std::fmt;
use std::str::FromStr;

/// The longest name, in characters.
const MAX_LENGTH: usize = 100;

/// What an organization is called: one line of 1 to 100 characters, without what is not seen, or
/// what turns the text around it, or is shown as a link by programs that show mail, such as
/// `win-now.com`: the name stands in mails of the application's own, also to strangers.
///
/// ```
/// use donjon::account::organization::OrganizationName;
///
/// let name: OrganizationName = " Müller &  Söhne ".parse()?;
/// assert_eq!(name.as_str(), "Müller & Söhne");
/// # Ok::<(), donjon::account::organization::InvalidOrganizationName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OrganizationName(String);

/// Why a text is no [`OrganizationName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrganizationName {
    /// It is empty, too long, of several lines, or has characters that are not seen.
    #[error("a name is one line of 1 to 100 characters")]
    NotALine,
    /// Programs that show mail make a link of a part of it.
    #[error("a name must not look like a web address; write it without the dot, or with a space")]
    LooksLikeALink,
}

impl OrganizationName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganizationName {
    type Err = InvalidOrganizationName;

    fn from_str(text: &str) -> Result<Self, InvalidOrganizationName> {
        if text.len() > 8 * MAX_LENGTH || text.chars().any(is_strange) {
            return Err(InvalidOrganizationName::NotALine);
        }
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match (1..=MAX_LENGTH).contains(&name.chars().count()) {
            false => Err(InvalidOrganizationName::NotALine),
            true if is_link(&name) => Err(InvalidOrganizationName::LooksLikeALink),
            true => Ok(Self(name)),
        }
    }
}

/// What a program that shows mail makes a link of, in a mail of the application's own: a scheme, or
/// what may be a host, with or without a path behind it.
fn is_link(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut runs = name.split(|c: char| !c.is_alphanumeric() && c != '-' && !is_dot(c));
    name.contains("://") || name.contains("www.") || runs.any(has_host)
}

/// Whether a dot stands between something and what may be a top-level domain: two letters or more.
/// "A.B.", "2.0" and "St. Mary's" have none.
fn has_host(run: &str) -> bool {
    let labels = run.split(is_dot).map(|label| label.trim_matches('-'));
    let mut labels = labels.skip_while(|label| label.is_empty());
    labels.next();
    labels.any(is_top_level)
}

fn is_top_level(label: &str) -> bool {
    let is_word = label.chars().count() >= 2 && label.chars().all(char::is_alphabetic);
    is_word || label.starts_with("xn--")
}

/// What separates the labels of a host (UTS #46, section 4.5: the full stops of East Asia, too).
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// Controls, line ends, and what hides or reorders text (Unicode, bidirectional formatting).
fn is_strange(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrganizationName({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        let long = "é".repeat(100);
        for (typed, expected) in
            [("Acme", "Acme"), (" A  b ", "A b"), ("例え", "例え"), (&long, long.as_str())]
        {
            assert_eq!(typed.parse::<OrganizationName>().unwrap().as_str(), expected);
        }
        let (longer, huge) = ("é".repeat(101), " ".repeat(1_000));
        for bad in
            ["", " ", "a\nb", "a\u{0}", "a\u{202e}b", "\u{200b}", "a\u{2028}", &longer, &huge]
        {
            let refused = bad.parse::<OrganizationName>();
            assert_eq!(refused, Err(InvalidOrganizationName::NotALine), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_nothing_that_is_shown_as_a_link() {
        for name in [
            "St. Mary's",
            "Dr. Who",
            "A.B. Corp",
            "A.B.C",
            "U.S. Robots",
            "Web 2.0",
            "Version 1.2.3",
            "No.1 Shoes",
            "Wait... what",
            "...and more",
            "Yahoo!",
            "Müller & Co.",
            "Smith, Jones and Co.,",
            "モーニング娘。",
            "24/7",
        ] {
            assert!(name.parse::<OrganizationName>().is_ok(), "{name:?}");
        }
        for name in [
            "https://evil.example",
            "ftp://10.0.0.1",
            "Join WWW.evil.example",
            "Prize: win-now.com",
            "WIN-NOW.COM",
            "win-now.com/claim",
            "win-now.com:8443",
            "(win-now.com)",
            "now win-now.com.",
            "«win-now.com»",
            "user@evil.example",
            "evil.co.uk",
            "a.io",
            "1.de",
            "-evil-.com",
            "evil.com.2",
            "bücher.de",
            "президент.рф",
            "evil.xn--p1ai",
            "evil\u{3002}com",
            "evil\u{ff0e}com",
            "evil\u{ff61}com",
        ] {
            let refused = name.parse::<OrganizationName>();
            assert_eq!(refused, Err(InvalidOrganizationName::LooksLikeALink), "{name:?}");
        }
    }
}
