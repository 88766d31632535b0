use http::{Method, Uri};
use url::form_urlencoded::Serializer;

use crate::http::{Form, ReturnTo};

/// The longest trip that is put into a mailed link, in bytes.
const MAILED: usize = 1024;
/// The longest interaction id, in bytes.
const INTERACTION_ID: usize = 128;

/// Where a visitor wants to be in the end: carried by every link and form from the first page to
/// the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trip {
    return_to: Option<ReturnTo>,
    interaction_id: Option<String>,
    prompts_login: bool,
}

impl Trip {
    /// Reads `return_to`, `interaction_id` and `prompt` of a query. What cannot be trusted, or comes
    /// twice, is as good as absent.
    pub(super) fn of(query: &Form) -> Self {
        let is_id =
            |id: &&str| id.len() <= INTERACTION_ID && id.bytes().all(|b| b.is_ascii_graphic());
        Self {
            return_to: query.get("return_to").ok().flatten().and_then(ReturnTo::parse),
            interaction_id: query
                .get("interaction_id")
                .ok()
                .flatten()
                .filter(is_id)
                .map(str::to_owned),
            prompts_login: query.get("prompt") == Ok(Some("login")),
        }
    }

    /// Back to this address: with its query if it was only looked at.
    pub(super) fn back_to(uri: &Uri, method: &Method) -> Self {
        let looked_at = matches!(*method, Method::GET | Method::HEAD);
        let whole = uri.path_and_query().map_or(uri.path(), |whole| whole.as_str());
        let here = if looked_at { whole } else { uri.path() };
        Self { return_to: ReturnTo::parse(here), ..Self::default() }
    }

    /// To this path of ours.
    pub(super) fn to(path: &str) -> Self {
        Self { return_to: ReturnTo::parse(path), ..Self::default() }
    }

    /// Whether the authorization server sent the visitor, who must then really log in, whoever is
    /// logged in already.
    pub(super) fn is_interaction(&self) -> bool {
        self.interaction_id.is_some()
    }

    /// Whether whoever sent the visitor wants them to prove anew who they are.
    #[cfg(feature = "social")]
    pub(super) fn prompts_login(&self) -> bool {
        self.prompts_login
    }

    /// Whether the trip goes on after this role is done.
    pub(super) fn leads_on(&self) -> bool {
        self.return_to.is_some()
    }

    /// Where it ends, or else `home`.
    pub(super) fn destination<'a>(&'a self, home: &'a str) -> &'a str {
        self.return_to.as_ref().map_or(home, ReturnTo::as_str)
    }

    /// A path of ours with the trip.
    pub(super) fn via(&self, path: &str) -> String {
        self.via_with(path, &[])
    }

    /// A path of ours with these fields and the trip.
    pub(super) fn via_with(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(fields);
        if let Some(return_to) = &self.return_to {
            query.append_pair("return_to", return_to.as_str());
        }
        if let Some(id) = &self.interaction_id {
            query.append_pair("interaction_id", id);
        }
        if self.prompts_login {
            // For the other doors: behind ours everybody logs in.
            query.append_pair("prompt", "login");
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The trip for a mailed link: none if it would make the link unwieldy.
    pub(super) fn mailed(&self) -> Self {
        let length = self.return_to.as_ref().map_or(0, |return_to| return_to.as_str().len());
        if length > MAILED { Self::default() } else { self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(query: &str) -> Trip {
        Trip::of(&Form::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn a_trip_survives_its_links() {
        let first = trip("return_to=%2Foauth%2Fresume%3Fa%3Db%26c&interaction_id=i-1&x=y");
        let link = first.via("/register");
        assert_eq!(link, "/register?return_to=%2Foauth%2Fresume%3Fa%3Db%26c&interaction_id=i-1");
        assert_eq!(trip(link.split_once('?').unwrap().1), first);
        assert_eq!(first.destination("/"), "/oauth/resume?a=b&c");
        assert_eq!(Trip::default().via("/login"), "/login");
        let anew = trip("prompt=login&return_to=/a");
        assert_eq!(anew.via("/saml/acme/login"), "/saml/acme/login?return_to=%2Fa&prompt=login");
        for other in ["prompt=none", "prompt=login&prompt=login", "prompt=", "prompt=login+x"] {
            assert_eq!(trip(other), Trip::default(), "{other}");
        }
    }

    #[test]
    fn a_trip_never_leaves_the_host() {
        for evil in [
            "return_to=https://evil.example",
            "return_to=//evil.example",
            "return_to=%2F%5Cevil.example",
            "return_to=/a&return_to=/b",
            "return_to=javascript:alert(1)",
            "return_to=%2F%09%2Fevil.example",
        ] {
            assert_eq!(trip(evil).destination("/home"), "/home", "{evil}");
        }
        assert!(!trip("interaction_id=a%0d%0ab").is_interaction());
        assert!(!trip(&format!("interaction_id={}", "a".repeat(129))).is_interaction());
    }
}
