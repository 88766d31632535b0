//! The host's own facts about a user, changed in the host's own type.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Accounts;
use crate::audit::{Action, AuditActor, Entry};
use crate::scope::{Attributes, UserId, storable_fields};
use crate::store::{AttributesChange, StoreError};

/// How large the attributes of a user may be, as JSON, in bytes: every request of theirs reads them.
pub(super) const MAX_SIZE: usize = 16 * 1024;
/// How often a change is tried again after another one came before it.
const TRIES: usize = 64;

/// Why attributes were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttributesError {
    /// The host's fault: what is stored does not fit the type, or the type is no JSON object.
    #[error("the attributes do not fit the type: {0}")]
    Type(#[from] serde_json::Error),
    /// The host's fault: every request of the user reads them.
    #[error("attributes are at most 16 KiB as JSON; keep what is larger in a table of your own")]
    TooLarge,
    /// Nobody's fault: others changed them again and again in between.
    #[error("the attributes are being changed by too many at once")]
    Contended,
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Changes the host's attributes of a user, in a type of the host's, and answers what they are
    /// then; `None` if there is no such account. The next request of the user sees it.
    ///
    /// Of callers who change them at once each sees what the one before has written: `change` is
    /// called again then, so it should do nothing else. What the type does not know of stays as it
    /// is. In texts U+0000 becomes U+FFFD.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use donjon::account::AccountLayer;
    /// # use donjon::crypto::{Keyring, SystemRandom};
    /// # use donjon::store::SqlStore;
    /// # let store = SqlStore::connect("sqlite::memory:").await?;
    /// # let keyring = Keyring::ephemeral(&SystemRandom);
    /// # let layer = AccountLayer::builder(&store, &keyring, "https://app.example").build()?;
    /// # let accounts = layer.accounts();
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// #[serde(default)]
    /// struct Profile {
    ///     plan: String,
    ///     credits: u32,
    /// }
    ///
    /// let alice = accounts.create("alice@example.test", None, Default::default(), true).await?;
    /// let change = |profile: &mut Profile| profile.credits += 10;
    /// let profile = accounts.change_attributes(alice.id(), change).await?.unwrap();
    /// assert_eq!(profile.credits, 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`AttributesError`].
    pub async fn change_attributes<T>(
        &self,
        id: &UserId,
        change: impl Fn(&mut T) + Send,
    ) -> Result<Option<T>, AttributesError>
    where
        T: Serialize + DeserializeOwned + Send,
    {
        for _ in 0..TRIES {
            let Some((stored, version)) = self.store.load_attributes(id).await? else {
                return Ok(None);
            };
            let mut typed = T::deserialize(Value::Object(stored.clone()))?;
            let known = fields(&typed)?;
            change(&mut typed);
            let next = merged(stored, &known, fields(&typed)?);
            if serde_json::to_string(&next)?.len() > MAX_SIZE {
                return Err(AttributesError::TooLarge);
            }
            let now = self.clock.now();
            let entry = Entry::new(Action::CHANGE_ATTRIBUTES).by(AuditActor::System).about(id);
            let along = entry.at(now, &*self.random).into();
            let changed = self.store.change_attributes(id, version, &next, &along).await?;
            if changed == AttributesChange::Written {
                along.announce();
                return Ok(Some(typed));
            }
        }
        Err(AttributesError::Contended)
    }
}

fn fields<T: Serialize>(typed: &T) -> Result<Attributes, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(typed)?)
}

/// What is stored, with the fields of the type as they are now; those that the type had before and
/// has no more are gone, and those it never knew stay.
fn merged(mut stored: Attributes, known: &Attributes, next: Attributes) -> Attributes {
    stored.retain(|name, _| !known.contains_key(name));
    stored.extend(storable_fields(next));
    stored
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Attributes {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_a_type_does_not_know_stays_and_what_it_drops_goes() {
        let stored = object(json!({"plan": "pro", "note": "x", "saml": "u-1"}));
        let known = object(json!({"plan": "pro", "note": "x"}));
        let next = object(json!({"plan": "free\0"}));
        let expected = object(json!({"plan": "free\u{fffd}", "saml": "u-1"}));
        assert_eq!(merged(stored, &known, next), expected);
    }
}
