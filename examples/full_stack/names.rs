//! What the host asks of somebody new: a name, which is kept with the account from the start.

use async_trait::async_trait;
use donjon::account::{AccountHook, Refusal, SignUp, SignUpAttributes, SignUpField};
use serde::Serialize;

/// The field of the form, and the attribute.
const NAME: &str = "name";

#[derive(Serialize)]
struct Profile<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Debug)]
pub(crate) struct Names;

impl Names {
    /// What stands on the forms to sign up.
    pub(crate) fn fields() -> [SignUpField; 1] {
        [SignUpField::new(NAME, "What may we call you?").max_length(60).optional()]
    }
}

#[async_trait]
impl AccountHook for Names {
    async fn permits_sign_up(&self, who: &SignUp<'_>) -> Result<SignUpAttributes, Refusal> {
        let name = who.field(NAME).map(str::trim).filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.contains('@')) {
            return Err(Refusal::because("A name is not an address: others will see it."));
        }
        Ok(SignUpAttributes::of(&Profile { name })?)
    }
}

#[cfg(test)]
mod tests {
    use crate::personas::tests::demo;

    #[tokio::test]
    async fn somebody_new_is_called_by_the_name_that_they_gave() {
        let (app, mut browser) = demo().await;
        let who = [("email", "robin@example.test"), ("password", "correct horse battery")];
        let page = browser.get("/register").await;
        let address = browser.submit(&page, &[who[0], who[1], ("name", "r@robin")]).await;
        assert_eq!(address.status.as_u16(), 422);
        assert!(address.body.contains("A name is not an address"), "{}", address.body);
        browser.submit(&page, &[who[0], who[1], ("name", " Robin <3 ")]).await;
        let mut program = browser.another();
        program.accept = "application/json";
        let mails = program.get("/dev/mailbox").await.body;
        let mails: serde_json::Value = serde_json::from_str(&mails).unwrap();
        let mails = mails.as_array().unwrap();
        let mail = mails.iter().find(|mail| mail["to"] == who[0].1).unwrap();
        let text = mail["text"].as_str().unwrap();
        let link = text.lines().find(|line| line.starts_with("http")).unwrap();
        let page = browser.get(link).await;
        browser.submit(&page, &[]).await;
        let page = browser.get("/login").await;
        let page = browser.submit(&page, &who).await;
        let page = browser.follow(page).await;
        assert!(page.body.contains("Robin &#60;3"), "{}", page.body);
        app.stop().await;
    }
}
