//! What the page says that lets an app of the host's own log in.

macro_rules! app {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            app_login_title: "Log in to {app}",
            app_login_lead: "{app} asks to use your {product} account on this device. Go on only if you have just opened it yourself.",
            app_login_approve: "Continue",
            app_login_other: "Use another account",
        }
    };
}
