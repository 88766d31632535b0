use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{UserId, storable_fields, storable_text};

/// The host's own facts about a user, as a JSON object.
pub type Attributes = serde_json::Map<String, serde_json::Value>;

/// A user, as everything but the user's own settings pages sees them. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account(Arc<Fields>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fields {
    id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    attributes: Attributes,
}

impl Account {
    /// An account with no email and no attributes.
    pub fn new(id: UserId) -> Self {
        Self(Arc::new(Fields {
            id,
            email: None,
            email_verified: false,
            attributes: Attributes::new(),
        }))
    }

    /// The same account with this email address, and whether its owner has proven to hold it.
    /// U+0000, which not every store can hold, becomes U+FFFD.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>, verified: bool) -> Self {
        let fields = Arc::make_mut(&mut self.0);
        fields.email = Some(storable_text(email.into()));
        fields.email_verified = verified;
        self
    }

    /// The same account with these attributes in place of its own. In their texts and keys U+0000,
    /// which not every store can hold, becomes U+FFFD.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        Arc::make_mut(&mut self.0).attributes = storable_fields(attributes);
        self
    }

    /// The stable id; also the public `sub`, unless the provider is told to make it pairwise.
    pub fn id(&self) -> &UserId {
        &self.0.id
    }

    /// The email address, if the account has one.
    pub fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Whether the owner has proven to hold the address.
    pub fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// The host's own attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.0.attributes
    }

    /// The host's own attributes as a type of the host's.
    ///
    /// # Errors
    /// When the stored object does not fit the type.
    pub fn attributes_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(serde_json::Value::Object(self.0.attributes.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_the_hosts_type() {
        #[derive(Deserialize)]
        struct Mine {
            plan: String,
        }
        let mut attributes = Attributes::new();
        attributes.insert("plan".into(), "pro".into());
        let account = Account::new(UserId::new("u1").unwrap()).with_attributes(attributes);
        assert_eq!(account.attributes_as::<Mine>().unwrap().plan, "pro");
    }
}
