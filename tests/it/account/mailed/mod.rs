//! What is mailed beside links to confirm and to reset: codes, links to log in, and how they look.

mod bodies;
mod bound;
mod code;
pub(super) mod login_link;

use donjon::delivery::Message;
use donjon::testing::contract;
use http::StatusCode;

use crate::support::database::databases;

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test(flavor = "multi_thread")]
async fn mailed_links_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let [users, sessions] = [(); 2].map(|()| store.clone());
        let kept =
            contract::mail_links((&store).into(), users.into(), sessions.into(), (&store).into());
        kept.await.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}

/// The six digits in a mail.
pub(super) fn digits(mail: &Message) -> String {
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    let code = mail.text.split_whitespace().find(is_code).unwrap().to_owned();
    assert!(mail.html.contains(&code));
    code
}

/// Six other digits.
fn other(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}
