//! A strict, stateful stand-in for LINE's servers on loopback.
//!
//! It keeps the rules that LINE publishes, remembers what came to whose phone, and can be told to fail. It knows nothing
//! of Kizuna and sends nothing anywhere but to the webhooks that it is given.
//!
//! ```
//! use kizuna_line_double::{Double, Fault, FaultKind, NewChannel, Options};
//!
//! let double = Double::start(Options::default())?;
//! double.add_channel(NewChannel {
//!     id: "1650000001".to_owned(),
//!     secret: "himitsu".to_owned(),
//!     provider: "hidamari".to_owned(),
//!     bot_user_id: "Ub0000000000000000000000000000001".to_owned(),
//!     ..NewChannel::default()
//! });
//! double.add_user("hidamari", "U00000000000000000000000000000001", "あおい");
//! double.befriend("1650000001", "U00000000000000000000000000000001");
//! double.script(Fault::nth(2, "POST", "/v2/bot/message/push", FaultKind::ResetAfterAccept));
//!
//! // … the program under test talks to `double.url()` instead of https://api.line.me …
//! assert_eq!(double.receipts().len(), 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Steering it over HTTP
//!
//! What [`Double`] does, other processes do under `/_double/`, with JSON in and out; `docs/line-double.md` has examples.
//!
//! | path | |
//! |---|---|
//! | `POST channels`, `users` | set up channels ([`NewChannel`]) and people |
//! | `POST befriend`, `block`, `unblock`, `say`, `tap`, `switch`, `unsend`, `event` | what people do ([`Act`]), with a [`Manner`]; answers when the webhook has answered |
//! | `POST release`, `redeliver`, `webhook` | held and failed events; the switches of a webhook |
//! | `POST`, `DELETE faults`, `chances` | [`Fault`], [`Chances`] |
//! | `POST advance`, `limits`, `quota`, `menu-delay` | the clock, rates, the month's quota, how slow bulk changes are |
//! | `POST callbacks`, `current-user`, `id-token`, `liff`, `open-liff`, `rotate-keys` | LINE Login and LIFF |
//! | `GET receipts`, `requests`, `violations`, `peaks`, `menus`, `deliveries`, `state` | what happened |
//! | `GET ` (nothing), `talk/{channel}/{user}` | pages: the phones |

mod answer;
mod api;
mod call;
mod clock;
mod control;
#[cfg(feature = "description")]
pub mod description;
mod double;
mod html;
mod jwt;
mod limits;
mod menus;
mod messages;
mod model;
mod phone;
mod picture;
mod random;
mod server;
mod state;
mod voucher;
mod webhook;
mod wire;

pub use api::Flaw;
pub use clock::ClockKind;
pub use double::Double;
pub use model::{
    Chances, ChannelKind, Delivery, Fault, FaultKind, Menu, NewChannel, Options, Receipt, Request, Traffic, Via,
};
pub use state::Violation;
pub use webhook::{Act, Manner, Outcome};
