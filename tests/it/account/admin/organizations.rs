//! The pages of administrators about organizations.

use donjon::scope::{MemberRole, OrganizationId};
use donjon::store::{Organization, SsoMode};
use time::Duration;

use super::*;
use crate::account::second_factor::App;
use crate::account::single_sign_on::{self, OLGA, with_sso};
use crate::account::world::VOUCHED_AT;
use crate::support::browser::Page;
use crate::support::statements::counted;

const LIST: &str = "/admin/organizations";
const HIDDEN: &str = "hidden@example.test";
const CAROL: &str = "carol@example.test";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
/// Everything that can be posted to an organization, with a form that would do it.
const ACTS: [(&str, &[(&str, &str)]); 6] = [
    ("remove", &[]),
    ("role", &[("role", "owner")]),
    ("revoke", &[]),
    ("grant-domain", &[("domain", "evil.example"), ("login_path", "/saml/evil/login")]),
    ("withdraw-domain", &[("domain", "acme.example")]),
    ("delete", &[("slug", "acme")]),
];

/// The staff may everything, but with an organization and a user that are nobody's business, and a
/// support desk that looks and does nothing.
#[derive(Debug)]
struct Desk;

#[async_trait]
impl AdminAuthorizer for Desk {
    async fn may(&self, who: &CurrentScope, _: AdminAct, account: Option<&Account>) -> bool {
        let hidden = account.and_then(Account::email) == Some(HIDDEN);
        who.account().is_some_and(is_staff) && !hidden
    }

    async fn may_in(&self, who: &CurrentScope, act: AdminAct, organization: &Organization) -> bool {
        let Some(staff) = who.account().filter(|staff| is_staff(staff)) else { return false };
        let looks = act == AdminAct::LookAtOrganization;
        organization.slug != "hidden" && (looks || staff.email() != Some(BOSS))
    }

    async fn is_administrator(&self, account: &Account) -> bool {
        is_staff(account)
    }
}

/// Tells the story on each database, with an administrator and the desk logged in, and an
/// organization called Acme: Olga owns it, Bob belongs to it, and both have addresses in its domain.
async fn each_desk(story: impl AsyncFn(World, OrganizationId, Browser, Browser)) {
    each_world_with(
        |builder| with_sso(builder.administrators(Desk)),
        async |world| {
            for email in [ROOT, BOSS] {
                let attributes = [("staff".to_owned(), json!(true))].into_iter().collect();
                let accounts = world.accounts.accounts();
                accounts.create(email, Some(PASSWORD), attributes, true).await.unwrap();
            }
            let acme = single_sign_on::acme(&world).await;
            let (root, desk) = (world.logged_in(ROOT).await, world.logged_in(BOSS).await);
            story(world, acme, root, desk).await;
        },
    )
    .await;
}

async fn make(world: &World, name: &str, slug: &str, owner: &str) -> OrganizationId {
    let owner = id_of(world, owner).await;
    let organizations = world.accounts.organizations();
    organizations.create(&name.parse().unwrap(), Some(slug), &owner).await.unwrap().id
}

async fn role_of(world: &World, id: OrganizationId, email: &str) -> Option<String> {
    let found = world.store.membership(id, &id_of(world, email).await).await.unwrap();
    found.map(|found| found.role.as_str().to_owned())
}

/// Asserts that an entry tells of what root did in the organization, about this user if there is one.
async fn told(world: &World, action: &str, id: OrganizationId, user: Option<&str>) {
    let told = entry(world, action).await;
    assert_eq!(told.actor, Some(id_of(world, ROOT).await), "{action}");
    assert_eq!(told.organization, Some(id), "{action}");
    if let Some(user) = user {
        assert_eq!(told.user, Some(id_of(world, user).await), "{action}");
    }
}

fn is_done(page: &Page, at: &str) {
    assert_eq!(
        page.location().map(|at| at.path().to_owned()).as_deref(),
        Some(at),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn organizations_are_found_by_name_slug_and_domain() {
    each_desk(async |world, acme, mut root, _| {
        make(&world, "Initech", "ini", OLGA).await;
        make(&world, "Hidden Inc", "hidden", OLGA).await;
        let page = root.get("/admin").await;
        assert_eq!(page.link("Organizations"), LIST);
        let all = root.get(LIST).await;
        assert!(all.body.contains("Initech") && all.body.contains("Acme"), "{}", all.body);
        assert!(!all.body.contains("Hidden Inc"), "{}", all.body);
        for (typed, found) in [
            ("ACM", true),
            ("acme.ex", true),
            ("init", false),
            ("example", false),
            ("%", false),
            ("\0", false),
        ] {
            let typed: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
            let page = root.get(&format!("{LIST}?name={typed}")).await;
            assert_eq!(page.status, StatusCode::OK, "{typed}");
            assert_eq!(page.body.contains(&format!("{LIST}/{}", acme.0)), found, "{typed}");
        }
        assert!(!root.get(&format!("{LIST}?name=hid")).await.body.contains("Hidden Inc"));

        for number in 0..52 {
            make(&world, &format!("Many {number}"), &format!("many-{number}"), OLGA).await;
        }
        let page = root.get(&format!("{LIST}?name=many")).await;
        assert_eq!(page.body.matches("<code>many-").count(), 50);
        let page = root.get(&page.link("More")).await;
        assert_eq!(page.body.matches("<code>many-").count(), 2);
        assert!(!page.has("next"));
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sees_to_an_organization_and_it_is_written_down() {
    each_desk(async |world, acme, mut root, _| {
        let at = format!("{LIST}/{}", acme.0);
        let organizations = world.accounts.organizations();
        organizations.invite(acme, CAROL, &MemberRole::MEMBER).await.unwrap();
        world.mails_to(CAROL).await;
        let page = root.get(&at).await;
        for shown in [OLGA, "bob@acme.example", CAROL, "acme.example", VOUCHED_AT, "one step"] {
            assert!(page.body.contains(shown), "{shown}: {}", page.body);
        }
        let bob = id_of(&world, "bob@acme.example").await;
        let whom = [("user", bob.as_str())];

        let page = root.post(&format!("{at}/role"), &[whom[0], ("role", "admin")]).await;
        is_done(&page, &at);
        assert_eq!(role_of(&world, acme, "bob@acme.example").await.as_deref(), Some("admin"));
        told(&world, "organization.role_change", acme, Some("bob@acme.example")).await;
        let mails = world.mails_to("bob@acme.example").await;
        assert!(mails[0].text.contains("admin"), "{}", mails[0].text);
        let page = root.post(&format!("{at}/role"), &[whom[0], ("role", "emperor")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);

        is_done(&root.post(&format!("{at}/remove"), &whom).await, &at);
        assert_eq!(role_of(&world, acme, "bob@acme.example").await, None);
        told(&world, "organization.member_remove", acme, Some("bob@acme.example")).await;
        assert_eq!(world.mails_to("bob@acme.example").await.len(), 1);
        let page = root.post(&format!("{at}/remove"), &whom).await;
        assert_eq!(page.status, REFUSED, "twice");

        let sent = organizations.invitations(acme).await.unwrap();
        let invitation = sent[0].id.0.to_string();
        let fields = [("invitation", invitation.as_str())];
        is_done(&root.post(&format!("{at}/revoke"), &fields).await, &at);
        assert!(organizations.invitations(acme).await.unwrap().is_empty());
        told(&world, "organization.invitation_revoke", acme, None).await;
        for invitation in [invitation.as_str(), "none", ""] {
            let page = root.post(&format!("{at}/revoke"), &[("invitation", invitation)]).await;
            assert_eq!(page.status, REFUSED, "{invitation}");
        }

        let page = root.post(&format!("{at}/delete"), &[("slug", "other")]).await;
        assert_eq!(page.status, REFUSED);
        assert!(organizations.find(acme).await.unwrap().is_some());
        is_done(&root.post(&format!("{at}/delete"), &[("slug", " acme ")]).await, LIST);
        assert!(organizations.find(acme).await.unwrap().is_none());
        told(&world, "organization.delete", acme, None).await;
        assert_eq!(root.get(&at).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_gives_an_organization_a_domain_and_takes_it_away() {
    each_desk(async |world, acme, mut root, _| {
        let at = format!("{LIST}/{}", acme.0);
        let other = make(&world, "Initech", "initech", OLGA).await;
        let organizations = world.accounts.organizations();
        organizations.grant_domain(other, "initech.example", "/saml/initech/login").await.unwrap();
        let grant = format!("{at}/grant-domain");
        for (domain, path, says) in [
            ("nowhere", VOUCHED_AT, "the name of a domain"),
            ("new.example", "https://evil.example/", "is a path of this application"),
            ("new.example", "//evil.example/", "is a path of this application"),
            ("initech.example", VOUCHED_AT, "another organization’s"),
        ] {
            let page = root.post(&grant, &[("domain", domain), ("login_path", path)]).await;
            assert_eq!(page.status, REFUSED, "{domain} {path}");
            assert!(page.body.contains(says), "{domain} {path}: {}", page.body);
        }
        assert_eq!(organizations.domains(acme).await.unwrap().len(), 1, "nothing changed");

        // Behind what the host has granted before.
        world.clock.advance(time::Duration::SECOND);
        let fields = [("domain", " New.Example."), ("login_path", VOUCHED_AT)];
        is_done(&root.post(&grant, &fields).await, &at);
        let all = organizations.domains(acme).await.unwrap();
        let new = all.iter().find(|found| found.domain == "new.example").unwrap();
        assert_eq!((new.mode, new.login_path.as_str()), (SsoMode::Off, VOUCHED_AT));
        told(&world, "organization.domain_grant", acme, None).await;
        assert_eq!(
            entry(&world, "organization.domain_grant").await.metadata["domain"],
            "new.example"
        );

        let withdraw = format!("{at}/withdraw-domain");
        for (domain, done) in [("initech.example", false), ("new.example", true), ("", false)] {
            let page = root.post(&withdraw, &[("domain", domain)]).await;
            assert_eq!(page.location().is_some(), done, "{domain}: {}", page.body);
        }
        assert_eq!(organizations.domains(acme).await.unwrap().len(), 1);
        assert_eq!(organizations.domains(other).await.unwrap().len(), 1);
        told(&world, "organization.domain_withdraw", acme, None).await;
    })
    .await;
    each_office_of_desk(async |world, mut root| {
        world.user(OLGA).await;
        let at = format!("{LIST}/{}", make(&world, "Acme", "acme", OLGA).await.0);
        assert!(!root.get(&at).await.has("grant-domain"), "the host has no single sign-on");
        let fields = [("domain", "acme.example"), ("login_path", VOUCHED_AT)];
        let page = root.post(&format!("{at}/grant-domain"), &fields).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    })
    .await;
}

/// The same staff, where organizations have no single sign-on.
async fn each_office_of_desk(story: impl AsyncFn(World, Browser)) {
    each_world_with(
        |builder| builder.administrators(Desk),
        async |world| {
            let attributes = [("staff".to_owned(), json!(true))].into_iter().collect();
            let accounts = world.accounts.accounts();
            accounts.create(ROOT, Some(PASSWORD), attributes, true).await.unwrap();
            let root = world.logged_in(ROOT).await;
            story(world, root).await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_administrator_leaves_no_organization_without_an_owner_who_comes_in() {
    each_desk(async |world, acme, mut root, _| {
        let at = format!("{LIST}/{}", acme.0);
        let (olga, bob) = (id_of(&world, OLGA).await, id_of(&world, "bob@acme.example").await);
        let demotion = [("user", olga.as_str()), ("role", "member")];
        for (act, fields) in [("remove", &demotion[..1]), ("role", &demotion[..])] {
            let page = root.post(&format!("{at}/{act}"), fields).await;
            assert_eq!(page.status, REFUSED, "{act}");
            assert!(page.body.contains("Nobody else owns this organization"), "{}", page.body);
        }
        let refused = entry(&world, "organization.role_change").await;
        assert_eq!(refused.outcome, donjon::audit::Outcome::Failure);
        assert_eq!(refused.actor, Some(id_of(&world, ROOT).await));

        // Another owner, who does not come in once single sign-on is enforced.
        let promotion = [("user", bob.as_str()), ("role", "owner")];
        is_done(&root.post(&format!("{at}/role"), &promotion).await, &at);
        App::set_up(&world, &mut world.logged_in(OLGA).await).await;
        world.accounts.organizations().name_break_glass(acme, &olga, true).await.unwrap();
        single_sign_on::set(&world, acme, SsoMode::Enforced).await;
        assert!(root.get(&at).await.body.contains("Comes in all the same"));
        for (act, fields) in [("remove", &demotion[..1]), ("role", &demotion[..])] {
            let page = root.post(&format!("{at}/{act}"), fields).await;
            assert_eq!(page.status, REFUSED, "{act}");
            assert!(page.body.contains("would come in if its single sign-on"), "{}", page.body);
        }
        assert_eq!(role_of(&world, acme, OLGA).await.as_deref(), Some("owner"));
    })
    .await;
}

#[tokio::test]
async fn nobody_sees_to_organizations_whom_the_host_does_not_let() {
    each_desk(async |world, acme, mut root, mut desk| {
        let at = format!("{LIST}/{}", acme.0);
        let victim = id_of(&world, "bob@acme.example").await;
        let unchanged = async |who: &str| {
            let bob = role_of(&world, acme, "bob@acme.example").await;
            assert_eq!(bob.as_deref(), Some("member"), "{who}");
            let domains = world.accounts.organizations().domains(acme).await.unwrap();
            assert_eq!(domains.len(), 1, "{who}");
        };
        let fields = |more: &[(&'static str, &'static str)]| {
            let mut fields = vec![("user", victim.as_str())];
            fields.extend(more.iter().copied());
            fields
        };
        // An owner, who may all of that on their own pages, and a stranger.
        let mut olga = world.logged_in(OLGA).await;
        for path in [LIST, &at] {
            assert_eq!(olga.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(world.browser().get(&at).await.location().unwrap().path(), "/login");
        // Somebody who acts as the administrator, and somebody who lures them.
        let mut acting = world.browser();
        acting.get(&format!("/act?{ROOT}")).await;
        for path in [LIST, &at] {
            assert_eq!(acting.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        for (act, more) in ACTS {
            let (to, fields) = (format!("{at}/{act}"), fields(more));
            for (who, browser) in
                [("olga", &mut olga), ("desk", &mut desk), ("acting", &mut acting)]
            {
                let page = browser.post(&to, &fields).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{who}: {act}");
            }
            let page = root.post_from("https://evil.example", &to, &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{act}");
            unchanged(act).await;
        }
        let denied = denied(&world, BOSS).await;
        assert_eq!(denied.len(), ACTS.len());
        for act in ["remove_member", "change_role", "grant_domain", "delete_organization"] {
            let told = denied.iter().find(|told| told.metadata["act"] == act).unwrap();
            assert_eq!(told.organization, Some(acme), "{act}");
        }
        assert_eq!(desk.get(&at).await.status, StatusCode::OK, "the desk looks");
        // Nor an administrator whose login is old.
        world.clock.advance(Duration::minutes(10));
        let page = root.post(&format!("{at}/remove"), &fields(&[])).await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
        unchanged("root").await;
    })
    .await;
}

#[tokio::test]
async fn an_authorizer_that_knows_of_accounts_only_opens_no_organization() {
    /// Says yes to whatever it is asked about accounts.
    #[derive(Debug)]
    struct Generous;

    #[async_trait]
    impl AdminAuthorizer for Generous {
        async fn may(&self, _: &CurrentScope, _: AdminAct, _: Option<&Account>) -> bool {
            true
        }
    }

    each_world_with(
        |builder| builder.administrators(Generous),
        async |world| {
            world.user(OLGA).await;
            world.user(ROOT).await;
            let at = format!("{LIST}/{}", make(&world, "Initech", "ini", OLGA).await.0);
            let mut root = world.logged_in(ROOT).await;
            let list = root.get(LIST).await;
            assert!(
                list.status == StatusCode::OK && !list.body.contains("Initech"),
                "{}",
                list.body
            );
            let hidden = root.get(&at).await;
            let unknown = root.get(&format!("{LIST}/{}", uuid::Uuid::nil())).await;
            assert_eq!(
                (hidden.status, unknown.status),
                (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
            );
            assert_eq!(hidden.body, unknown.body);
            let page = root.post(&format!("{at}/delete"), &[("slug", "acme")]).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
        },
    )
    .await;
}

#[tokio::test]
async fn a_member_whom_an_administrator_may_not_look_at_is_none_to_them() {
    each_desk(async |world, acme, mut root, _| {
        let at = format!("{LIST}/{}", acme.0);
        world.user(HIDDEN).await;
        let hidden = id_of(&world, HIDDEN).await;
        let organizations = world.accounts.organizations();
        organizations.add_member(acme, &hidden, &MemberRole::MEMBER).await.unwrap();
        assert!(!root.get(&at).await.body.contains(HIDDEN));
        for (act, more) in &ACTS[..2] {
            let answer = async |root: &mut Browser, user: &str| {
                let mut fields = vec![("user", user)];
                fields.extend(more.iter().copied());
                root.post(&format!("{at}/{act}"), &fields).await
            };
            let told = answer(&mut root, hidden.as_str()).await;
            let unknown = answer(&mut root, "nobody").await;
            assert_eq!((told.status, unknown.status), (REFUSED, REFUSED), "{act}");
            assert_eq!(told.body, unknown.body, "{act}");
        }
        assert_eq!(role_of(&world, acme, HIDDEN).await.as_deref(), Some("member"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_organization_costs_the_same_however_many_belong_to_it() {
    each_desk(async |world, acme, mut root, _| {
        let at = format!("{LIST}/{}", acme.0);
        let organizations = world.accounts.organizations();
        let (_, few) = counted(root.get(&at)).await;
        for number in 0..110 {
            let user = UserId::new(format!("zz-{number:03}")).unwrap();
            organizations.add_member(acme, &user, &MemberRole::MEMBER).await.unwrap();
        }
        let (page, many) = counted(root.get(&at)).await;
        assert_eq!((few.reads(), few.transitions()), (many.reads(), many.transitions()));
        assert_eq!(many.transitions(), 0);
        let page = root.get(&page.link("More members")).await;
        assert!(page.body.contains("zz-109") && !page.has("more"), "{}", page.body);

        organizations.invite(acme, CAROL, &MemberRole::MEMBER).await.unwrap();
        let sent = organizations.invitations(acme).await.unwrap();
        let invitation = sent[0].id.0.to_string();
        let fields = [("invitation", invitation.as_str())];
        let (page, cost) = counted(root.post(&format!("{at}/revoke"), &fields)).await;
        is_done(&page, &at);
        assert_eq!(cost.transitions(), 2, "the count of what they do, and it with its entry");
    })
    .await;
}
