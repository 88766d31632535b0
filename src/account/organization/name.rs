use std::fmt;
use std::str::FromStr;

/// The longest name, in characters.
const MAX_LENGTH: usize = 100;

/// What an organization is called: one line of 1 to 100 characters, without what is not seen, or
/// what turns the text around it, or begins a link.
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

/// The text is no [`OrganizationName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is one line of 1 to 100 characters")]
pub struct InvalidOrganizationName;

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
            return Err(InvalidOrganizationName);
        }
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let fits = (1..=MAX_LENGTH).contains(&name.chars().count());
        if fits && !is_link(&name) { Ok(Self(name)) } else { Err(InvalidOrganizationName) }
    }
}

/// What a program that shows mail makes a link of, in a mail of the application's own.
fn is_link(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("://") || name.contains("www.")
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
        for bad in [
            "",
            " ",
            "https://evil.example",
            "Join WWW.evil.example",
            "a\nb",
            "a\u{0}",
            "a\u{202e}b",
            "\u{200b}",
            "a\u{2028}",
            &longer,
            &huge,
        ] {
            assert_eq!(bad.parse::<OrganizationName>(), Err(InvalidOrganizationName), "{bad:?}");
        }
    }
}
