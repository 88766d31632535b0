use axum::http::{Request, StatusCode};

use crate::personas::OWNER;
use crate::personas::tests::{become_one, demo};

#[tokio::test]
async fn a_service_account_that_an_owner_makes_calls_the_api_for_the_organization() {
    let (app, mut browser) = demo().await;
    let page = become_one(&mut browser, &OWNER).await;
    let northwind = browser.get(&page.link("Northwind")).await;
    let accounts = northwind.link("Service accounts");
    let page = browser.post(&accounts, &[("name", "Deploy robot")]).await;
    let robot = page.location().unwrap().path().to_owned();
    let fields = [("name", "2026"), ("scope", super::SCOPE), ("lifetime", "30")];
    let made = browser.post(&format!("{robot}/credentials"), &fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);

    let request = Request::get("/api/me")
        .header("host", "localhost:3000")
        .header("authorization", format!("Bearer {}", made.text_of("token")))
        .body(Default::default())
        .unwrap();
    let answer = browser.send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let told: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(told["scope"], super::SCOPE);
    assert!(robot.ends_with(told["sub"].as_str().unwrap()), "{told}");
    assert!(told["organization"].is_string(), "{told}");

    // Who only belongs to it makes none.
    let mut member = browser.another();
    let fields = [("email", "mia@example.test"), ("password", crate::personas::PASSWORD)];
    member.post("/login", &fields).await;
    assert_eq!(member.get(&accounts).await.status, StatusCode::FORBIDDEN);
    app.stop().await;
}
