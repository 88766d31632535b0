//! What the pages say for what is mailed: codes, and links to confirm and to log in.

macro_rules! mailed {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            check_mail_title: "Check your mail",
            check_mail_register: "We have sent a message to {email}. Open the link in it to go on.",
            check_mail_confirm: "Please confirm your address before you log in. If {email} is waiting to be confirmed, a message with a link is on its way.",
            check_mail_reset: "If {email} has an account here, a message with a link to choose a new password is on its way.",
            check_mail_login_link: "If {email} has an account here, a message with a link to log in is on its way. It works for ten minutes.",
            check_mail_spam: "Nothing there after a minute? Have a look in your spam folder.",
            resend_submit: "Send it again",

            confirm_title: "Confirm your email address",
            confirm_text: "One click, and {email} is yours.",
            confirm_submit: "Confirm my address",
            confirm_password_text: "An account for {email} was made in another browser. If that was you, enter the password you chose for it.",
            confirm_code_label: "Code from the message",
            confirm_code_lead: "The message we sent you has six digits. Type them here.",
            confirm_code_password_lead: "Since this is another browser than the one you signed up with, we ask for your password, too.",
            confirm_code_refused: "That doesn’t work. Check the code and what else you typed; after five tries only the link in the message works.",
            confirm_refused: "That password doesn’t match. After several wrong tries we pause for a few minutes to keep the account safe.",
            confirm_reset_prompt: "Didn’t choose one, or forgot it?",
            confirm_reset_link: "Choose a new password",

            link_over_title: "This link doesn’t work any more",
            link_over_confirm: "It was used already, was replaced by a newer one, or is too old. Log in, and we can send you a new one.",
            link_over_reset: "It was used already, was replaced by a newer one, or is too old.",
            link_over_reset_next: "Get a new link",
            link_over_email_change: "It was used already, was replaced or cancelled, is too old, or was asked for by another account than the one you are logged in to.",
            link_over_email_change_next: "See your address",

            login_link_door: "Email me a link instead",
            login_link_title: "Log in by email",
            login_link_lead: "Tell us your address, and we will send you a link that logs you in.",
            login_link_open_title: "Log in",
            login_link_open_lead: "One click, and you are logged in as {email}.",
            login_link_elsewhere_lead: "This link was asked for in another browser. Tell us which address it was sent to, so that we know it is yours.",
            login_link_password_lead: "Nobody has confirmed this account yet, and it was made in another browser. If that was you, enter the password you chose for it.",
            login_link_refused: "That doesn’t match. If somebody else sent you this link, don’t use it.",
        }
    };
}
