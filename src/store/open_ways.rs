/// What logs in at an application as it is configured at present: a way in that its configuration
/// does not know opens nothing, and is none to fall back on.
///
/// ```
/// use donjon::store::OpenWays;
///
/// let ways = OpenWays {
///     rp_id: Some("app.example".to_owned()),
///     providers: vec!["google".to_owned()],
/// };
/// assert_ne!(ways, OpenWays::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenWays {
    /// The domain whose passkeys log in; `None` if none do.
    pub rp_id: Option<String>,
    /// The providers whose identities log in, by the names that the host gave them.
    pub providers: Vec<String>,
}
