use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Action;
use crate::crypto::{Random, RandomExt as _};
use crate::scope::{Actor, CurrentScope, OrganizationId, UserId, storable, storable_text};

/// The most that an entry’s metadata may be, as JSON, in bytes.
const MAX_METADATA: usize = 8 * 1024;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused, and nothing else changed.
    Failure,
}

impl Outcome {
    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditActor {
    /// Nobody who was logged in: a visitor.
    #[default]
    Visitor,
    /// This user.
    User(UserId),
    /// This service account.
    ServiceAccount(UserId),
    /// The application itself: a sweeper, a command, a seed.
    System,
}

impl AuditActor {
    /// The kind it is stored by: `visitor`, `user`, `service_account` or `system`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::User(_) => "user",
            Self::ServiceAccount(_) => "service_account",
            Self::System => "system",
        }
    }

    /// The id, of those that have one.
    pub fn id(&self) -> Option<&UserId> {
        match self {
            Self::User(id) | Self::ServiceAccount(id) => Some(id),
            Self::Visitor | Self::System => None,
        }
    }
}

/// What it was done to, besides a user: an organization, a passkey, a token…
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The kind, such as `passkey`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

/// An entry about to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    action: Action,
    outcome: Outcome,
    actor: AuditActor,
    user: Option<UserId>,
    subject: Option<Subject>,
    organization: Option<OrganizationId>,
    metadata: Map<String, Value>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its id, a UUIDv7.
    pub id: Uuid,
    /// When it happened.
    pub at: OffsetDateTime,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// The kind of whoever did it: `visitor`, `user`, `service_account` or `system`.
    pub actor_kind: String,
    /// Who did it. While one user impersonates another, the one who really acts.
    pub actor: Option<UserId>,
    /// The user it is about: the effective user.
    pub user: Option<UserId>,
    /// The kind of what it was done to.
    pub subject_kind: Option<String>,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// The organization in which it was done.
    pub organization: Option<OrganizationId>,
    /// What else is worth knowing.
    pub metadata: Map<String, Value>,
    /// Where the request came from, by the trusted-proxy rule.
    pub address: Option<IpAddr>,
    /// What the browser or program called itself.
    pub user_agent: Option<String>,
}

impl Entry {
    /// An action that was done, by nobody in particular.
    pub fn new(action: Action) -> Self {
        Self {
            action,
            outcome: Outcome::Success,
            actor: AuditActor::Visitor,
            user: None,
            subject: None,
            organization: None,
            metadata: Map::new(),
            address: None,
            user_agent: None,
        }
    }

    /// The same, refused.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.outcome = Outcome::Failure;
        self
    }

    /// The same, done by `actor`.
    #[must_use]
    pub fn by(mut self, actor: AuditActor) -> Self {
        self.actor = actor;
        self
    }

    /// The same, done by whoever acts in `scope`, on behalf of its user. While one user
    /// impersonates another, the actor is the one who really acts. A service account acts on behalf
    /// of nobody.
    #[must_use]
    pub fn within(mut self, scope: &CurrentScope) -> Self {
        let account = scope.account().map(|account| account.id().clone());
        let (actor, user) = match (scope.actor(), account) {
            (Actor::Impersonator(admin), user) => (AuditActor::User(admin.clone()), user),
            (Actor::ServiceAccount, Some(id)) => (AuditActor::ServiceAccount(id), None),
            (_, Some(id)) => (AuditActor::User(id.clone()), Some(id)),
            (_, None) => (AuditActor::Visitor, None),
        };
        self.actor = actor;
        self.user = self.user.or(user);
        self
    }

    /// The same, about this user. Where nobody is named, the transition that writes the entry
    /// names the user it changed.
    #[must_use]
    pub fn about(mut self, user: &UserId) -> Self {
        self.user = Some(user.clone());
        self
    }

    /// The same, done to this thing.
    #[must_use]
    pub fn to(mut self, kind: &'static str, id: impl ToString) -> Self {
        self.subject = Some(Subject { kind, id: id.to_string() });
        self
    }

    /// The same, in this organization.
    #[must_use]
    pub fn in_organization(mut self, id: OrganizationId) -> Self {
        self.organization = Some(id);
        self
    }

    /// The same, from this browser or program.
    #[must_use]
    pub fn from(mut self, address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        self.address = address;
        self.user_agent = user_agent.map(|text| storable_text(text.to_owned()));
        self
    }

    /// The same, with a field more of metadata. Never a secret. A field that would make the
    /// metadata longer than 8 KiB is left out, and `truncated` says so.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let (key, value) = (storable_text(key.to_owned()), storable(value.into()));
        let size = |value: &Value| serde_json::to_string(value).map_or(usize::MAX, |t| t.len());
        let held = size(&Value::Object(self.metadata.clone()));
        let more = size(&value).saturating_add(key.len()).saturating_add(32);
        if held.saturating_add(more) > MAX_METADATA {
            self.metadata.insert("truncated".to_owned(), Value::Bool(true));
        } else {
            self.metadata.insert(key, value);
        }
        self
    }

    /// The entry as it is written: at this time, under a fresh id.
    #[must_use]
    pub fn at(self, now: OffsetDateTime, random: &dyn Random) -> AuditEntry {
        let actor_kind = self.actor.kind().to_owned();
        let (subject_kind, subject) = match self.subject {
            Some(Subject { kind, id }) => (Some(kind.to_owned()), Some(storable_text(id))),
            None => (None, None),
        };
        AuditEntry {
            id: random.uuid_v7(now),
            at: now,
            action: self.action,
            outcome: self.outcome,
            actor: self.actor.id().cloned(),
            actor_kind,
            user: self.user,
            subject_kind,
            subject,
            organization: self.organization,
            metadata: self.metadata,
            address: self.address,
            user_agent: self.user_agent,
        }
    }
}

impl AuditEntry {
    /// Tells of the entry by [`tracing`]. To be called once it is committed, never before.
    pub fn announce(&self) {
        tracing::info!(
            target: "donjon::audit",
            id = %self.id,
            action = %self.action,
            outcome = self.outcome.as_str(),
            actor_kind = self.actor_kind,
            actor = self.actor.as_ref().map(UserId::as_str),
            user = self.user.as_ref().map(UserId::as_str),
            subject = self.subject,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    fn entry() -> Entry {
        Entry::new(Action::of("session.create"))
    }

    #[test]
    fn metadata_is_bounded_and_says_that_something_is_missing() {
        let small = entry().with("a", 1).with("b", "x".repeat(9000)).with("c", "y");
        let written = small.at(OffsetDateTime::UNIX_EPOCH, &SystemRandom);
        assert_eq!(
            Value::Object(written.metadata),
            serde_json::json!({"a": 1, "truncated": true, "c": "y"})
        );
    }

    #[test]
    fn nothing_that_a_database_refuses_gets_in() {
        let value = serde_json::json!({"k\0": ["a\0b", {"c": "\0"}]});
        let written = entry().with("m", value).to("passkey", "n\0").from(None, Some("ua\0"));
        let written = written.at(OffsetDateTime::UNIX_EPOCH, &SystemRandom);
        assert!(!format!("{written:?}").contains("\\0"), "{written:?}");
    }
}
