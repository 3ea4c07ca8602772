//! LINE for the demo: a stand-in on this machine with a phone for every invented family, and one for whoever tries it.

use std::collections::BTreeMap;

use kizuna_engine::Env;
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_line_double::{ChannelKind, Double, NewChannel, Options};
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use crate::commands::Failure;

/// Channel id of the invented town's account.
const CHANNEL: &str = "1650000001";
/// It proves nothing to anybody: the stand-in listens on this machine only.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PROVIDER: &str = "hidamari";
/// Its channel of LINE Login.
const LOGIN: &str = "2000000001";
const LOGIN_SECRET: &str = "fedcba9876543210fedcba9876543210";
/// The phone of whoever tries the demo; the first one that LINE's page to agree on offers.
const YOURS: &str = "U00000000000000000000000000000000";
/// Families that have a phone; a demo of more would take long to start.
const FAMILIES_MAX: usize = 20_000;

/// The stand-in; it ends with this value.
pub(super) struct Phones(Double);

impl Phones {
    /// Starts it on a port, or on any with 0; what comes in goes to the pages at `pages`.
    pub(super) fn start(port: u16, pages: &str, town: &str) -> Result<Phones, Failure> {
        // Nobody waits for LINE's hourly limits to see a menu.
        let options = Options {
            port,
            rate_limits: false,
            ..Options::default()
        };
        let double = Double::start(options).map_err(|error| {
            Failure::new(
                format!("{port} 番を使えません（{error}）。--port で、ほかの番号をえらんでください。"),
                format!("port {port} cannot be used ({error}); choose another one with --port"),
            )
        })?;
        double.add_channel(NewChannel {
            id: CHANNEL.to_owned(),
            secret: SECRET.to_owned(),
            provider: PROVIDER.to_owned(),
            bot_user_id: format!("U{:032x}", 0xb07),
            basic_id: "@hidamari".to_owned(),
            display_name: "ひだまり市 子育てだより".to_owned(),
            webhook: Some(format!("{pages}/{town}/line/webhook")),
            ..NewChannel::default()
        });
        double.add_channel(NewChannel {
            id: LOGIN.to_owned(),
            secret: LOGIN_SECRET.to_owned(),
            provider: PROVIDER.to_owned(),
            kind: ChannelKind::Login,
            display_name: "ひだまり市 子育てだより".to_owned(),
            linked_bot: Some(CHANNEL.to_owned()),
            ..NewChannel::default()
        });
        double.callbacks(LOGIN, &[&format!("{pages}/{town}/line/callback")]);
        double.add_user(PROVIDER, YOURS, "あなた");
        Ok(Phones(double))
    }

    /// The town's account at the stand-in.
    pub(super) fn account(&self) -> NewAccount {
        let url = self.0.url();
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        NewAccount {
            channel: "line".to_owned(),
            settings: BTreeMap::from(
                [
                    ("channel_id", CHANNEL),
                    ("basic_id", "@hidamari"),
                    ("api_url", &url),
                    ("login_url", &url),
                    ("login_channel_id", LOGIN),
                    ("rates", "none"),
                ]
                .map(text),
            ),
            secrets: BTreeMap::from([("channel_secret", SECRET), ("login_channel_secret", LOGIN_SECRET)].map(text)),
        }
    }

    /// Gives every invented family that reads by LINE its phone.
    pub(super) fn hand_out(&self, env: &Env, tenant: &Tenant) -> Result<(), Failure> {
        let rows = env
            .db
            .read(|tx| people::export(tx, &env.keys, tenant.scope(), None, FAMILIES_MAX))?;
        for row in rows.iter().filter(|row| row.channel == "line" && row.address != YOURS) {
            self.0
                .add_user(PROVIDER, &row.address, row.nickname.as_deref().unwrap_or("見本の家族"));
            self.0.befriend_quietly(CHANNEL, &row.address);
        }
        Ok(())
    }

    /// Messages that came to phones.
    pub(super) fn messages(&self) -> u64 {
        self.0.receipts_counted()
    }

    /// Where the phone of whoever tries the demo is shown.
    pub(super) fn yours(&self) -> String {
        format!("{}/_double/talk/{CHANNEL}/{YOURS}", self.0.url())
    }

    /// Where all phones are listed.
    pub(super) fn all(&self) -> String {
        format!("{}/_double/", self.0.url())
    }
}
