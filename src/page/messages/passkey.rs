//! What is said of passkeys: at the login, as a second step, and in the settings.

macro_rules! passkey {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            passkey_submit: "Log in with a passkey",
            passkey_problem: "No passkey was used. Perhaps there is none for this site on this device, or the window was closed.",
            passkey_refused: "That passkey didn’t work. Please try again, or log in with your password.",
            passkey_missing: "A passkey needs JavaScript, and a browser that knows passkeys.",
            verify_passkey_lead: "Prove that it is you with your passkey.",
            verify_passkey_submit: "Use a passkey",
            verify_passkey_refused: "That passkey didn’t work. Please try again. After several wrong tries we pause for a few minutes to keep your account safe.",

            settings_passkeys: "Passkeys",
            passkeys_lead: "With a passkey you log in by your face, your finger or the PIN of your device: no password, nothing to type, nothing to fish for.",
            passkeys_synced: "On several devices",
            passkeys_suspended: "May have been copied: refused",
            passkeys_used: "last used {date}",
            passkeys_unused: "not used yet",
            passkeys_name_label: "Name",
            passkeys_name_hint: "So that you recognise it. Leave it empty, and we name it after this browser.",
            passkeys_default_name: "Passkey",
            passkeys_rename_submit: "Rename",
            passkeys_delete_submit: "Remove",
            passkeys_only_one: "This is your only second step. If you lose the device, you can’t log in any more: add another passkey, or set up an authenticator app with backup codes.",
            passkeys_add_title: "Add a passkey",
            passkeys_add_submit: "Add a passkey",
            passkeys_full: "You have as many passkeys as there can be. Remove one to add another.",
            passkeys_problem: "No passkey was made. Perhaps this device has one for your account already, or the window was closed.",
            passkeys_refused: "That passkey can’t be added. Please try again.",
            passkeys_too_many: "You have as many passkeys as there can be.",
            passkeys_last_way_in: "This is your only way to log in, so it has to stay. Choose a password first.",
        }
    };
}
