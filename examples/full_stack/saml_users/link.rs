use donjon::account::{Accounts, Email};
use donjon::saml::protocol::LoginFacts;
use donjon::saml::{MapperError, SamlLogin};
use donjon::scope::Account;
use serde_json::{Value, json};

use super::{EMAIL_FORMAT, UNSPECIFIED_FORMAT};

const TRANSIENT_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// What the attributes that hold links begin with.
const PREFIX: &str = "saml:";

/// The tie between an account and the name that a connection's identity provider knows its user
/// by. It is made by the first login and never changes: an address that the identity provider gives
/// to somebody else later, or that somebody gives themselves there, does not open the account.
pub(super) struct Link {
    attribute: String,
    /// `None` for a name that is another one each time.
    name: Option<Value>,
}

impl Link {
    pub(super) fn of(login: SamlLogin<'_>) -> Self {
        Self { attribute: format!("{PREFIX}{}", login.connection), name: lasting_name(login.facts) }
    }

    /// What an account of this login begins with.
    pub(super) fn attribute(&self) -> Option<(String, Value)> {
        Some((self.attribute.clone(), self.name.clone()?))
    }

    /// The account, if this is whom it is linked to, or the first to come.
    pub(super) async fn enter(
        &self,
        account: Account,
        accounts: &Accounts,
    ) -> Result<Account, MapperError> {
        let held = match (account.attributes().get(&self.attribute), &self.name) {
            (Some(held), _) => Some(held.clone()),
            (None, None) => return Ok(account),
            (None, Some(name)) => {
                accounts.claim_attribute(account.id(), &self.attribute, name).await?
            }
        };
        if held.is_some() && held == self.name {
            return Ok(account);
        }
        let (user, attribute) = (account.id().as_str(), &self.attribute);
        tracing::warn!(user, attribute, "a SAML login names somebody else than the account does");
        Err(MapperError::Refused(
            "The account with your address belongs to another name at your identity provider. Ask \
             whoever runs this application to look into it."
                .into(),
        ))
    }
}

/// The name, with what it is unique together with (SAML Core, section 8.3) as far as that says
/// more than the connection does.
fn lasting_name(facts: &LoginFacts) -> Option<Value> {
    let name_id = &facts.name_id;
    let (format, value) = match name_id.format.as_deref() {
        Some(TRANSIENT_FORMAT) => return None,
        Some(EMAIL_FORMAT) => ("", Email::parse(&name_id.value).ok()?.as_str().to_owned()),
        None | Some(UNSPECIFIED_FORMAT) => ("", name_id.value.clone()),
        Some(format) => (format, name_id.value.clone()),
    };
    let qualifier =
        name_id.name_qualifier.as_deref().filter(|qualifier| *qualifier != facts.issuer);
    let qualifier = qualifier.unwrap_or_default();
    let plain = format.is_empty() && qualifier.is_empty();
    Some(if plain { value.into() } else { json!([format, qualifier, value]) })
}

/// Whether an attribute is a link: nobody's business but ours.
pub(crate) fn is_link(attribute: &str) -> bool {
    attribute.starts_with(PREFIX)
}
