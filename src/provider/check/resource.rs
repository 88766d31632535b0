use url::Url;

use super::limits;
use crate::http::Form;
use crate::provider::ProviderError;

/// RFC 8707, section 2: where the tokens will be used; absolute URIs without fragment. Sorted,
/// each once.
pub(in crate::provider) fn check_resource(form: &Form) -> Result<Vec<String>, ProviderError> {
    let mut resources: Vec<String> = Vec::new();
    for resource in form.all("resource").filter(|resource| !resource.is_empty()) {
        let absolute = Url::parse(resource).is_ok_and(|url| url.fragment().is_none());
        let plain = resource.bytes().all(|b| b.is_ascii_graphic());
        if !absolute || !plain || resource.len() > limits::RESOURCE {
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

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn resources_are_absolute_uris() {
        let two = form(&[
            ("resource", "https://b.example/x?y"),
            ("resource", "urn:example:a"),
            ("resource", "https://b.example/x?y"),
        ]);
        assert_eq!(check_resource(&two).unwrap(), ["https://b.example/x?y", "urn:example:a"]);
        assert_eq!(check_resource(&form(&[("resource", "")])), Ok(vec![]));
        let long = format!("https://a.example/{}", "a".repeat(limits::RESOURCE));
        for bad in ["/x", "a.example", "https://a.example/#", "https://a.example/ b", &long] {
            let refused = check_resource(&form(&[("resource", bad)]));
            assert_eq!(refused, Err(ProviderError::InvalidResource), "{bad}");
        }
        let many: Vec<String> =
            (0..=limits::RESOURCES).map(|n| format!("https://a.example/{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|uri| ("resource", uri.as_str())).collect();
        assert_eq!(check_resource(&form(&many)), Err(ProviderError::InvalidResource));
    }
}
