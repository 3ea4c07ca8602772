//! What can keep the engine from doing what was asked.

use kizuna_channels::line::CallError;
use kizuna_domain::content::pack::PackProblem;
use kizuna_domain::tenant::SettingsError;
use kizuna_store::StoreError;

use crate::actions::staff::StaffProblem;

/// A rule that was broken, or a surprise from below.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A tenant's settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No tenant has this code.
    #[error("no tenant has the code '{0}'; `kizuna check` lists them")]
    NoTenant(String),
    /// The tenant has no such subscription.
    #[error("this tenant has no subscription '{0}'")]
    NoSubscription(String),
    /// The tenant has no account on this channel.
    #[error("the tenant has no account on the channel '{0}'; add it to kizuna.toml and run `kizuna migrate`")]
    NoAccount(String),
    /// A content pack has problems; nothing was imported.
    #[error("the pack has {} problem(s); nothing was imported", .0.len())]
    Pack(Vec<PackProblem>),
    /// No such track.
    #[error("no track has the code '{0}'")]
    NoTrack(String),
    /// This database must not send before a person claims it.
    #[error("{0}")]
    Fenced(String),
    /// The witness file cannot be read or written.
    #[error("the witness file {path} cannot be used: {source}")]
    Witness {
        /// Where it is.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// LINE did not do what it was asked.
    #[error(transparent)]
    Line(#[from] CallError),
    /// A channel of this name is not part of this build.
    #[error("the channel '{0}' is not part of this program")]
    NoChannel(String),
    /// A rule about staff and their means of signing in was broken.
    #[error(transparent)]
    Staff(#[from] StaffProblem),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(std::io::Error),
    /// Means of signing in could not be made.
    #[error("a password or a one-time code could not be prepared: {0}")]
    Credentials(String),
    /// A rule of people's registrations was broken.
    #[error("{0}")]
    Rule(String),
}
