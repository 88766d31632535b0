//! Every sentence that a user reads, a file for each room. Each line is a field of [`Messages`],
//! its English text, and its documentation.

use std::borrow::Cow;

/// Takes the lines of one room after the other, puts them behind those `before`, and declares the
/// catalogue of them all: a struct has to be written in one piece.
macro_rules! gather {
    ([$room:ident $($rest:ident)*] $($line:tt)*) => { $room! { [$($rest)*] $($line)* } };
    ([] $($line:tt)*) => { declare! { $($line)* } };
}

macro_rules! declare {
    ($($name:ident: $text:literal,)*) => {
        /// Every sentence that a user reads. The default is English; a host that speaks another
        /// language, or in another voice, changes what it likes.
        ///
        /// A word in braces, such as `{product}`, is replaced by what it stands for. A text that
        /// leaves it out simply does not say it.
        ///
        /// ```
        /// use donjon::page::Messages;
        ///
        /// let messages = Messages { login_title: "Servus!".into(), ..Messages::default() };
        /// assert_eq!(messages.login_submit, "Log in");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Messages {
            $(#[doc = $text] pub $name: Cow<'static, str>,)*
        }

        impl Default for Messages {
            fn default() -> Self {
                Self { $($name: Cow::Borrowed($text),)* }
            }
        }
    };
}

#[macro_use]
mod admin;
#[macro_use]
mod app;
#[macro_use]
mod consent;
#[macro_use]
mod deletion;
#[macro_use]
mod email;
#[macro_use]
mod error;
#[macro_use]
mod invitation;
#[macro_use]
mod login;
#[macro_use]
mod mail;
#[macro_use]
mod mailed;
#[macro_use]
mod organization;
#[macro_use]
mod passkey;
#[macro_use]
mod password;
#[macro_use]
mod register;
#[macro_use]
mod rejection;
#[macro_use]
mod service_account;
#[macro_use]
mod sessions;
#[macro_use]
mod settings;
#[macro_use]
mod single_sign_on;
#[macro_use]
mod social;
#[macro_use]
mod tokens;
#[macro_use]
mod two_factor;

gather! {
    [
        login register mailed password passkey two_factor social single_sign_on
        settings email sessions tokens deletion
        organization invitation service_account admin
        app consent error rejection mail
    ]
}
