//! What the pages say where a user changes the email address.

macro_rules! email {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            settings_email_changed: "This is your address now. You are logged out everywhere else.",

            settings_email: "Email address",
            email_change_lead: "You log in with it, and we write to it. When you change it, you are logged out everywhere but here.",
            email_change_label: "New email address",
            email_change_submit: "Send me a link",
            email_change_asked: "A message to {email} is on its way. Open the link in it, logged in as you are now, or type its code here, and the address is yours. We have told your present address, too.",
            email_change_pending: "{email} waits to be confirmed, until {date}",
            email_change_code_refused: "That doesn’t work. Check the code; after five tries only the link in the message works.",
            email_change_cancel: "Cancel",
            email_change_cancelled: "Your address stays as it is.",
            email_managed: "Your organization sees to this address. Please ask those who own it.",
            email_unchanged: "That is your address already.",
            email_change_confirm_lead: "One click, and {email} is the address of this account. You are logged out everywhere else.",
            email_change_confirm_submit: "Change my address",
            email_change_taken: "{email} belongs to another account by now, so nothing has changed. Log in with it, or choose another address.",
        }
    };
}
