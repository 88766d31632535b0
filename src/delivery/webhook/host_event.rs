use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::EventType;
use crate::scope::{OrganizationId, UserId};

/// What the names of a host's events begin with, and none of ours ever will.
const PREFIX: &str = "host.";
/// The longest name, in bytes, the prefix included.
const LONGEST_NAME: usize = 64;
/// The largest payload, in bytes as JSON.
const LARGEST_PAYLOAD: usize = 16 * 1024;

/// The name of an event of the host's own, such as `host.invoice.paid`; made by
/// [`EventType::host`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostEventName(String);

/// The text cannot be the name of an event: words of a-z, 0-9 and `_` with dots between them, 59
/// bytes at most.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not made of words of a-z, 0-9 and _ with dots between them, 59 bytes at most")]
pub struct InvalidEventName(String);

/// Something of the host's own happened; for
/// [`WebhookEndpoints::emit`](super::WebhookEndpoints::emit).
///
/// ```
/// use donjon::delivery::webhook::HostEvent;
///
/// #[derive(serde::Serialize)]
/// struct Paid {
///     invoice: u64,
/// }
///
/// let paid = HostEvent::new("invoice.paid", &Paid { invoice: 17 })?;
/// assert_eq!(paid.event_type().as_str(), "host.invoice.paid");
/// # Ok::<(), donjon::delivery::webhook::InvalidHostEvent>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct HostEvent {
    pub(super) name: HostEventName,
    pub(super) payload: Map<String, Value>,
    pub(super) id: Option<Uuid>,
    pub(super) user: Option<UserId>,
    pub(super) organization: Option<OrganizationId>,
}

/// Why an event cannot be like that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHostEvent {
    /// Its name.
    #[error(transparent)]
    Name(#[from] InvalidEventName),
    /// The payload is no JSON object.
    #[error("the payload of an event is a JSON object")]
    Payload,
    /// The payload is larger than 16 KiB as JSON.
    #[error("the payload of an event has at most 16 KiB as JSON; send an id to fetch the rest by")]
    TooLarge,
}

impl EventType {
    /// An event of the host's own. Its name gets `host.` in front, and so is none of ours, whatever
    /// there will be.
    ///
    /// # Errors
    /// [`InvalidEventName`].
    pub fn host(name: &str) -> Result<Self, InvalidEventName> {
        HostEventName::new(name).map(Self::Host)
    }
}

impl HostEventName {
    fn new(name: &str) -> Result<Self, InvalidEventName> {
        Self::whole(&format!("{PREFIX}{name}")).ok_or_else(|| InvalidEventName(name.to_owned()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that is this whole text.
    pub(super) fn whole(text: &str) -> Option<Self> {
        let word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let fits = text.len() <= LONGEST_NAME
            && text.strip_prefix(PREFIX).is_some_and(|rest| rest.split('.').all(word));
        fits.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for HostEventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HostEvent {
    /// An event with the name that [`EventType::host`] makes of `name`, and what receivers are told:
    /// whatever serializes to a JSON object of at most 16 KiB. It is not encrypted where it is
    /// stored, so nothing secret should be in it.
    ///
    /// # Errors
    /// [`InvalidHostEvent`].
    pub fn new(name: &str, payload: &impl Serialize) -> Result<Self, InvalidHostEvent> {
        let name = HostEventName::new(name)?;
        let Ok(Value::Object(payload)) = serde_json::to_value(payload) else {
            return Err(InvalidHostEvent::Payload);
        };
        let size = serde_json::to_vec(&payload).map_or(usize::MAX, |json| json.len());
        if size > LARGEST_PAYLOAD {
            return Err(InvalidHostEvent::TooLarge);
        }
        Ok(Self { name, payload, id: None, user: None, organization: None })
    }

    /// The same, under an id of the host's, which it can emit again and again: of all times one
    /// counts. For a host that notes in a transaction of its own that there is something to tell,
    /// and tells it afterwards.
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// The same, about a user.
    pub fn about(mut self, user: &UserId) -> Self {
        self.user = Some(user.clone());
        self
    }

    /// The same, in an organization: its endpoints are told, and those that belong to none.
    pub fn in_organization(mut self, organization: OrganizationId) -> Self {
        self.organization = Some(organization);
        self
    }

    /// What endpoints ask for to be told of it.
    pub fn event_type(&self) -> EventType {
        EventType::Host(self.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_of_the_hosts_is_none_of_ours_and_is_read_back() {
        for name in ["invoice.paid", "user.created", "a", "a_1.b"] {
            let event = EventType::host(name).unwrap();
            assert_eq!(event.as_str(), format!("host.{name}"));
            assert!(EventType::ALL.iter().all(|ours| !ours.as_str().starts_with(PREFIX)));
            assert_eq!(event.to_string().parse(), Ok(event));
        }
        let long = "a".repeat(60);
        for bad in ["", ".", "a.", ".a", "a..b", "A", "a b", "a*", "é", long.as_str()] {
            assert!(EventType::host(bad).is_err(), "{bad:?}");
            assert!(format!("host.{bad}").parse::<EventType>().is_err(), "{bad:?}");
        }
        assert!("invoice.paid".parse::<EventType>().is_err());
    }

    #[test]
    fn a_payload_is_an_object_of_a_bearable_size() {
        let text = |length| json!({ "text": "x".repeat(length) });
        let frame = r#"{"text":""}"#.len();
        assert!(HostEvent::new("a", &text(LARGEST_PAYLOAD - frame)).is_ok());
        let large = HostEvent::new("a", &text(LARGEST_PAYLOAD - frame + 1));
        assert!(matches!(large, Err(InvalidHostEvent::TooLarge)));
        for odd in [json!(1), json!("a"), json!([1]), json!(null)] {
            assert!(matches!(HostEvent::new("a", &odd), Err(InvalidHostEvent::Payload)), "{odd}");
        }
        assert!(matches!(HostEvent::new("A", &json!({})), Err(InvalidHostEvent::Name(_))));
    }
}
