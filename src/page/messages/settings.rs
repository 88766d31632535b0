//! What all the settings have in common, and their first page.

macro_rules! settings {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            settings_title: "Your account",
            settings_nav_label: "Account pages",
            settings_overview: "Overview",
            settings_lead: "What {product} knows about you, and how you get in.",
            settings_email_title: "Email address",
            settings_email_confirmed: "Confirmed",
            settings_email_unconfirmed: "Not confirmed",
            settings_no_email: "No address",
            settings_home: "Back to {product}",
        }
    };
}
