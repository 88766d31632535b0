//! What is done to an endpoint of an organization is in the organization's audit log.

use donjon::scope::{OrganizationId, UserId};
use donjon::store::{AuditFilter, WebhookState};
use time::Duration;

use super::*;

impl Story {
    /// What the audit log tells of this endpoint in an organization, the oldest first.
    async fn audited(&self, at: OrganizationId, endpoint: WebhookEndpointId) -> Vec<String> {
        let filter = AuditFilter { organization: Some(at), ..AuditFilter::default() };
        let entries = self.store.audit_entries(&filter, 100).await.unwrap();
        let of_it = entries.into_iter().rev().filter(|entry| {
            let kind = entry.subject_kind.as_deref() == Some("webhook_endpoint");
            kind && entry.subject == Some(endpoint.to_string())
        });
        of_it.map(|entry| entry.action.as_str().to_owned()).collect()
    }
}

#[tokio::test]
async fn what_is_done_to_an_endpoint_is_told_in_its_organization() {
    each_story(async |story| {
        let owner = UserId::new(story.user("ann@example.test").await).unwrap();
        let (organizations, clock) = (story.accounts.organizations(), &story.clock);
        let (acme, other) = (
            organizations.create(&"Acme".parse().unwrap(), Some("acme"), &owner).await.unwrap().id,
            organizations
                .create(&"Other".parse().unwrap(), Some("other"), &owner)
                .await
                .unwrap()
                .id,
        );
        let (endpoints, url) = (&story.endpoints, story.receiver.url("/acme"));
        let events = [EventType::MembershipCreated];
        let id = endpoints.create(&url, &events, Some(acme)).await.unwrap().0.id;
        // Each at a time of its own, so that they are listed in their order.
        let soon = || clock.advance(Duration::SECOND);
        soon();
        endpoints.change(id, &url, &events).await.unwrap();
        soon();
        assert!(endpoints.disable(id).await.unwrap());
        soon();
        assert!(endpoints.enable(id).await.unwrap());
        soon();
        endpoints.rotate_secret(id, Duration::DAY).await.unwrap();
        soon();
        let ben = UserId::new(story.user("ben@example.test").await).unwrap();
        while story.worker().run_once().await > 0 {}
        let role = donjon::scope::MemberRole::MEMBER;
        organizations.add_member(acme, &ben, &role).await.unwrap();
        story.receiver.answer(410, "");
        while story.worker().run_once().await > 0 {}
        let dead = endpoints.deliveries(id, WebhookState::Dead, None).await.unwrap();
        soon();
        assert!(endpoints.replay(id, dead[0].event.id).await.unwrap());
        soon();
        assert!(endpoints.delete(id).await.unwrap());
        let told = [
            "webhook.endpoint_create",
            "webhook.endpoint_change",
            "webhook.endpoint_disable",
            "webhook.endpoint_enable",
            "webhook.secret_rotate",
            "webhook.endpoint_disable",
            "webhook.replay",
            "webhook.endpoint_delete",
        ];
        assert_eq!(story.audited(acme, id).await, told);
        assert_eq!(story.audited(other, id).await, [""; 0]);
        // Those of the host's own are told in none, and what is not there is not changed.
        assert!(endpoints.disable(story.id).await.unwrap());
        assert_eq!(story.audited(acme, story.id).await, [""; 0]);
        assert!(!endpoints.delete(id).await.unwrap() && !endpoints.enable(id).await.unwrap());
    })
    .await;
}
