use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::Messages;
use super::fill::fill;

/// How the built-in pages and mails look and what they say.
///
/// ```
/// use donjon::page::Theme;
///
/// let theme = Theme::new("Acme")
///     .with_accent("#0f766e".parse()?)
///     .with_scope("api:read", "Read your projects");
/// # Ok::<(), donjon::page::InvalidAccent>(())
/// ```
#[derive(Clone, Debug)]
pub struct Theme {
    pub(super) product: String,
    pub(super) accent: Accent,
    pub(super) language: String,
    pub(super) messages: Messages,
    scopes: BTreeMap<String, String>,
}

impl Theme {
    /// The theme of the product with this name.
    pub fn new(product: impl Into<String>) -> Self {
        Self {
            product: product.into(),
            accent: Accent::default(),
            language: "en".to_owned(),
            messages: Messages::default(),
            scopes: BTreeMap::new(),
        }
    }

    /// The theme of a product that has no name but the host in its address.
    #[cfg(any(feature = "accounts", feature = "provider", feature = "saml"))]
    pub(crate) fn of_host(base_url: &str) -> Self {
        let url = url::Url::parse(base_url).ok();
        Self::new(url.as_ref().and_then(url::Url::host_str).unwrap_or_default())
    }

    /// The same, with this colour for buttons, links and focus.
    #[must_use]
    pub fn with_accent(self, accent: Accent) -> Self {
        Self { accent, ..self }
    }

    /// The same, with other words, in the language with this tag (BCP 47).
    #[must_use]
    pub fn with_messages(self, language: impl Into<String>, messages: Messages) -> Self {
        Self { language: language.into(), messages, ..self }
    }

    /// The same, with what the consent page says of a scope of the host's own.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>, text: impl Into<String>) -> Self {
        self.scopes.insert(scope.into(), text.into());
        self
    }

    /// The product's name.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// What is said to users.
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// A text with the product's name in it.
    pub(super) fn say(&self, text: &str) -> String {
        self.say_with(text, "", "")
    }

    /// A text with the product's name and these values in it.
    pub(super) fn say_all(&self, text: &str, values: &[(&str, &str)]) -> String {
        fill(text, &[&[("product", self.product.as_str())], values].concat())
    }

    /// A text with the product's name and one value in it.
    pub(super) fn say_with(&self, text: &str, name: &str, value: &str) -> String {
        fill(text, &[("product", &self.product), (name, value)])
    }

    /// The letter in the product's mark.
    pub(super) fn initial(&self) -> String {
        initial(&self.product)
    }

    /// What a scope allows, in words; the scope itself if nobody has said.
    pub(super) fn scope<'a>(&'a self, scope: &'a str) -> &'a str {
        let standard = match scope {
            "openid" => Some(&self.messages.scope_openid),
            "profile" => Some(&self.messages.scope_profile),
            "email" => Some(&self.messages.scope_email),
            "address" => Some(&self.messages.scope_address),
            "phone" => Some(&self.messages.scope_phone),
            "offline_access" => Some(&self.messages.scope_offline_access),
            _ => None,
        };
        let own = self.scopes.get(scope).map(String::as_str);
        own.or(standard.map(AsRef::as_ref)).unwrap_or(scope)
    }
}

/// The first letter of a name, to stand for it.
pub(super) fn initial(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map_or_else(String::new, |c| c.to_uppercase().collect())
}

/// A colour, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    rgb: [u8; 3],
}

/// The text is not a colour of the form `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written #rrggbb, in hexadecimal")]
pub struct InvalidAccent;

impl Accent {
    /// Black or white: which of the two can be read better on this colour (WCAG 2.2, contrast
    /// ratio).
    pub(super) fn on_top(self) -> &'static str {
        let [r, g, b] = self.rgb.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let (with_white, with_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
        if with_white >= with_black.min(4.5) { "#ffffff" } else { "#000000" }
    }
}

impl Default for Accent {
    fn default() -> Self {
        Self { rgb: [0x43, 0x38, 0xca] }
    }
}

impl FromStr for Accent {
    type Err = InvalidAccent;

    fn from_str(text: &str) -> Result<Self, InvalidAccent> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6).ok_or(InvalidAccent)?;
        if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidAccent);
        }
        let number = u32::from_str_radix(hex, 16).map_err(|_| InvalidAccent)?;
        let [_, r, g, b] = number.to_be_bytes();
        Ok(Self { rgb: [r, g, b] })
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.rgb;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_is_a_colour_and_nothing_else() {
        assert_eq!("#0F766e".parse::<Accent>().unwrap().to_string(), "#0f766e");
        for bad in ["", "0f766e", "#fff", "#0f766", "#0f766eaa", "#+f766e", "#0f766e;}", "red"] {
            assert_eq!(bad.parse::<Accent>(), Err(InvalidAccent), "{bad:?}");
        }
    }

    #[test]
    fn text_on_the_accent_can_be_read() {
        for (accent, text) in [
            ("#4338ca", "#ffffff"),
            ("#0f766e", "#ffffff"),
            ("#facc15", "#000000"),
            ("#ffffff", "#000000"),
            ("#000000", "#ffffff"),
        ] {
            assert_eq!(accent.parse::<Accent>().unwrap().on_top(), text, "{accent}");
        }
    }

    #[test]
    fn a_scope_is_explained_by_the_host_first() {
        let theme = Theme::new("Acme").with_scope("email", "Write to you");
        assert_eq!(theme.scope("email"), "Write to you");
        assert_eq!(theme.scope("openid"), "Know who you are");
        assert_eq!(theme.scope("api:read"), "api:read");
    }
}
