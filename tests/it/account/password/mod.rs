//! Passwords: the store's contract, what may be chosen, changing one, having to.

mod change;
pub(super) mod forced;
mod rules;

use donjon::testing::contract;
use http::StatusCode;

use crate::support::browser::{Browser, Page};
use crate::support::database::databases;

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const PATH: &str = "/settings/password";
const BETTER: &str = "zwölf boxkämpfer jagen";

#[tokio::test(flavor = "multi_thread")]
async fn passwords_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept =
            contract::passwords((&store).into(), (&store).into(), (&store).into(), (&store).into())
                .await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}

/// Fills in the form of the settings.
async fn change(browser: &mut Browser, current: &str, password: &str) -> Page {
    browser.post(PATH, &[("current", current), ("password", password)]).await
}
