//! What is said at the login, when it is asked for again, and at the end.

macro_rules! login {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            email_label: "Email address",
            password_label: "Password",
            logged_in_as: "Logged in as",
            back_to_login: "Back to login",

            login_title: "Welcome back",
            login_lead: "Log in to {product}.",
            login_again: "Please log in again, so that we know it is you.",
            login_submit: "Log in",
            login_other: "Log in with {name}",
            login_or: "or",
            remember_label: "Keep me logged in",
            forgot_link: "Forgot it?",
            register_prompt: "New to {product}?",
            register_link: "Create an account",
            login_refused: "That email address and password don’t match. After several wrong tries we pause for a few minutes to keep your account safe.",
            login_unconfirmed: "Have you just signed up? Then confirm your address first: look into your mail, or",
            login_unconfirmed_link: "have the message sent again",
            login_confirmed: "Your email address is confirmed. You can log in now.",
            login_timed_out: "That took a little long, or something changed in between. Please log in again.",
            login_kept: "Your account stays. Log in to go on.",
            login_password_set: "Your new password is set. Log in with it.",

            again_title: "Is it still you?",
            again_submit: "Go on",
            again_either_refused: "That doesn’t match. After several wrong tries we pause for a few minutes to keep your account safe.",
            again_code_instead: "Or a code from your authenticator app",
            again_refused: "That password doesn’t match. After several wrong tries we pause for a few minutes to keep your account safe.",
            again_no_way: "You have no password, no passkey and no authenticator app. Log in again the way you did before, or choose a password.",
            again_elsewhere: "Your organization has you log in with its identity provider. Log in there once more to go on.",
            again_set_password: "Choose a password by mail",
            again_other: "Log in another way",

            logout_title: "Do you want to log out?",
            logout_submit: "Log out",
            logout_cancel: "Stay",
            logged_out_title: "You are logged out",
            logged_out_text: "See you soon at {product}.",
            login_again_link: "Log in again",
        }
    };
}
