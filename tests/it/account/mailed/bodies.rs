//! Mails are the host's to change: all of them, one of them, or one body of one.

use donjon::page::{Letter, Mail, Pages, Theme};

use crate::account::world::{ALICE, PASSWORD, each_world_with};

/// Writes its own HTML for links to set a new password, its own text for links to log in, and
/// leaves the rest alone.
#[derive(Debug)]
struct Mine(Theme);

impl Pages for Mine {
    fn theme(&self) -> &Theme {
        &self.0
    }

    fn mail(&self, letter: &Letter<'_>) -> Mail {
        let built_in = self.0.mail(letter);
        match letter {
            Letter::Reset { link } => Mail { html: format!("<p>My own {link}"), ..built_in },
            Letter::LoginLink { link } => {
                Mail { subject: "Come in".to_owned(), text: format!("My own {link}"), ..built_in }
            }
            _ => built_in,
        }
    }
}

#[tokio::test]
async fn each_body_of_each_mail_can_be_replaced_by_itself() {
    each_world_with(
        |builder| builder.pages(Mine(Theme::new("Acme"))),
        async |world| {
            let mut browser = world.browser();
            let built_in = |body: &str| !body.contains("My own");
            browser.post("/register", &[("email", ALICE), ("password", PASSWORD)]).await;
            let confirm = world.mails_to(ALICE).await.remove(0);
            assert_eq!(confirm.subject, "Confirm your email address");
            assert!(built_in(&confirm.text) && built_in(&confirm.html));
            browser.post("/forgot-password", &[("email", ALICE)]).await;
            let reset = world.mails_to(ALICE).await.remove(0);
            assert_eq!(reset.subject, "Choose a new password");
            assert!(built_in(&reset.text) && reset.html.starts_with("<p>My own http"));
            browser.post("/login/link", &[("email", ALICE)]).await;
            let link = world.mails_to(ALICE).await.remove(0);
            assert_eq!(link.subject, "Come in");
            assert!(link.text.starts_with("My own http") && built_in(&link.html));
        },
    )
    .await;
}
