//! What is said of logging in with another provider, and of the accounts there.

macro_rules! social {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            login_provider_cancelled: "You turned back, and nothing has changed. Log in whichever way you like.",
            login_provider_unavailable: "That provider isn’t answering right now. Please try again in a moment, or log in another way.",
            login_provider_failed: "That provider couldn’t tell us who you are in a way that we can trust. Please try again, or log in another way.",
            login_provider_no_email: "That provider gave us no email address of yours, and we need one. Please choose another way.",
            login_provider_no_account: "There is no account for you here yet, and new ones are made by invitation only.",
            login_provider_personal: "Your organization has you log in with the account that it gave you at that provider. Please choose that one there.",
            login_provider_another: "Your account here belongs to another account there than the one that you came with. Please log in there with that one, or ask your organization to sort it out.",
            login_provider_mismatch: "The email address of your account there belongs to another account here. Please log in another way, and ask us to sort it out.",

            link_identity_title: "Connect {provider}?",
            link_identity_log_in: "There is an account with this address already. To keep it safe, log in the way you always do; then you can connect {provider} to it.",
            link_identity_log_in_link: "Log in",
            link_identity_other: "There is another account with this address than the one you are logged in to. Log out first, then log in to that one.",
            link_identity_confirm: "From then on you can log in to this account with {provider}, too.",
            link_identity_submit: "Connect {provider}",
            link_identity_cancel: "Not now",

            provider_email_title: "What is your email address?",
            provider_email_ask: "{provider} didn’t confirm one to us. We will send you a message to make sure that it is yours.",
            provider_email_submit: "Send me a link",
            provider_email_sent: "A message to {email} is on its way. Open the link in it with this browser to go on.",
            provider_email_other: "Open it in the browser in which you began to log in with {provider}, and soon; or begin anew.",

            settings_connections: "Connected accounts",
            connections_lead: "Accounts elsewhere that you can log in to {product} with.",
            connections_last_used: "Last used",
            connections_link: "Connect {provider}",
            connections_unlink: "Disconnect",
            connections_only_one: "This is your only way in, so it can’t be disconnected.",
            connections_set_password: "Choose a password",
            connections_linked: "Connected. You can log in with it from now on.",
            connections_unlinked: "Disconnected. You can’t log in with it any more.",
            connections_last_way_in: "This is your only way in. Choose a password or connect another account first.",
            connections_taken: "That account is connected to somebody else’s account here.",
            connections_another: "You have connected another account of that kind. Disconnect it first.",
            connections_cancelled: "You turned back, and nothing has changed.",
            connections_failed: "That didn’t work, and nothing has changed. Please try again.",
        }
    };
}
