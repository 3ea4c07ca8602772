//! The settings of a LINE account, read once and checked all at a time.

use std::time::Duration;

use crate::{Account, Problem, Secret, Setting};

/// Where LINE answers, unless the settings name a stand-in.
const API: &str = "https://api.line.me";
const DATA: &str = "https://api-data.line.me";
/// Milliseconds to wait for an answer when the settings do not say; LINE answers in a few dozen.
const TIMEOUT_MS: u64 = 10_000;
/// A session that waits longer than this holds up its town's morning.
const TIMEOUT_MS_MAX: u64 = 60_000;
/// Characters of an id, a link or a word; LINE's own are far shorter.
const VALUE_MAX: usize = 2_000;

/// The settings of the channel, for `kizuna init`, `kizuna check` and the form.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::required(
        "channel_id",
        "Messaging API チャネルのチャネルID（数字10けた）。",
        "Channel id of the Messaging API channel.",
    ),
    Setting::required_secret("channel_secret", "チャネルシークレット。", "Channel secret."),
    Setting::optional(
        "mode",
        "own（市専用のアカウント。書かないとき）か guest（ほかの業者も使う全市アカウント）。",
        "own (default) or guest, on an account whose webhook belongs to another vendor.",
    ),
    Setting::optional(
        "format",
        "text（書かないとき）か flex。ことばは同じです。",
        "text (default) or flex; the words are the same.",
    ),
    Setting::optional(
        "token",
        "stateless（書かないとき）、jwt、long-lived のどれか。",
        "stateless (default), jwt or long-lived.",
    ),
    Setting::optional(
        "key_id",
        "token が jwt のとき：LINE Developers に登録した公開鍵の kid。",
        "With token = jwt: the kid of the registered key.",
    ),
    Setting::secret(
        "assertion_key",
        "token が jwt のとき：RSA 秘密鍵（PEM）。",
        "With token = jwt: the RSA private key in PEM.",
    ),
    Setting::secret(
        "access_token",
        "token が long-lived のとき：長期のチャネルアクセストークン。",
        "With token = long-lived: the token.",
    ),
    Setting::optional(
        "basic_id",
        "アカウントのベーシックID（@で始まる）。友だち追加のリンクに使います。",
        "Basic id, for the link that adds the account.",
    ),
    Setting::optional(
        "reserve",
        "緊急のために残しておく、その月の通数。書かないとき：0。",
        "Messages of a month kept for emergencies; 0 if absent.",
    ),
    Setting::optional(
        "fallback",
        "通数が足りないときに、代わりに送る手段を順に（例：email）。書かないとき：送らずに記録します。",
        "Channels that carry instead when the month's messages run short, in order.",
    ),
    Setting::optional(
        "replies",
        "ours（書かないとき）か theirs。あいさつと自由な文に、だれが返事をするか。",
        "ours (default) or theirs: who answers greetings and free text.",
    ),
    Setting::optional(
        "forward_url",
        "受けたwebhookを渡す、ほかの業者のアドレス。",
        "Another vendor's address that gets every webhook too.",
    ),
    Setting::secret(
        "forward_secret",
        "ほかの業者との間の署名の鍵。書かないとき：チャネルシークレット。",
        "Key of signatures to and from the other vendor; the channel secret if absent.",
    ),
    Setting::optional(
        "login_channel_id",
        "LINEログインのチャネルID（同じプロバイダー）。",
        "Channel id of LINE Login, of the same provider.",
    ),
    Setting::secret(
        "login_secret",
        "LINEログインのチャネルシークレット。",
        "Channel secret of LINE Login.",
    ),
    Setting::optional("liff_id", "LIFFアプリのID。", "Id of the LIFF app."),
    Setting::optional(
        "sessions",
        "同時に送る数。書かないとき：16。",
        "Sessions at the same time; 16 if absent.",
    ),
    Setting::optional(
        "timeout_ms",
        "LINEの答えを待つ時間（ミリ秒）。書かないとき：10000。",
        "Milliseconds to wait for an answer; 10000 if absent.",
    ),
    Setting::optional(
        "api_url",
        "LINEの代わりのサーバー（練習用）。書かないとき：本物のLINE。",
        "A stand-in for api.line.me, for practice.",
    ),
    Setting::optional(
        "data_url",
        "LINEの画像サーバーの代わり（練習用）。",
        "A stand-in for api-data.line.me, for practice.",
    ),
];

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The municipality's own: webhook and rich menus are ours.
    Own,
    /// The city-wide one: webhook and rich menus belong to another vendor.
    Guest,
}

/// How messages look; the words are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Flex,
}

/// How access is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A token for fifteen minutes, by channel secret: displaces nobody else's.
    Stateless,
    /// Channel access token v2.1, by a signed assertion.
    Jwt { key_id: String, key: Secret },
    /// A token from the console.
    LongLived(Secret),
}

/// A LINE account whose settings are right.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) channel_id: String,
    pub(crate) secret: Secret,
    pub(crate) mode: Mode,
    pub(crate) format: Format,
    pub(crate) proof: Proof,
    pub(crate) reserve: u64,
    pub(crate) api: String,
    pub(crate) data: String,
    pub(crate) timeout: Duration,
}

/// Reads the settings, or says everything that is wrong with them.
pub(crate) fn read(account: &Account) -> Result<Access, Vec<Problem>> {
    let mut reader = Reader {
        account,
        problems: Vec::new(),
    };
    let channel_id = reader.digits("channel_id", true);
    reader.digits("login_channel_id", false);
    let secret = reader.secret("channel_secret");
    let mode = reader.one_of("mode", &[("own", Mode::Own), ("guest", Mode::Guest)]);
    let format = reader.one_of("format", &[("text", Format::Text), ("flex", Format::Flex)]);
    reader.one_of("replies", &[("ours", ()), ("theirs", ())]);
    let kinds = [("stateless", 0), ("jwt", 1), ("long-lived", 2)];
    let proof = match reader.one_of("token", &kinds) {
        1 => Proof::Jwt {
            key_id: reader.required("key_id"),
            key: reader.secret("assertion_key"),
        },
        2 => Proof::LongLived(reader.secret("access_token")),
        _ => Proof::Stateless,
    };
    let reserve = reader.number("reserve", 0, u64::MAX);
    reader.number("sessions", 16, 200);
    let timeout = reader.number("timeout_ms", TIMEOUT_MS, TIMEOUT_MS_MAX).max(1);
    let api = reader.address("api_url", API);
    let data = reader.address("data_url", if api == API { DATA } else { &api });
    reader.address("forward_url", "https://");
    let Reader { mut problems, .. } = reader;
    if let Proof::Jwt { key, .. } = &proof
        && problems.is_empty()
        && let Err(why) = super::token::signer(&key.0)
    {
        problems.push(problem(
            "assertion_key",
            "RSA 2048ビット以上の秘密鍵を、PEM の形で書いてください。",
            &why,
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Access {
        channel_id,
        secret,
        mode,
        format,
        proof,
        reserve,
        api,
        data,
        timeout: Duration::from_millis(timeout),
    })
}

fn problem(setting: &'static str, ja: &str, en: &str) -> Problem {
    Problem {
        setting,
        ja: ja.to_owned(),
        en: en.to_owned(),
    }
}

struct Reader<'a> {
    account: &'a Account,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn get(&self, name: &str) -> &str {
        self.account.settings.get(name).map_or("", |value| value.trim())
    }

    fn wrong(&mut self, setting: &'static str, ja: &str, en: &str) {
        self.problems.push(problem(setting, ja, en));
    }

    fn required(&mut self, name: &'static str) -> String {
        let value = self.get(name).to_owned();
        if value.is_empty() {
            self.wrong(name, "書いてください。", "is missing.");
        } else if value.len() > VALUE_MAX || value.contains(char::is_control) {
            self.wrong(
                name,
                "長すぎるか、使えない文字があります。",
                "is too long or has control characters.",
            );
        }
        value
    }

    fn secret(&mut self, name: &'static str) -> Secret {
        let value = self.account.secrets.get(name).map_or("", |secret| secret.0.trim());
        if value.is_empty() {
            self.wrong(name, "書いてください。", "is missing.");
        }
        Secret(value.to_owned())
    }

    /// An id of LINE's: digits only.
    fn digits(&mut self, name: &'static str, required: bool) -> String {
        let value = self.get(name).to_owned();
        if value.is_empty() && required {
            self.wrong(name, "書いてください。", "is missing.");
        } else if !value.is_empty() && (value.len() > 20 || !value.bytes().all(|byte| byte.is_ascii_digit())) {
            self.wrong(
                name,
                "半角の数字だけで書いてください。アカウント名や @ ではじまるIDではありません。",
                "has digits only; it is neither the account's name nor its @id.",
            );
        }
        value
    }

    /// The first value where the setting is absent.
    fn one_of<T: Clone>(&mut self, name: &'static str, values: &[(&str, T)]) -> T {
        let value = self.get(name);
        let found = values.iter().find(|(word, _)| *word == value);
        let unset = value.is_empty();
        if let (None, false) = (found, unset) {
            let words: Vec<&str> = values.iter().map(|(word, _)| *word).collect();
            self.wrong(
                name,
                &format!("{} のどれかを書いてください。", words.join("・")),
                &format!("is none of {}.", words.join(", ")),
            );
        }
        let chosen = found.or(values.first());
        chosen.map_or_else(|| unreachable!("a setting has values"), |(_, value)| value.clone())
    }

    fn number(&mut self, name: &'static str, default: u64, max: u64) -> u64 {
        let value = self.get(name);
        if value.is_empty() {
            return default;
        }
        match value.parse() {
            Ok(number) if number <= max => number,
            _ => {
                self.wrong(
                    name,
                    &format!("0 から {max} までの半角の数字で書いてください。"),
                    &format!("is not a number from 0 to {max}."),
                );
                default
            }
        }
    }

    /// An address without a final slash; in the clear only on this machine.
    fn address(&mut self, name: &'static str, default: &str) -> String {
        let value = self.get(name).to_owned();
        if value.is_empty() {
            return default.to_owned();
        }
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let encrypted = value.starts_with("https://") && value.len() > "https://".len();
        let usable = encrypted || local.iter().any(|start| value.starts_with(start));
        if !usable || value.ends_with('/') || value.len() > VALUE_MAX || value.contains(char::is_whitespace) {
            self.wrong(
                name,
                "https:// ではじまり、/ で終わらないアドレスを書いてください。",
                "must begin with https:// and not end with a slash.",
            );
        }
        value
    }
}
