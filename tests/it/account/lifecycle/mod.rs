//! An account as a whole: its data, its host's attributes, its end.

mod attributes;
mod deletion;
mod erased;
mod execute;
mod export;
mod keep;
mod kept_address;
mod owner;
mod store;

use http::StatusCode;

use super::world::{ALICE, PASSWORD, World};
use crate::support::browser::{Browser, Page};

const DELETE: &str = "/settings/delete";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// Asks for the end of the account, with the password.
async fn ask(browser: &mut Browser) -> Page {
    browser.post(DELETE, &[("confirm", "1"), ("password", PASSWORD)]).await
}

/// A user who has asked for the end of the account.
pub(super) async fn leaving(world: &World) {
    world.user(ALICE).await;
    let mut browser = world.logged_in(ALICE).await;
    let page = ask(&mut browser).await;
    assert_eq!((page.status, page.has("leaving")), (StatusCode::OK, true), "{}", page.body);
}

async fn has_account(world: &World, email: &str) -> bool {
    world.accounts.accounts().find_by_email(email).await.unwrap().is_some()
}

/// The actions that the audit log tells of about this user, the oldest first.
async fn actions(world: &World, user: &donjon::scope::UserId) -> Vec<String> {
    let log = donjon::audit::AuditLog::new(&world.store);
    let page = log.query().user(user).newest(50).await.unwrap();
    page.entries.iter().rev().map(|entry| entry.action.as_str().to_owned()).collect()
}
