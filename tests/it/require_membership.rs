//! The layers that ask for a membership, and for what the host's own rules allow.

use std::sync::Arc;

use async_trait::async_trait;
use donjon::scope::{
    Account, Authentication, CurrentScope, MemberRole, Membership, Method, OrganizationId,
    PermissionError, Permissions, Resource, RoleRules, SessionId, UserId, can,
};
use donjon::session::{RequireMembershipLayer, RequirePermissionLayer};
use http::StatusCode;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::require::{HTML, JSON, ask, get};

fn user(methods: &[Method], class: Option<&str>) -> CurrentScope {
    let authentication = Authentication {
        ends_at: None,
        at: OffsetDateTime::UNIX_EPOCH,
        methods: methods.to_vec(),
        context_class: class.map(str::to_owned),
        session_id: SessionId(Uuid::nil()),
        login_path: None,
        fresh_until: None,
    };
    CurrentScope::user(Account::new(UserId::new("u1").unwrap()), authentication)
}

fn member(role: MemberRole) -> Membership {
    Membership::new(OrganizationId(Uuid::nil()), "acme", "Acme", role)
}

#[tokio::test]
async fn only_members_in_the_right_role_pass_and_the_others_are_told_why() {
    let any = RequireMembershipLayer::new();
    let owners = any.clone().roles([MemberRole::OWNER]);
    let nobody = CurrentScope::anonymous();
    let alone = user(&[Method::PASSWORD], None);
    let plain = alone.clone().acting_in(member(MemberRole::MEMBER));
    let owner = alone.clone().acting_in(member(MemberRole::OWNER));
    let choose = "/settings/organizations?return_to=%2Fa%3Fb";
    for (layer, scope, browser, program) in [
        (&any, &nobody, (303, "/login?return_to=%2Fa%3Fb"), "authentication_required"),
        (&any, &alone, (303, choose), "organization_required"),
        (&owners, &alone, (303, choose), "organization_required"),
        (&any, &plain, (200, ""), ""),
        (&owners, &plain, (403, ""), "role_required"),
        (&owners, &owner, (200, ""), ""),
    ] {
        let page = ask(layer.clone(), Some(scope.clone()), get("/a?b", HTML)).await;
        let location = page.location.unwrap_or_default();
        assert_eq!((page.status.as_u16(), location.as_str()), browser, "{scope:?}");
        let answer = ask(layer.clone(), Some(scope.clone()), get("/a?b", JSON)).await;
        let expected = if program.is_empty() {
            "inner".to_owned()
        } else {
            format!(r#"{{"error":"{program}"}}"#)
        };
        assert_eq!(answer.body, expected);
        assert_eq!(layer.admits(scope).is_some(), program.is_empty());
    }
    let missing = ask(any.clone(), None, get("/a", JSON)).await;
    assert_eq!(missing.status, StatusCode::INTERNAL_SERVER_ERROR);
    let elsewhere = any.login_at("/in").choose_at("/pick").enroll_at("/mfa");
    let answer = ask(elsewhere.clone(), Some(alone), get("/a", HTML)).await;
    assert_eq!(answer.location.unwrap(), "/pick?return_to=%2Fa");
    let answer = ask(elsewhere, Some(nobody), get("/a", HTML)).await;
    assert_eq!(answer.location.unwrap(), "/in?return_to=%2Fa");
}

#[tokio::test]
async fn a_member_without_the_second_factor_is_sent_to_set_one_up() {
    let layer = RequireMembershipLayer::new();
    let believing = layer.clone().trust_vouched_factors(["urn:mfa"]);
    let fed = [Method::FEDERATED];
    let lacks = |methods: &[Method], class| {
        let membership = member(MemberRole::MEMBER).lacking_second_factor(true);
        user(methods, class).acting_in(membership)
    };
    for (scope, believed) in [
        (lacks(&[Method::PASSWORD], None), false),
        (lacks(&fed, None), false),
        (lacks(&fed, Some("urn:password")), false),
        (lacks(&fed, Some("urn:mfa")), true),
        (lacks(&[Method::FEDERATED, Method::MULTI_FACTOR], None), true),
        // Nobody vouches for oneself.
        (lacks(&[Method::PASSWORD, Method::MULTI_FACTOR], Some("urn:mfa")), false),
    ] {
        let page = ask(layer.clone(), Some(scope.clone()), get("/a?b=c", HTML)).await;
        let setup = "/settings/two-factor/setup?return_to=%2Fa%3Fb%3Dc";
        assert_eq!(page.location.as_deref(), Some(setup), "{scope:?}");
        let answer = ask(layer.clone(), Some(scope.clone()), get("/a", JSON)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.body, r#"{"error":"second_factor_required"}"#);
        let answer = ask(believing.clone(), Some(scope.clone()), get("/a", JSON)).await;
        assert_eq!(answer.status.is_success(), believed, "{scope:?}");
    }
    // What the browser cannot do again by itself is not returned to, and nothing leads away.
    let scope = lacks(&[Method::PASSWORD], None);
    let post = http::Request::post("/transfer").header("accept", HTML);
    let answer = ask(layer.clone(), Some(scope.clone()), post).await;
    assert_eq!(answer.location.unwrap(), "/settings/two-factor/setup");
    let evil = ask(layer, Some(scope), get("//evil.example/x", HTML)).await;
    assert!(!evil.location.unwrap().contains("evil"));
}

#[tokio::test]
async fn the_second_factor_must_have_been_used_in_this_very_session() {
    let layer = RequireMembershipLayer::new();
    let believing = layer.clone().trust_vouched_factors(["urn:mfa"]);
    let asked = |methods: &[Method], class| {
        user(methods, class).acting_in(member(MemberRole::MEMBER).requiring_second_factor(true))
    };
    let (fed, pwd) = (Method::FEDERATED, Method::PASSWORD);
    for (scope, passes, believed) in [
        (asked(std::slice::from_ref(&pwd), None), false, false),
        (asked(&[pwd.clone(), Method::ONE_TIME_CODE], None), true, true),
        (asked(&[pwd.clone(), Method::MULTI_FACTOR], None), true, true),
        (asked(&[pwd.clone(), Method::TRUSTED_BROWSER], None), true, true),
        (asked(&[Method::HARDWARE_KEY], None), true, true),
        (asked(&[Method::SOFTWARE_KEY], None), true, true),
        (asked(&[Method::EMAIL], Some("urn:mfa")), false, false),
        (asked(std::slice::from_ref(&fed), None), false, false),
        (asked(std::slice::from_ref(&fed), Some("urn:mfa")), false, true),
        (asked(&[fed.clone(), Method::MULTI_FACTOR], None), false, true),
        (asked(&[fed, Method::ONE_TIME_CODE], None), true, true),
    ] {
        let page = ask(layer.clone(), Some(scope.clone()), get("/a?b=c", HTML)).await;
        let again = "/login?factor=second&return_to=%2Fa%3Fb%3Dc";
        assert_eq!(page.location.as_deref(), (!passes).then_some(again), "{scope:?}");
        let answer = ask(layer.clone(), Some(scope.clone()), get("/a", JSON)).await;
        assert_eq!(answer.status.is_success(), passes, "{scope:?}");
        assert_eq!(layer.admits(&scope).is_some(), passes);
        let answer = ask(believing.clone(), Some(scope.clone()), get("/a", JSON)).await;
        assert_eq!(answer.status.is_success(), believed, "{scope:?}");
    }
    let elsewhere = layer.login_at("/in?x");
    let answer = ask(elsewhere, Some(asked(&[pwd], None)), get("/a", HTML)).await;
    assert_eq!(answer.location.unwrap(), "/in?x&factor=second&return_to=%2Fa");
}

/// Rules that do what the action says.
struct Rules;

#[async_trait]
impl Permissions for Rules {
    async fn allows(
        &self,
        action: &str,
        subject: &Resource,
        scope: &CurrentScope,
    ) -> Result<bool, PermissionError> {
        match action {
            "own" => Ok(scope.account().is_some_and(|own| own.id().as_str() == subject.id)),
            "err" => Err("the rules cannot be read".into()),
            #[expect(clippy::panic, reason = "a rule that fails in the worst way")]
            "panic" => panic!("the rules are broken"),
            _ => Ok(false),
        }
    }
}

/// A host that wrote no rule.
struct NoRules;

impl Permissions for NoRules {}

#[tokio::test]
async fn nothing_is_allowed_without_a_rule_and_a_rule_that_fails_denies() {
    let ann = user(&[Method::PASSWORD], None);
    let owner = ann.clone().acting_in(member(MemberRole::OWNER));
    let mine = Resource::new("note", "u1");
    for action in ["own", "anything", ""] {
        assert!(!can(&NoRules, action, &mine, &owner).await);
        assert!(!can(&RoleRules::new(), action, &mine, &owner).await);
    }
    assert!(can(&Rules, "own", &mine, &ann).await);
    assert!(!can(&Rules, "own", &Resource::new("note", "u2"), &ann).await);
    for action in ["err", "panic", "unknown"] {
        assert!(!can(&Rules, action, &mine, &owner).await, "{action}");
    }
    let rules = RoleRules::new().allow("pay", [MemberRole::OWNER]);
    assert!(can(&rules, "pay", &Resource::none(), &owner).await);
    let plain = ann.clone().acting_in(member(MemberRole::MEMBER));
    for denied in [&plain, &ann, &CurrentScope::anonymous()] {
        assert!(!can(&rules, "pay", &Resource::none(), denied).await, "{denied:?}");
    }
}

#[tokio::test]
async fn a_layer_asks_the_rules_and_denies_where_they_fail() {
    let ann = || Some(user(&[Method::PASSWORD], None));
    let layer = |action: &str| {
        RequirePermissionLayer::new(Arc::new(Rules), action)
            .subject(|parts| Resource::new("note", parts.uri.path().trim_start_matches('/')))
    };
    let own = ask(layer("own"), ann(), get("/u1", JSON)).await;
    assert_eq!((own.status, own.body.as_str()), (StatusCode::OK, "inner"));
    for (action, path) in [("own", "/u2"), ("err", "/u1"), ("panic", "/u1"), ("other", "/u1")] {
        let answer = ask(layer(action), ann(), get(path, JSON)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{action}");
        assert_eq!(answer.body, r#"{"error":"permission_denied"}"#);
        let page = ask(layer(action), ann(), get(path, HTML)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
    }
    let nobody = ask(layer("own"), Some(CurrentScope::anonymous()), get("/u1", HTML)).await;
    assert_eq!(nobody.location.unwrap(), "/login?return_to=%2Fu1");
    let elsewhere = layer("own").login_at("/in");
    let nobody = ask(elsewhere, Some(CurrentScope::anonymous()), get("/u1", HTML)).await;
    assert_eq!(nobody.location.unwrap(), "/in?return_to=%2Fu1");
    let missing = ask(layer("own"), None, get("/u1", JSON)).await;
    assert_eq!(missing.status, StatusCode::INTERNAL_SERVER_ERROR);
}
