//! In which organization a session acts, as a request sees it.

use donjon::http::Body;
use donjon::scope::{CurrentScope, MemberRole, Membership, OrganizationId, UserId};
use donjon::session::{Session, SessionError};
use donjon::store::{AuditFilter, Effects, NewOrganization, NewRole};
use http::{Request, Response};
use time::OffsetDateTime;
use uuid::Uuid;

use super::app::{App, cookie, handle};
use crate::support::database::databases;
use crate::support::statements::counted;

/// Says where the visitor acts, after going where the path says.
async fn act(request: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
    let path = request.uri().path().to_owned();
    let session = request.extensions().get::<Session>().unwrap().clone();
    let said = match path.strip_prefix("/act/") {
        Some(number) => {
            let to = OrganizationId(Uuid::from_u128(number.parse().unwrap()));
            match session.act_in(to).await {
                Ok(scope) => acting(&scope),
                Err(SessionError::NotAMember) => "refused".to_owned(),
                Err(error) => format!("{error:?}"),
            }
        }
        None if path == "/acting" => acting(request.extensions().get::<CurrentScope>().unwrap()),
        None => return handle(request).await,
    };
    Ok(Response::new(Body::from(said)))
}

fn acting(scope: &CurrentScope) -> String {
    let said = |membership: &Membership| format!("{} in {}", membership.role, membership.slug);
    scope.membership().map_or("nowhere".to_owned(), said)
}

async fn make(app: &App, number: u128, slug: &str, owner: &str) -> OrganizationId {
    let new = NewOrganization {
        id: OrganizationId(Uuid::from_u128(number)),
        slug: slug.into(),
        name: slug.into(),
        owner: UserId::new(owner).unwrap(),
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    app.store.create_organization(&new, None, &Effects::none()).await.unwrap();
    new.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_is_what_it_is_at_the_next_request_on_every_node_for_one_read() {
    for database in databases().await {
        let app = App::new(&database).await;
        let (one, two) = (app.beside(act), app.beside(act));
        let acme = make(&app, 1, "acme", "root").await;
        let (ann, none) = (UserId::new("ann").unwrap(), Effects::none());
        let (member, now) = (MemberRole::MEMBER, OffsetDateTime::UNIX_EPOCH);
        app.store.add_member(acme, &ann, &member, &none, now).await.unwrap();

        // Who has a single organization acts in it from the login on.
        let session = one.login("ann").await;
        let (said, cost) = counted(two.get("/acting", &session)).await;
        assert_eq!(said.body(), "member in acme", "{}", database.name);
        assert_eq!((cost.reads(), cost.transitions()), (1, 0), "{}: {cost:?}", database.name);

        let role = NewRole { role: MemberRole::ADMIN, gives: Vec::new() };
        app.store.change_role(acme, &ann, &role, None, &none).await.unwrap();
        for node in [&one, &two] {
            assert_eq!(node.get("/acting", &session).await.body(), "admin in acme");
        }
        app.store.remove_member(acme, &ann, None, &none, OffsetDateTime::UNIX_EPOCH).await.unwrap();
        for node in [&two, &one, &two] {
            assert_eq!(node.get("/acting", &session).await.body(), "nowhere");
            assert_eq!(node.who(&session).await, "ann", "nobody is logged out for it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_organization_gives_way_to_the_only_one_left_and_the_log_says_so() {
    for database in databases().await {
        let app = App::new(&database).await.beside(act);
        let (acme, globex) =
            (make(&app, 1, "acme", "root").await, make(&app, 2, "globex", "root").await);
        let (ann, none) = (UserId::new("ann").unwrap(), Effects::none());
        for id in [acme, globex] {
            let (member, now) = (MemberRole::MEMBER, OffsetDateTime::UNIX_EPOCH);
            app.store.add_member(id, &ann, &member, &none, now).await.unwrap();
        }
        let session = app.login("ann").await;
        assert_eq!(app.get("/acting", &session).await.body(), "nowhere", "ann has to choose");
        let session = cookie(&app.get("/act/1", &session).await);
        assert_eq!(app.get("/acting", &session).await.body(), "member in acme");

        app.store.remove_member(acme, &ann, None, &none, OffsetDateTime::UNIX_EPOCH).await.unwrap();
        let (said, cost) = counted(app.get("/acting", &session)).await;
        assert_eq!(said.body(), "member in globex", "{}", database.name);
        assert_eq!(cost.transitions(), 1, "{cost:?}");
        let (_, cost) = counted(app.get("/acting", &session)).await;
        assert_eq!((cost.reads(), cost.transitions()), (1, 0), "it is mended: {cost:?}");

        let filter = AuditFilter {
            action: Some("organization.reselect".into()),
            organization: Some(acme),
            ..AuditFilter::default()
        };
        let told = app.store.audit_entries(&filter, 10).await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].user.as_ref(), Some(&ann));

        // Not a member of that one either any more: none is left.
        app.store
            .remove_member(globex, &ann, None, &none, OffsetDateTime::UNIX_EPOCH)
            .await
            .unwrap();
        assert_eq!(app.get("/acting", &session).await.body(), "nowhere");
        assert_eq!(app.who(&session).await, "ann");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_takes_a_membership_and_rotates_the_token() {
    for database in databases().await {
        let app = App::new(&database).await.beside(act);
        make(&app, 1, "acme", "ann").await;
        make(&app, 2, "globex", "ann").await;
        let foreign = make(&app, 3, "initech", "root").await;
        let first = app.login("ann").await;
        let answer = app.get("/act/2", &first).await;
        assert_eq!(answer.body(), "owner in globex");
        let second = cookie(&answer);
        assert_eq!(app.who(&first).await, "nobody", "{}: the old token", database.name);
        for refused in ["/act/3", "/act/9"] {
            let answer = app.get(refused, &second).await;
            assert_eq!(answer.body(), "refused", "{}", foreign);
            assert!(!answer.headers().contains_key("set-cookie"));
        }
        assert_eq!(app.get("/acting", &second).await.body(), "owner in globex");
        // What is proven again, or rotated, keeps the choice; so does the same user's new login.
        let third = cookie(&app.get("/rotate", &second).await);
        assert_eq!(app.get("/acting", &third).await.body(), "owner in globex");
        let fourth = cookie(&app.get("/login/ann", &third).await);
        assert_eq!(app.get("/acting", &fourth).await.body(), "owner in globex");
        // Nobody acts where somebody else did.
        let other = cookie(&app.get("/login/bob", &fourth).await);
        assert_eq!(app.get("/acting", &other).await.body(), "nowhere");
        let nobody = app.get("/act/1", "").await;
        assert_eq!(nobody.body(), "NotLoggedIn");
    }
}
