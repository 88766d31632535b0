//! What ends along with something else is told of: memberships, organizations.

use donjon::scope::{MemberRole, OrganizationId, UserId};
use donjon::store::WebhookState;

use super::*;

impl Story {
    async fn organization(&self, slug: &str, owner: &UserId) -> OrganizationId {
        let name = "Initech".parse().unwrap();
        self.accounts.organizations().create(&name, Some(slug), owner).await.unwrap().id
    }

    /// An endpoint of an organization, for what ends in it.
    async fn endpoint(&self, organization: OrganizationId) -> WebhookEndpointId {
        let events = [EventType::MembershipDeleted, EventType::OrganizationDeleted];
        let url = self.receiver.url("/ends");
        self.endpoints.create(&url, &events, Some(organization)).await.unwrap().0.id
    }

    /// What an endpoint is told of, and whom it is about.
    async fn told(&self, endpoint: WebhookEndpointId) -> Vec<(String, Option<UserId>)> {
        let all = self.endpoints.deliveries(endpoint, WebhookState::Waiting, None).await.unwrap();
        let mut told: Vec<_> =
            all.into_iter().map(|record| (record.event.event_type, record.event.user)).collect();
        told.sort();
        told
    }
}

#[tokio::test]
async fn whoever_provisions_hears_of_every_membership_that_ends() {
    const GONE: &str = "organization_membership.deleted";
    each_story(async |story| {
        let mut ids = Vec::new();
        for name in ["ann", "ben"] {
            ids.push(UserId::new(story.user(&format!("{name}@example.test")).await).unwrap());
        }
        let (ann, ben) = (&ids[0], &ids[1]);
        let organizations = story.accounts.organizations();
        let acme = story.organization("acme", ann).await;
        organizations.add_member(acme, ben, &MemberRole::MEMBER).await.unwrap();
        let (alone, other) =
            (story.organization("alone", ben).await, story.organization("other", ann).await);
        organizations.add_member(other, ben, &MemberRole::MEMBER).await.unwrap();
        let [of_acme, of_alone, of_other] =
            [story.endpoint(acme).await, story.endpoint(alone).await, story.endpoint(other).await];

        organizations.delete(acme).await.unwrap();
        let mut both = vec![(GONE.to_owned(), Some(ann.clone())), (GONE.into(), Some(ben.clone()))];
        both.sort();
        let mut expected = vec![("organization.deleted".to_owned(), None)];
        expected.extend(both);
        assert_eq!(story.told(of_acme).await, expected);

        // With an account, and with the organization that nobody else was in.
        let deletion = donjon::store::NewDeletion {
            user: ben.clone(),
            at: donjon::crypto::Clock::now(&*story.clock),
            keep: None,
        };
        let none = donjon::store::Effects::none();
        story.store.request_deletion(&deletion, &none, deletion.at).await.unwrap();
        assert_eq!(story.accounts.execute_due_deletions().await.unwrap(), 1);
        let gone = (GONE.to_owned(), Some(ben.clone()));
        assert_eq!(story.told(of_other).await, std::slice::from_ref(&gone));
        let ended = ("organization.deleted".to_owned(), None);
        assert_eq!(story.told(of_alone).await, [ended, gone]);

        // Whoever had an organization that is gone hears of nothing more.
        for (endpoint, enabled) in [(of_acme, false), (of_alone, false), (of_other, true)] {
            let found = story.endpoints.find(endpoint).await.unwrap().unwrap();
            assert_eq!(found.enabled, enabled);
        }
        while story.worker().run_once().await > 0 {}
        let left = [of_acme, of_alone, of_other].map(|endpoint| story.told(endpoint));
        let left = futures_util::future::join_all(left).await;
        assert_eq!(left.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 0]);
    })
    .await;
}
