//! Who an ID token must be from.

use uuid::Uuid;

/// The tenant of everybody's own Microsoft account, beside those of organizations.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Whose users log in with Microsoft.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tenant {
    /// Those of every organization, and everybody with an account of their own.
    Any,
    /// Those of every organization.
    Organizations,
    /// Everybody with an account of their own.
    Personal,
    /// Those of this organization, by the id of its tenant (a UUID).
    Only(String),
}

impl Tenant {
    /// Its place in the addresses of Microsoft.
    pub(in crate::account::social) fn path(&self) -> &str {
        match self {
            Self::Any => "common",
            Self::Organizations => "organizations",
            Self::Personal => "consumers",
            Self::Only(id) => id,
        }
    }

    /// Whether only the users of one organization come.
    pub(in crate::account::social) fn is_one_organization(&self) -> bool {
        matches!(self, Self::Only(id) if id != PERSONAL)
    }

    fn admits(&self, id: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Organizations => id != PERSONAL,
            Self::Personal => id == PERSONAL,
            Self::Only(only) => id == only,
        }
    }
}

/// Who an ID token of a provider is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::account::social) enum IssuerRule {
    /// The issuer that publishes the metadata, letter for letter.
    Exact(String),
    /// Google, which has long left the scheme out.
    Google(String),
    /// Microsoft at this authority: one issuer for each tenant, all with the same keys.
    Microsoft(String, Tenant),
}

impl IssuerRule {
    /// Whether metadata with this `issuer` are the provider's.
    pub(in crate::account::social) fn publishes(&self, issuer: &str) -> bool {
        match self {
            Self::Exact(expected) | Self::Google(expected) => issuer == expected,
            Self::Microsoft(authority, tenant) => {
                let id = match tenant {
                    Tenant::Any | Tenant::Organizations => "{tenantid}",
                    Tenant::Personal => PERSONAL,
                    Tenant::Only(id) => id,
                };
                issuer == format!("{authority}/{id}/v2.0")
            }
        }
    }

    /// Whether an answer that names this issuer (RFC 9207, section 2.4) can be the provider's. Where
    /// each tenant has an issuer of its own it is one that may come; that it is the very one of the ID
    /// token is for [`IssuerRule::as_answered`].
    pub(in crate::account::social) fn answers_as(&self, iss: &str) -> bool {
        match self {
            Self::Exact(expected) | Self::Google(expected) => iss == expected,
            Self::Microsoft(authority, _) => {
                tenant_of(authority, iss).is_some_and(|id| self.issues(iss, Some(id)))
            }
        }
    }

    /// Who an ID token must be from that comes of an answer which named this issuer, or none: of all
    /// tenants only the one that answered.
    pub(in crate::account::social) fn as_answered(&self, iss: Option<&str>) -> Self {
        match (self, iss) {
            (Self::Microsoft(authority, _), Some(iss)) if self.answers_as(iss) => {
                let id = tenant_of(authority, iss).unwrap_or_default();
                Self::Microsoft(authority.clone(), Tenant::Only(id.to_owned()))
            }
            _ => self.clone(),
        }
    }

    /// Whether a token with these claims is the provider's. What is the same for all tenants (the
    /// keys) says nothing of the tenant: its id must be that of the issuer, and one that may come.
    pub(in crate::account::social) fn issues(&self, iss: &str, tid: Option<&str>) -> bool {
        match (self, tid) {
            (Self::Exact(expected), _) => iss == expected,
            (Self::Google(expected), _) => {
                iss == expected || expected.strip_prefix("https://") == Some(iss)
            }
            (Self::Microsoft(authority, tenant), Some(id)) => {
                let is_id = Uuid::try_parse(id).is_ok_and(|uuid| uuid.to_string() == id);
                is_id && iss == format!("{authority}/{id}/v2.0") && tenant.admits(id)
            }
            (Self::Microsoft(..), None) => false,
        }
    }
}

/// The id in the issuer of a tenant of Microsoft's.
fn tenant_of<'i>(authority: &str, issuer: &'i str) -> Option<&'i str> {
    issuer.strip_prefix(authority)?.strip_prefix('/')?.strip_suffix("/v2.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    const OTHER: &str = "0f0e0d0c-0b0a-4909-8807-060504030201";

    #[test]
    fn a_tenant_speaks_for_itself_and_only_if_it_may_come() {
        let at = |id: &str| format!("https://ms.example/{id}/v2.0");
        let rule = |tenant| IssuerRule::Microsoft("https://ms.example".into(), tenant);
        for (tenant, acme, personal) in [
            (Tenant::Any, true, true),
            (Tenant::Organizations, true, false),
            (Tenant::Personal, false, true),
            (Tenant::Only(ACME.into()), true, false),
            (Tenant::Only(OTHER.into()), false, false),
        ] {
            assert_eq!(rule(tenant.clone()).issues(&at(ACME), Some(ACME)), acme, "{tenant:?}");
            assert_eq!(rule(tenant.clone()).issues(&at(PERSONAL), Some(PERSONAL)), personal);
            // One tenant in the name of another; none; what is no id.
            let spoofed = "72f988bf-86f1-41af-91ab-2d7cd011db47/../x";
            for (iss, tid) in [
                (at(ACME), Some(OTHER)),
                (at(OTHER), Some(ACME)),
                (at(ACME), None),
                (at(spoofed), Some(spoofed)),
                (at(&ACME.to_uppercase()), Some(ACME.to_uppercase().as_str())),
                ("https://evil.example/".to_owned() + ACME + "/v2.0", Some(ACME)),
                (at("{tenantid}"), Some("{tenantid}")),
            ] {
                assert!(!rule(tenant.clone()).issues(&iss, tid), "{tenant:?} {iss} {tid:?}");
            }
        }
        assert!(Tenant::Only(ACME.into()).is_one_organization());
        for many in
            [Tenant::Any, Tenant::Organizations, Tenant::Personal, Tenant::Only(PERSONAL.into())]
        {
            assert!(!many.is_one_organization(), "{many:?}");
        }
        assert!(rule(Tenant::Any).publishes(&at("{tenantid}")));
        assert!(rule(Tenant::Only(ACME.into())).publishes(&at(ACME)));
        assert!(!rule(Tenant::Only(ACME.into())).publishes(&at(OTHER)));
        assert!(!rule(Tenant::Any).publishes(&at(ACME)));
    }

    #[test]
    fn an_answer_is_in_the_name_of_the_tenant_that_issues_the_token() {
        let at = |id: &str| format!("https://ms.example/{id}/v2.0");
        let rule = |tenant| IssuerRule::Microsoft("https://ms.example".into(), tenant);
        for (tenant, acme, personal) in [
            (Tenant::Any, true, true),
            (Tenant::Organizations, true, false),
            (Tenant::Personal, false, true),
            (Tenant::Only(ACME.into()), true, false),
        ] {
            let rule = rule(tenant);
            assert_eq!(rule.answers_as(&at(ACME)), acme, "{rule:?}");
            assert_eq!(rule.answers_as(&at(PERSONAL)), personal, "{rule:?}");
            for other in [
                at("common"),
                at("{tenantid}"),
                at(&ACME.to_uppercase()),
                at(&format!("{ACME}/{ACME}")),
                at(ACME) + "/",
                at(ACME).replace("/v2.0", ""),
                at(ACME).replace("ms.example", "ms.example.evil.example"),
                "https://ms.example".to_owned(),
                "https://evil.example".to_owned(),
                String::new(),
            ] {
                assert!(!rule.answers_as(&other), "{rule:?} {other}");
            }
        }
        let any = rule(Tenant::Any);
        let answered = any.as_answered(Some(&at(ACME)));
        assert!(answered.issues(&at(ACME), Some(ACME)));
        assert!(!answered.issues(&at(OTHER), Some(OTHER)), "the token is another tenant's");
        assert!(any.as_answered(None).issues(&at(OTHER), Some(OTHER)));
        let acme = rule(Tenant::Only(ACME.into()));
        assert_eq!(acme.as_answered(Some(&at(OTHER))), acme, "no answer widens the rule");
    }

    #[test]
    fn other_issuers_are_compared_letter_for_letter() {
        let exact = IssuerRule::Exact("https://op.example".into());
        assert!(exact.issues("https://op.example", None) && exact.publishes("https://op.example"));
        for other in ["https://op.example/", "op.example", "https://OP.example", ""] {
            assert!(!exact.issues(other, None) && !exact.publishes(other), "{other}");
        }
        let google = IssuerRule::Google("https://accounts.google.com".into());
        assert!(google.issues("https://accounts.google.com", None));
        assert!(google.issues("accounts.google.com", None));
        assert!(!google.publishes("accounts.google.com"));
        assert!(google.answers_as("https://accounts.google.com"));
        assert!(!google.answers_as("accounts.google.com"), "answers never left the scheme out");
        assert_eq!(google.as_answered(Some("https://accounts.google.com")), google);
        for other in ["http://accounts.google.com", "https://accounts.google.com.evil.example"] {
            assert!(!google.issues(other, None), "{other}");
        }
    }
}
