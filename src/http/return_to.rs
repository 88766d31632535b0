use std::fmt;

use super::limits;

/// A path on this very host to send a browser back to. Whatever a browser might read as another
/// host (`//evil`, `/\evil`, control characters, a scheme) never becomes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Reads a local path with optional query; `None` if it could lead anywhere else.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let local = text.starts_with('/') && !text.starts_with("//") && printable;
        // The same conclusion, from the parser that browsers' behaviour is written down in.
        let resolved = url::Url::parse("https://host.invalid/").ok()?.join(text).ok()?;
        let stays = resolved.host_str() == Some("host.invalid")
            && resolved.scheme() == "https"
            // `/.//evil` resolves to the path `//evil`, which nobody may take for a target anew.
            && !resolved.path().starts_with("//");
        (local && stays && text.len() <= limits::RETURN_TO).then(|| Self(text.to_owned()))
    }

    /// The root of the host.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_pass() {
        for good in ["/", "/a/b?c=d&e=%2F%2Fx", "/a?u=https://x/", "/a//b", "/:80"] {
            assert_eq!(ReturnTo::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn paths_that_leave_the_host_do_not() {
        let long = format!("/{}", "a".repeat(limits::RETURN_TO));
        for bad in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "https:evil",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil",
            " /a",
            "/a b",
            "/é",
            "/\u{0}",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "?a",
            "#a",
            &long,
        ] {
            assert_eq!(ReturnTo::parse(bad), None, "{bad:?}");
        }
    }
}
