//! The hands: actions of people, the daily run, the dispatcher, and looking at what they will do.
//!
//! | module | carries out |
//! |---|---|
//! | [`actions`] | one intention of a person: one transaction, one audit entry |
//! | [`planner`] | one tenant's day into the ledger and the outbox |
//! | [`dispatch`] | batches to providers, outcomes back |
//! | [`run`] | both, for every tenant, with a report |
//! | [`menus`] | LINE's rich menus: what LINE has to what staff asked for |
//! | [`line_check`] | a look at a LINE account, and what to mend where |
//! | [`month`] | whether a month's messages last |
//! | [`archive`] | what a reader reads on pages: today's words and all earlier ones |
//! | [`retention`] | the end of what is kept: completing, erasing, and erasing again after a restore |
//! | [`explain`] | the same planner without writing: preview, journey, why |
//! | [`reception`] | how messages come to a reader now, and how else they could |
//! | [`credentials`] | passwords, one-time codes, recovery codes |
//! | [`mod@line`] | what comes in from LINE: inbox, talk, tickets, passing on |
//! | [`ways`] | how a tenant lets families receive |
//! | [`throttle`] | how often somebody may ask |
//! | [`inbound`] | mail that comes in: 空メール, bounces, complaints |
//! | [`transactional`] | single mails that somebody asked for, apart from the daily run |
//! | [`witness`] | whether this database may send at all |

pub mod actions;
pub mod archive;
pub mod composer;
pub mod credentials;
pub mod dispatch;
pub mod env;
pub mod error;
pub mod explain;
pub mod inbound;
pub mod line;
pub mod line_check;
pub mod links;
pub mod menus;
pub mod month;
pub mod outside;
pub mod planner;
pub mod programme;
pub mod reception;
mod recorder;
pub mod retention;
pub mod run;
pub mod throttle;
pub mod transactional;
pub mod walk;
pub mod ways;
pub mod witness;

pub use env::{Clock, Env, Net, Pace, Random, Stop};
pub use error::EngineError;
