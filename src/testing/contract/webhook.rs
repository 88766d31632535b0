mod delivery;

use std::sync::Arc;

use time::Duration;
use uuid::Uuid;

use super::account::new_user;
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{RandomExt as _, Sealed, SystemRandom};
use crate::scope::{OrganizationId, SessionEnd, UserId};
use crate::store::{
    AuditFilter, AuditStore, Effects, NewUser, SessionStore, UserStore, WebhookAttempt,
    WebhookDelivery, WebhookEndpoint, WebhookEndpointId, WebhookEvent, WebhookOutcome,
    WebhookRecord, WebhookState, WebhookStore,
};

const LEASE: Duration = Duration::MINUTE;
const CREATED: &str = "user.created";

/// Proves the contract of a [`WebhookStore`], which is told of what happens in `users` and
/// `sessions`, and whose entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn webhooks(
    store: Arc<dyn WebhookStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions, audit };
    kit.an_event_is_written_with_what_it_tells_of().await?;
    kit.the_end_of_a_session_is_an_event().await?;
    kit.a_delivery_is_claimed_by_one_worker().await?;
    kit.an_endpoint_that_hangs_holds_up_nobody().await?;
    kit.a_dead_workers_delivery_is_due_again().await?;
    kit.a_late_worker_disturbs_nobody().await?;
    kit.a_dead_letter_is_sent_again_once().await?;
    kit.an_endpoint_that_is_gone_is_disabled().await?;
    kit.secrets_are_replaced_once().await?;
    kit.an_endpoint_is_changed_and_removed_once().await?;
    kit.endpoints_that_hang_leave_a_place_for_others().await?;
    kit.an_event_of_the_hosts_own_is_written_once().await?;
    kit.only_what_nobody_waits_for_is_swept().await?;
    kit.what_waits_at_a_disabled_endpoint_is_swept().await
}

struct Kit {
    store: Arc<dyn WebhookStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
}

impl Kit {
    async fn an_event_is_written_with_what_it_tells_of(&self) -> Result<(), Violation> {
        const RULE: &str =
            "an event is written with what it tells of, for each endpoint that asked for it";
        self.user().await?;
        let organization = Some(OrganizationId(SystemRandom.uuid_v7(epoch())));
        let asked = self.endpoint(CREATED).await?;
        let other = self.endpoint("session.created").await?;
        let theirs = new_endpoint(CREATED, organization);
        self.store.create_webhook_endpoint(&theirs, &Effects::none()).await?;
        let off = self.endpoint(CREATED).await?;
        self.store.enable_webhook_endpoint(off, false, &Effects::none()).await?;

        let (user, entry) = (new_user(&fresh_email()), Entry::new(Action::CREATE));
        let entry = entry.at(epoch(), &SystemRandom);
        let id = entry.id;
        self.users.create_user(&user, &entry.into()).await?;
        // The same address again: nothing is made, and nothing told.
        let entry = Entry::new(Action::CREATE).at(epoch(), &SystemRandom);
        let again = NewUser { account: user.account.clone(), ..new_user("x@example.test") };
        self.users.create_user(&again, &entry.into()).await?;

        let told = self.waiting(asked).await?;
        let [event] = told.as_slice() else { return rule(RULE, false, &told) };
        let event = &event.event;
        let same = event.id == id
            && event.event_type == CREATED
            && event.action == "account.create"
            && event.user.as_ref() == Some(user.account.id())
            && event.at == epoch();
        rule(RULE, same, event)?;
        for silent in [other, theirs.id, off] {
            let told = self.waiting(silent).await?;
            rule("nobody is told of what they did not ask for", told.is_empty(), &told)?;
        }
        self.remove(&[asked, other, theirs.id, off]).await
    }

    async fn the_end_of_a_session_is_an_event(&self) -> Result<(), Violation> {
        const RULE: &str = "a session that is ended is an event, and one that expires is none";
        let endpoint = self.endpoint("session.revoked").await?;
        let (ended, expired) = (new_session(Some("kit-a")), new_session(Some("kit-b")));
        self.sessions.create_session(&ended).await?;
        self.sessions.create_session(&expired).await?;
        if let Ok(user) = UserId::new("kit-a") {
            self.sessions.end_session(&user, ended.id, SessionEnd::Revoked, at(1)).await?;
        }
        self.sessions.sweep_sessions(epoch() + Duration::days(400), 1000).await?;
        let told = self.waiting(endpoint).await?;
        let sessions: Vec<_> =
            told.iter().map(|record| record.event.subject.as_ref().map(|(_, id)| id)).collect();
        let id = ended.id.to_string();
        rule(RULE, sessions == [Some(&id)], (&sessions, &id))?;
        self.remove(&[endpoint]).await
    }

    async fn secrets_are_replaced_once(&self) -> Result<(), Violation> {
        const RULE: &str = "of those who replace secrets at once exactly one does";
        let endpoint = new_endpoint(CREATED, None);
        self.store.create_webhook_endpoint(&endpoint, &Effects::none()).await?;
        let (name, along) = self.along();
        let outcomes = race(|caller| {
            let (store, id, current) =
                (Arc::clone(&self.store), endpoint.id, endpoint.secrets.clone());
            let along = again(&along);
            async move {
                let next = Sealed::from_bytes(vec![1, u8::try_from(caller).unwrap_or_default()]);
                store.replace_webhook_secrets(id, &current, &next, &along).await
            }
        })
        .await?;
        let times = outcomes.iter().filter(|replaced| **replaced).count();
        rule(RULE, times == 1 && self.entries(&name).await? == 1, times)?;
        let winner = outcomes.iter().position(|replaced| *replaced).unwrap_or_default();
        let found = self.store.find_webhook_endpoint(endpoint.id).await?;
        let secrets = found.map(|found| found.secrets.as_bytes().to_vec());
        let expected = Some(vec![1, u8::try_from(winner).unwrap_or_default()]);
        rule(RULE, secrets == expected, &secrets)?;
        self.remove(&[endpoint.id]).await
    }

    async fn an_endpoint_is_changed_and_removed_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an endpoint is disabled, enabled and removed once";
        let endpoint = new_endpoint(CREATED, None);
        self.store.create_webhook_endpoint(&endpoint, &Effects::none()).await?;
        let id = endpoint.id;
        let types = ["user.deleted".to_owned()];
        let none = Effects::none();
        self.store.change_webhook_endpoint(id, "https://b.example/", &types, &none).await?;
        let found = self.store.find_webhook_endpoint(id).await?;
        let expected = WebhookEndpoint {
            url: "https://b.example/".to_owned(),
            event_types: types.to_vec(),
            ..endpoint
        };
        rule("an endpoint is what it was changed to", found.as_ref() == Some(&expected), &found)?;
        let listed = self.store.webhook_endpoints(None, 100).await?;
        rule("endpoints are listed", listed.contains(&expected), &listed)?;
        for step in 0..3 {
            let (name, along) = self.along();
            let outcomes = race(|_| {
                let (store, along) = (Arc::clone(&self.store), again(&along));
                async move {
                    match step {
                        0 => store.enable_webhook_endpoint(id, false, &along).await,
                        1 => store.enable_webhook_endpoint(id, true, &along).await,
                        _ => store.delete_webhook_endpoint(id, &along).await,
                    }
                }
            })
            .await?;
            let times = outcomes.iter().filter(|done| **done).count();
            rule(RULE, times == 1 && self.entries(&name).await? == 1, (step, times))?;
        }
        let gone = self.store.find_webhook_endpoint(id).await?;
        rule(RULE, gone.is_none(), gone)
    }

    /// An entry to be found again.
    fn along(&self) -> (String, Effects) {
        let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
        let action = Action::host(&name).unwrap_or(Action::CREATE);
        (name, Entry::new(action).at(epoch(), &SystemRandom).into())
    }

    async fn entries(&self, name: &str) -> Result<usize, Violation> {
        let filter = AuditFilter { action: Some(name.to_owned()), ..AuditFilter::default() };
        Ok(self.audit.audit_entries(&filter, 100).await?.len())
    }

    async fn endpoint(&self, event: &str) -> Result<WebhookEndpointId, Violation> {
        let endpoint = new_endpoint(event, None);
        self.store.create_webhook_endpoint(&endpoint, &Effects::none()).await?;
        Ok(endpoint.id)
    }

    async fn remove(&self, endpoints: &[WebhookEndpointId]) -> Result<(), Violation> {
        for endpoint in endpoints {
            self.store.delete_webhook_endpoint(*endpoint, &Effects::none()).await?;
        }
        Ok(())
    }

    /// Makes a user, of which `user.created` tells. Answers the event's id.
    async fn user(&self) -> Result<Uuid, Violation> {
        let entry = Entry::new(Action::CREATE).at(epoch(), &SystemRandom);
        let id = entry.id;
        self.users.create_user(&new_user(&fresh_email()), &entry.into()).await?;
        Ok(id)
    }

    async fn waiting(&self, endpoint: WebhookEndpointId) -> Result<Vec<WebhookRecord>, Violation> {
        Ok(self.store.webhook_deliveries(endpoint, WebhookState::Waiting, None, 100).await?)
    }
}

fn fresh_email() -> String {
    format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple())
}

pub(super) fn new_endpoint(event: &str, organization: Option<OrganizationId>) -> WebhookEndpoint {
    WebhookEndpoint {
        id: WebhookEndpointId(SystemRandom.uuid_v7(epoch())),
        url: "https://a.example/".to_owned(),
        event_types: vec![event.to_owned()],
        secrets: Sealed::from_bytes(vec![0]),
        organization,
        enabled: true,
        created_at: epoch(),
    }
}

/// The same, under another id: one entry is written once.
fn again(along: &Effects) -> Effects {
    let mut along = along.clone();
    for entry in &mut along.audit {
        entry.id = SystemRandom.uuid_v7(epoch());
    }
    along
}
