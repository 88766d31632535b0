use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::HostEventName;
use crate::store::WebhookEvent;

/// What an endpoint can be told of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EventType {
    /// Somebody signed up, or the host made an account.
    UserCreated,
    /// Something about a user changed: the password, the second factor, the address…
    UserUpdated,
    /// An account was deleted.
    UserDeleted,
    /// Somebody logged in.
    SessionCreated,
    /// A session ended before its time; a logout is one such end.
    SessionRevoked,
    /// Somebody became a member of an organization.
    MembershipCreated,
    /// A member got another role.
    MembershipUpdated,
    /// Somebody is a member no more.
    MembershipDeleted,
    /// An organization was deleted, by its owner, by the host, or with the account of who was alone in
    /// it. Its service accounts open nothing from then on, and its own endpoints are disabled: the
    /// event goes out to those that belong to none.
    OrganizationDeleted,
    /// A service account was made.
    ServiceAccountCreated,
    /// A service account was disabled.
    ServiceAccountRevoked,
    /// Something of the host's own.
    Host(HostEventName),
}

/// The text names no type of event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no type of event")]
pub struct UnknownEventType(String);

impl EventType {
    /// Every type there is of our own.
    pub const ALL: [Self; 11] = [
        Self::UserCreated,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::SessionCreated,
        Self::SessionRevoked,
        Self::MembershipCreated,
        Self::MembershipUpdated,
        Self::MembershipDeleted,
        Self::OrganizationDeleted,
        Self::ServiceAccountCreated,
        Self::ServiceAccountRevoked,
    ];

    /// The name that is sent, such as `user.created`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserDeleted => "user.deleted",
            Self::SessionCreated => "session.created",
            Self::SessionRevoked => "session.revoked",
            Self::MembershipCreated => "organization_membership.created",
            Self::MembershipUpdated => "organization_membership.updated",
            Self::MembershipDeleted => "organization_membership.deleted",
            Self::OrganizationDeleted => "organization.deleted",
            Self::ServiceAccountCreated => "service_account.created",
            Self::ServiceAccountRevoked => "service_account.revoked",
            Self::Host(name) => name.as_str(),
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(name: &str) -> Result<Self, UnknownEventType> {
        let known = Self::ALL.into_iter().find(|event| event.as_str() == name);
        let known = known.or_else(|| HostEventName::whole(name).map(Self::Host));
        known.ok_or_else(|| UnknownEventType(name.to_owned()))
    }
}

/// What is posted: the same bytes however often it is sent.
pub(super) fn body(event: &WebhookEvent) -> Vec<u8> {
    let mut data = Map::new();
    let mut put = |key: &str, value: Value| {
        data.insert(key.to_owned(), value);
    };
    if let Some(user) = &event.user {
        put("user_id", json!(user));
    }
    if let Some((kind, id)) = &event.subject {
        put("object", json!({ "type": kind, "id": id }));
    }
    if let Some(organization) = event.organization {
        put("organization_id", json!(organization));
    }
    if let Some((kind, id)) = &event.actor {
        put("actor", json!({ "type": kind, "id": id }));
    }
    put("reason", json!(event.action));
    if let Some(payload) = &event.payload {
        put("payload", Value::Object(payload.clone()));
    }
    let timestamp = event.at.format(&Rfc3339).unwrap_or_default();
    let message = json!({ "type": event.event_type, "timestamp": timestamp, "data": data });
    serde_json::to_vec(&message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::scope::UserId;

    #[test]
    fn a_type_is_read_back() {
        for event in EventType::ALL {
            let name = event.as_str().to_owned();
            assert_eq!(name.parse(), Ok(event));
        }
        assert!("user.*".parse::<EventType>().is_err());
    }

    #[test]
    fn an_event_says_who_what_and_when_and_nothing_more() {
        let event = WebhookEvent {
            id: Uuid::nil(),
            event_type: "user.updated".into(),
            action: "mfa.enroll".into(),
            at: datetime!(2026-11-21 12:00:00.5 UTC),
            user: UserId::new("u1").ok(),
            subject: None,
            organization: None,
            actor: Some(("user".into(), Some("u1".into()))),
            payload: None,
        };
        let sent: Value = serde_json::from_slice(&body(&event)).unwrap();
        let expected = json!({
            "type": "user.updated",
            "timestamp": "2026-11-21T12:00:00.5Z",
            "data": {
                "user_id": "u1",
                "actor": { "type": "user", "id": "u1" },
                "reason": "mfa.enroll",
            },
        });
        assert_eq!(sent, expected);
        assert_eq!(body(&event), body(&event.clone()));
    }
}
