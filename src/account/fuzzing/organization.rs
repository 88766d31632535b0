use std::collections::BTreeSet;

use url::Host;

use crate::account::Email;
use crate::account::organization::{
    EmailDomain, InvitationLink, OrganizationName, Slug, SlugRules,
};
use crate::fuzzing::Outcome;

/// A slug is a label of a host and a segment of a path; whatever an organization is called, what
/// is suggested may be chosen, and no two are the same. A domain is in one spelling, a host's, and
/// that of an address is its host's.
pub fn organization(data: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(data) else { return Outcome::Refused };
    let rules = SlugRules::default();
    let slug = Slug::parse(text);
    if let Ok(slug) = &slug {
        is_a_label(slug);
        assert_eq!(slug.as_str(), text);
    }
    let suggested: Vec<Slug> = rules.suggest(text).take(12).collect();
    assert!(suggested.is_empty() || suggested.len() == 12);
    assert_eq!(suggested.iter().collect::<BTreeSet<_>>().len(), suggested.len());
    for slug in &suggested {
        is_a_label(slug);
        assert_eq!(rules.choose(slug.as_str()).as_ref(), Ok(slug));
    }
    let domain = text.parse::<EmailDomain>();
    if let Ok(domain) = &domain {
        let name = domain.as_str();
        assert!(name.len() <= 253 && name.contains('.') && name.is_ascii());
        assert_eq!(name.parse().as_ref(), Ok(domain));
        assert_eq!(Host::parse(name), Ok(Host::Domain(name.to_owned())));
        let of_address = Email::parse(&format!("a@{name}")).ok();
        assert!(of_address.is_none_or(|email| EmailDomain::of(&email).as_ref() == Some(domain)));
    }
    let name = text.parse::<OrganizationName>();
    if let Ok(name) = &name {
        assert!((1..=100).contains(&name.as_str().chars().count()));
        assert!(!name.as_str().contains(char::is_control), "{name:?}");
        assert_eq!(name.as_str().parse().as_ref(), Ok(name));
        // No word of it is a host with a top-level domain of letters.
        let is_host = |word: &str| {
            let (host, top) = word.rsplit_once('.').unwrap_or_default();
            let is_top = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
            is_top && host.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        assert!(!name.as_str().split(' ').any(is_host), "{name:?}");
    }
    let link = InvitationLink::parse(text);
    assert!(link.as_ref().is_none_or(|link| link.expose() == text), "{text}");
    Outcome::accepted(slug.is_ok() || domain.is_ok() || link.is_some())
}

fn is_a_label(slug: &Slug) {
    let text = slug.as_str();
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    assert!((3..=63).contains(&text.len()), "{text}");
    assert!(text.starts_with(|c: char| c.is_ascii_lowercase()), "{text}");
    assert!(
        text.split('-').all(|word| !word.is_empty() && word.chars().all(alphanumeric)),
        "{text}"
    );
    assert_eq!(Host::parse(text), Ok(Host::Domain(text.to_owned())));
}
