//! What members are told by mail, and what the host has to say.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::account::organization::{OrganizationAct, OrganizationHook};
use donjon::scope::Account;

use super::*;
use crate::account::world::each_world_with;

const CAROL: &str = "carol@example.test";

#[tokio::test]
async fn a_member_is_told_of_a_new_role_and_of_the_end() {
    each_world(async |world| {
        let id = acme(&world, ALICE).await;
        let organizations = world.accounts.organizations();
        world.user(BOB).await;
        let bob = id_of(&world, BOB).await;
        organizations.add_member(id, &bob, &MemberRole::MEMBER).await.unwrap();
        let mut alice = world.logged_in(ALICE).await;
        let post = async |browser: &mut Browser, action: &str, role: &str| {
            let fields = [("user", bob.as_str()), ("role", role)];
            browser.post(&format!("{ACME}/{action}"), &fields).await
        };
        world.mails_to(BOB).await;
        post(&mut alice, "role", "admin").await;
        let mails = world.mails_to(BOB).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "Your role in Initech has changed");
        assert!(mails[0].text.contains("admin"), "{}", mails[0].text);
        assert!(mails[0].text.contains(&format!("{ORIGIN}{LIST}")), "{}", mails[0].text);
        post(&mut alice, "remove", "").await;
        let mails = world.mails_to(BOB).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "You don’t belong to Initech any more");
        // What is not done is not told of, and who leaves knows it.
        post(&mut alice, "remove", "").await;
        let alices = id_of(&world, ALICE).await;
        let fields = [("user", alices.as_str()), ("role", "member")];
        assert_eq!(alice.post(&format!("{ACME}/role"), &fields).await.status, REFUSED);
        assert!(world.mails_to(ALICE).await.is_empty());
        organizations.add_member(id, &bob, &MemberRole::MEMBER).await.unwrap();
        let mut browser = world.logged_in(BOB).await;
        assert!(browser.post(&format!("{ACME}/leave"), &[]).await.location().is_some());
        assert!(world.mails_to(BOB).await.is_empty());
        // The host's own code tells, too.
        organizations.add_member(id, &bob, &MemberRole::MEMBER).await.unwrap();
        organizations.change_role(id, &bob, &MemberRole::OWNER).await.unwrap();
        assert_eq!(world.mails_to(BOB).await.len(), 1);
        organizations.remove_member(id, &bob).await.unwrap();
        assert_eq!(world.mails_to(BOB).await.len(), 1);
    })
    .await;
}

/// Lets nobody do what is forbidden, and remembers what was done.
#[derive(Clone, Debug, Default)]
struct Host {
    forbidden: Arc<Mutex<Option<&'static str>>>,
    done: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn forbid(&self, what: Option<&'static str>) {
        *self.forbidden.lock().unwrap() = what;
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.done.lock().unwrap())
    }
}

fn word(act: &OrganizationAct<'_>) -> &'static str {
    match act {
        OrganizationAct::Create { .. } => "create",
        OrganizationAct::Invite { .. } => "invite",
        OrganizationAct::Join { .. } => "join",
        _ => "other",
    }
}

#[async_trait]
impl OrganizationHook for Host {
    async fn permits(&self, _: &Account, act: &OrganizationAct<'_>) -> bool {
        *self.forbidden.lock().unwrap() != Some(word(act))
    }

    async fn done(&self, who: &Account, act: &OrganizationAct<'_>) {
        let line = format!("{} {}", who.email().unwrap(), word(act));
        self.done.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn the_host_has_a_word_in_who_makes_invites_and_joins() {
    let host = Host::default();
    each_world_with(
        |builder| builder.organization_hook(host.clone()),
        async |world| {
            host.told();
            world.user(ALICE).await;
            world.user(BOB).await;
            let mut alice = world.logged_in(ALICE).await;
            let name = [("name", "Initech"), ("slug", "acme")];
            host.forbid(Some("create"));
            let page = alice.post(LIST, &name).await;
            assert!(page.status == REFUSED && page.body.contains("isn’t possible here"));
            assert_eq!(told(&world, "organization.create").await, 0);
            host.forbid(Some("invite"));
            assert!(alice.post(LIST, &name).await.location().is_some());
            for email in [BOB, CAROL] {
                let fields = [("email", email), ("role", "member")];
                let page = alice.post(&format!("{ACME}/invite"), &fields).await;
                assert!(page.status == REFUSED && page.body.contains("isn’t possible here"));
                assert!(world.mails_to(email).await.is_empty());
            }
            host.forbid(Some("join"));
            let mut links = Vec::new();
            for email in [BOB, CAROL] {
                let fields = [("email", email), ("role", "member")];
                alice.post(&format!("{ACME}/invite"), &fields).await;
                links.push(world.link_to(email).await);
            }
            let mut bob = world.logged_in(BOB).await;
            let mut carol = world.browser();
            for (browser, link) in [(&mut bob, &links[0]), (&mut carol, &links[1])] {
                let page = browser.get(link).await;
                let page = browser.submit(&page, &[("password", PASSWORD)]).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
            }
            let accounts = world.accounts.accounts();
            assert!(accounts.find_by_email(CAROL).await.unwrap().is_none(), "no account");
            assert_eq!(told(&world, "organization.invitation_accept").await, 0);
            host.forbid(None);
            for (browser, link) in [(&mut bob, &links[0]), (&mut carol, &links[1])] {
                let page = browser.get(link).await;
                browser.submit(&page, &[("password", PASSWORD)]).await;
                assert!(browser.get(ACME).await.body.contains(ALICE), "a member");
            }
            let expected = [(ALICE, "create"), (ALICE, "invite"), (ALICE, "invite")];
            let expected = expected.into_iter().chain([(BOB, "join"), (CAROL, "join")]);
            let expected: Vec<_> = expected.map(|(who, what)| format!("{who} {what}")).collect();
            assert_eq!(host.told(), expected);
        },
    )
    .await;
}
