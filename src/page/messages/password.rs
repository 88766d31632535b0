//! What is said of choosing a password, for the first time, another one, or a lost one.

macro_rules! password {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            new_password_label: "New password",

            password_hint: "At least {min} characters. A few random words work well.",
            password_too_short: "That is a little short. Use at least {min} characters.",
            password_too_long: "That is too long. Use at most {max} characters.",
            password_common: "Many people use this password, so it is among the first that are tried. Please choose another.",
            password_breached: "This password has leaked from another site, so it is among the first that are tried. Please choose another.",
            password_unchanged: "That is the password you have already. Please choose another.",
            password_unchecked: "We can’t check this password right now. Please try again in a moment.",
            password_guessable: "This password is easy to guess. {advice}",
            advice_personal: "Leave out your name, your address and the name of this site.",
            advice_similar: "It is close to a very common one, and a few changed letters don’t hide that.",
            advice_word: "One word is soon found. Add two or three that have nothing to do with it.",
            advice_name: "Names are soon found. Add a few words that have nothing to do with them.",
            advice_keys: "Rows of keys are soon found. A few random words work better.",
            advice_repeats: "Repeating adds little. Add a few words instead.",
            advice_sequence: "Sequences such as abc or 6543 are soon found. A few random words work better.",
            advice_date: "Dates and years are soon found. Add a few words that have nothing to do with them.",
            advice_more: "Add another word or two; unusual ones are best.",

            forgot_title: "Forgot your password?",
            forgot_lead: "It happens. Tell us your email address, and we will send you a link to choose a new one.",
            forgot_submit: "Send me a link",

            reset_title: "Choose a new password",
            reset_lead: "For {email}.",
            reset_submit: "Set new password",
            reset_note: "You will be logged out on all your devices.",

            settings_password: "Password",
            current_password_label: "Current password",
            password_change_lead: "When you change it, you are logged out everywhere but here.",
            password_first_lead: "You log in without a password so far. With one you have another way in.",
            password_current_refused: "That is not your current password. After several wrong tries we pause for a few minutes to keep your account safe.",
            password_changed: "Your new password is set, and you are logged out everywhere else.",
            new_password_title: "Choose another password",
            new_password_lead: "Before you go on, please choose another password for {email}.",
        }
    };
}
