use axum::http::StatusCode;

use super::*;
use crate::personas::tests::{become_one, demo};
use crate::personas::{FRESH, OWNER};

#[tokio::test]
async fn the_export_of_a_user_contains_what_the_application_knows_itself() {
    let (app, mut browser) = demo().await;
    assert!(browser.get("/notes").await.location().is_some(), "nobody has none");
    let mut olivia = browser.another();
    become_one(&mut olivia, &OWNER).await;
    olivia.post("/notes", &[("text", "Olivia's")]).await;

    become_one(&mut browser, &FRESH).await;
    let home = browser.get("/").await;
    let page = browser.get(&home.link("Your notes")).await;
    let page = browser.submit(&page, &[("text", "Remember the <milk>.")]).await;
    let page = browser.follow(page).await;
    assert!(page.body.contains("Remember the &#60;milk&#62;."), "{}", page.body);
    let elsewhere = browser.post_from("https://evil.example", "/notes", &[("text", "x")]).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);

    let file = browser.post("/settings/export", &[]).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.body);
    let told: Value = serde_json::from_str(&file.body).unwrap();
    assert_eq!(told["sections"]["notes"], json!(["Remember the <milk>."]));
    assert_eq!(told["sections"]["account"][0]["email"], FRESH.email);
    app.stop().await;
}

#[tokio::test]
async fn the_notes_of_a_user_have_bounds_and_go_with_the_account() {
    let (notes, account) = (Notes::default(), Account::new(UserId::new("fiona").unwrap()));
    for text in [" ", &"x".repeat(LONGEST + 1)] {
        notes.add(account.id(), text);
    }
    assert_eq!(notes.of(account.id()), ["x".repeat(LONGEST)]);
    for _ in 0..MOST {
        notes.add(account.id(), "one more");
    }
    assert_eq!(notes.of(account.id()).len(), MOST);
    notes.before(&account).await.unwrap();
    assert_eq!(notes.export(&account).await.unwrap(), json!([]));
}
