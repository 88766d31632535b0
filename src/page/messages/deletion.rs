//! What is said of an account as a whole: its data, and its end.

macro_rules! deletion {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            settings_export: "Your data",
            export_lead: "Everything that {product} knows about you and your account, in one file (JSON). It says what it leaves out, such as passwords.",
            export_submit: "Download",

            settings_delete: "Delete account",
            delete_lead: "You will be logged out everywhere, and applications that you let in lose their access. After {days} days your account at {product} is deleted. Until then you can keep it: just log in, or follow the link that we mail you.",
            delete_lead_now: "Your account at {product} is deleted at once, and you are logged out everywhere. There is no way back.",
            delete_or_code_label: "Or a code from your authenticator app",
            delete_confirm_label: "Yes, delete my account",
            delete_submit: "Delete my account",
            delete_unconfirmed: "Please check the box, so that we know you mean it.",
            delete_not_proven: "That doesn’t match. After several wrong tries we pause for a few minutes to keep your account safe.",
            delete_cooling_down: "You have kept your account only recently. You can ask again from {date}.",
            delete_sole_owner: "You are the only owner of {names}, where others still work. Please make somebody else an owner first.",
            leaving_title: "Your account will be deleted",
            leaving_text: "That happens on {date}. If you think better of it, log in before then.",
            left_title: "Your account is deleted",
            left_text: "Thank you for having been with {product}.",
            keep_title: "Keep your account?",
            keep_text: "Your account is going to be deleted on {date}.",
            keep_submit: "Keep my account",
        }
    };
}
