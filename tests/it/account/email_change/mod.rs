//! Another email address: the store's contract, the pages, and what it must not give to anybody.

mod claims;
mod flow;
mod rest;

use donjon::audit::AuditLog;
use donjon::delivery::Message;
use donjon::scope::UserId;
use donjon::testing::contract;
use http::StatusCode;

use super::world::{ALICE, ORIGIN, PASSWORD, World, each_world, log_in};
use crate::broken::email_change::parts;
use crate::support::browser::{Browser, Page};
use crate::support::database::databases;

const PATH: &str = "/settings/email";
const CONFIRM: &str = "/settings/email/confirm";
const CANCEL: &str = "/settings/email/cancel";
const NEW: &str = "alice@new.example.test";
const BOB: &str = "bob@example.test";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test(flavor = "multi_thread")]
async fn changed_addresses_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept = contract::email_changes((&store).into(), parts(&store)).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}

/// Asks for an address by the form, and goes where it leads.
async fn ask(browser: &mut Browser, email: &str) -> Page {
    let page = browser.post(PATH, &[("email", email)]).await;
    browser.follow(page).await
}

/// The path of the link that this address was mailed.
async fn link_to(world: &World, email: &str) -> String {
    let link = world.link_to(email).await;
    link.strip_prefix(ORIGIN).unwrap().to_owned()
}

/// Asks for an address, and opens the link that it is mailed.
async fn opened(world: &World, browser: &mut Browser, email: &str) -> Page {
    ask(browser, email).await;
    let link = link_to(world, email).await;
    let page = browser.get(&link).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page
}

/// Presses the button behind a link.
async fn press(browser: &mut Browser, page: &Page) -> Page {
    let form = page.form_to(CONFIRM);
    let fields: Vec<_> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post(CONFIRM, &fields).await
}

async fn logged_in_as(browser: &mut Browser) -> String {
    browser.get("/").await.body
}

fn subjects(mails: &[Message]) -> Vec<&str> {
    mails.iter().map(|mail| mail.subject.as_str()).collect()
}

async fn id_of(world: &World, email: &str) -> Option<UserId> {
    let found = world.accounts.accounts().find_by_email(email).await.unwrap();
    found.map(|found| found.id().clone())
}

/// Whom the audit log tells of by this action, the newest first.
async fn told_of(world: &World, action: &str) -> Vec<Option<UserId>> {
    let log = AuditLog::new(&world.store);
    let page = log.query().action(action).newest(9).await.unwrap();
    page.entries.into_iter().map(|entry| entry.user).collect()
}
