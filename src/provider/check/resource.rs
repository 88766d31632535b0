use url::Url;

use super::limits;
use crate::http::{Form, is_loopback};
use crate::provider::ProviderError;

/// RFC 8707, section 2: where the tokens will be used; absolute URIs without fragment. Sorted,
/// each once.
///
/// They become the audience as they are, byte for byte, so what no resource server could be
/// reached at is refused: each is an https URL, or plain http on this very machine.
pub(in crate::provider) fn check_resource(form: &Form) -> Result<Vec<String>, ProviderError> {
    let mut resources: Vec<String> = Vec::new();
    for resource in form.all("resource").filter(|resource| !resource.is_empty()) {
        if resource.len() > limits::RESOURCE || !is_resource(resource) {
            return Err(ProviderError::InvalidResource);
        }
        resources.push(resource.to_owned());
    }
    resources.sort();
    resources.dedup();
    if resources.len() > limits::RESOURCES {
        return Err(ProviderError::InvalidResource);
    }
    Ok(resources)
}

fn is_resource(text: &str) -> bool {
    // The parser mends more than it should: RFC 3986 knows neither these nor a missing `//`.
    let strange = |b: u8| !b.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&b);
    let Ok(url) = Url::parse(text) else { return false };
    let safe = match url.host() {
        Some(_) if text.starts_with("https://") => true,
        Some(host) => text.starts_with("http://") && is_loopback(&host),
        None => false,
    };
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    safe && plain && !text.bytes().any(strange)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn resources_are_absolute_urls_of_the_web_or_this_machine() {
        let two = form(&[
            ("resource", "https://b.example/x?y"),
            ("resource", "http://127.0.0.1:3000"),
            ("resource", "https://b.example/x?y"),
        ]);
        let read = check_resource(&two).unwrap();
        assert_eq!(read, ["http://127.0.0.1:3000", "https://b.example/x?y"]);
        for local in ["http://localhost:1/x", "http://api.localhost", "http://[::1]:8080/"] {
            assert_eq!(check_resource(&form(&[("resource", local)])).unwrap(), [local]);
        }
        assert_eq!(check_resource(&form(&[("resource", "")])), Ok(vec![]));
        let long = format!("https://a.example/{}", "a".repeat(limits::RESOURCE));
        for bad in [
            "/x",
            "a.example",
            "urn:example:a",
            "app.example:/x",
            "http://a.example",
            "http://localhost.a.example",
            "https:a.example",
            "https:/a.example",
            "https:\\\\a.example",
            "https://",
            "https://user@a.example",
            "https://a.example/#",
            "https://a.example/#x",
            "https://a.example/ b",
            "https://a.example/\u{0}",
            "https://a.example/\u{e9}",
            "https://a.example/{b}",
            " https://a.example",
            &long,
        ] {
            let refused = check_resource(&form(&[("resource", bad)]));
            assert_eq!(refused, Err(ProviderError::InvalidResource), "{bad}");
        }
        let many: Vec<String> =
            (0..=limits::RESOURCES).map(|n| format!("https://a.example/{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|uri| ("resource", uri.as_str())).collect();
        assert_eq!(check_resource(&form(&many)), Err(ProviderError::InvalidResource));
    }
}
