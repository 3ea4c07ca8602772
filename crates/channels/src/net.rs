//! What all sessions of a process share: the present, connections, access tokens, and how often each provider was called.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::line::Shared;

/// The present, and waiting for a later one.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
    /// Returns after about this long.
    fn wait(&self, duration: Duration);
}

/// The way out: one for each process, because providers count calls by account and not by session.
#[derive(Clone)]
pub struct Net {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) line: Arc<Shared>,
}

impl Net {
    /// A way out that has called nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Net {
        Net {
            clock,
            line: Arc::new(Shared::new()),
        }
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Net")
    }
}
