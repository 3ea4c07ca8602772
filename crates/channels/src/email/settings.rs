//! The settings of an e-mail account, read once and checked all at a time.
//!
//! After reading, nothing here can be wrong: no text that reaches the wire is looked at again.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use crate::dkim::Signer;
use crate::mime::Sender;
use crate::{Account, Problem, Secret, Setting, address};

/// How the conversation is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Begins in the clear and goes on encrypted, or not at all.
    StartTls,
    /// Encrypted from the first octet.
    Tls,
    /// In the clear, for a relay on the same machine or in the same closed network.
    None,
}

/// How long to wait at each step; RFC 5321, 4.5.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// For the TCP connection; the RFC names none, and a living relay answers in seconds.
    pub(crate) connect: Duration,
    /// For the greeting, and for the encryption that may come before it.
    pub(crate) greeting: Duration,
    /// For EHLO, STARTTLS, AUTH, MAIL, RCPT and RSET.
    pub(crate) command: Duration,
    /// For the answer to DATA.
    pub(crate) data: Duration,
    /// For the relay to take in the text.
    pub(crate) content: Duration,
    /// For the answer to the text. Hanging up earlier is what makes duplicates.
    pub(crate) end: Duration,
}

const CONNECT: Duration = Duration::from_secs(30);
const GREETING: Duration = Duration::from_mins(5);
const COMMAND: Duration = Duration::from_mins(5);
const DATA: Duration = Duration::from_mins(2);
const CONTENT: Duration = Duration::from_mins(3);
const END: Duration = Duration::from_mins(10);

/// Sessions that an account opens when its settings do not say: polite to a town's own relay.
pub(crate) const SESSIONS: usize = 2;

/// More sessions than any relay welcomes.
const SESSIONS_MAX: u32 = 50;

/// More letters in a second than a town's relay can mean.
const RATE_MAX: u32 = 10_000;

/// Where and how letters are handed over.
pub(crate) struct Relay {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) login: Option<Login>,
    /// Extra root certificates in PEM.
    pub(crate) tls_ca: Option<Vec<u8>>,
    /// The name by which we greet.
    pub(crate) hello: String,
    /// Return path: `b+token@` this domain, or always this address.
    pub(crate) returns: Returns,
    pub(crate) patience: Patience,
}

/// User name and password.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: Secret,
}

/// Where bounces go.
pub(crate) enum Returns {
    /// To an address of its own for every letter, at this domain.
    PerLetter(String),
    /// To this address.
    Address(String),
}

/// The settings of the channel, for `kizuna init` and `kizuna check`.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::required(
        "host",
        "メールを渡すサーバー（リレー）の名前（例：smtp.example.jp）。",
        "Name of the relay.",
    ),
    Setting::optional(
        "port",
        "ポート番号。書かないとき：starttls は587、tls は465、none は25。",
        "Port; 587, 465 or 25 by security.",
    ),
    Setting::optional(
        "security",
        "暗号化。starttls（書かないとき）、tls、none のどれか。",
        "starttls (default), tls or none.",
    ),
    Setting::optional(
        "username",
        "サインインするときの利用者名。",
        "User name, where the relay asks for one.",
    ),
    Setting::secret(
        "password",
        "サインインのパスワード。",
        "Password that goes with username.",
    ),
    Setting::required("from_address", "差出人のメールアドレス。", "Address of the sender."),
    Setting::optional(
        "from_name",
        "差出人の表示名。書かないとき：お届け文の差出人名。",
        "Name of the sender; the draft's own if absent.",
    ),
    Setting::optional("reply_to", "返信先のメールアドレス。", "Address to which answers go."),
    Setting::optional(
        "envelope_domain",
        "届かなかった知らせを受けるドメイン（b+…@このドメイン）。",
        "Domain of the return paths b+token@domain.",
    ),
    Setting::optional(
        "register_address",
        "空メールで登録を受けつけるアドレス。",
        "Address to which an empty mail asks for the way to register.",
    ),
    Setting::optional(
        "message_id_domain",
        "Message-ID のドメイン。書かないとき：差出人のドメイン。",
        "Domain of Message-IDs; the sender's if absent.",
    ),
    Setting::optional(
        "dkim_domain",
        "DKIM で署名するドメイン。書かないとき：差出人のドメイン。",
        "Domain that signs; the sender's if absent.",
    ),
    Setting::optional(
        "dkim_selector",
        "RSA 鍵の DKIM セレクター。",
        "Selector of the RSA key.",
    ),
    Setting::optional(
        "dkim_selector_ed25519",
        "Ed25519 鍵の DKIM セレクター。",
        "Selector of the Ed25519 key.",
    ),
    Setting::secret(
        "dkim_key",
        "DKIM の RSA 秘密鍵（PEM、2048ビット以上）。",
        "RSA key in PEM, 2048 bits or more.",
    ),
    Setting::secret(
        "dkim_key_ed25519",
        "DKIM の Ed25519 秘密鍵（PEM、PKCS#8）。",
        "Ed25519 key in PEM, PKCS#8.",
    ),
    Setting::optional(
        "sessions",
        "同時につなぐ数。書かないとき：2。",
        "Sessions at the same time; 2 if absent.",
    ),
    Setting::optional(
        "rate_per_second",
        "1秒に渡す通数の上限。",
        "Letters per second at most.",
    ),
    Setting::optional(
        "tls_ca_file",
        "追加で信頼する認証局の証明書（PEM）のファイル。",
        "File with extra root certificates in PEM.",
    ),
    Setting::optional(
        "timeout_ms",
        "すべての待ち時間をこのミリ秒にする（試験用）。",
        "Replaces every timeout, for trials.",
    ),
];

/// Everything the settings say, or everything that is wrong with them.
pub(crate) fn read(account: &Account) -> Result<(Relay, Sender), Vec<Problem>> {
    let mut reader = Reader {
        account,
        problems: Vec::new(),
    };
    let host = reader.required("host");
    let host = reader.host(host);
    let security = reader.security();
    let port = reader.number("port", 1, u32::from(u16::MAX)).unwrap_or(match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    }) as u16;
    let from_address = reader.address("from_address", true);
    let from_domain = from_address
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .to_owned();
    let message_id_domain = reader
        .domain("message_id_domain")
        .unwrap_or_else(|| from_domain.clone());
    let returns = match reader.domain("envelope_domain") {
        Some(domain) => Returns::PerLetter(domain),
        None => Returns::Address(from_address.clone()),
    };
    reader.address("register_address", false);
    reader.number("sessions", 1, SESSIONS_MAX);
    reader.number("rate_per_second", 1, RATE_MAX);
    let sender = Sender {
        from_name: reader.line("from_name"),
        reply_to: reader.address("reply_to", false),
        message_id_domain: message_id_domain.clone(),
        https_only: true,
        signers: reader.signers(&from_domain),
        from_address,
    };
    let relay = Relay {
        login: reader.login(security, &host),
        tls_ca: reader.file("tls_ca_file"),
        patience: reader.patience(),
        hello: message_id_domain,
        host,
        port,
        security,
        returns,
    };
    if reader.problems.is_empty() {
        Ok((relay, sender))
    } else {
        Err(reader.problems)
    }
}

type ReadKey = fn(&str, &str, &str) -> Result<Signer, String>;

/// Reads setting after setting and remembers what was wrong.
struct Reader<'a> {
    account: &'a Account,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, setting: &'static str, ja: &str, en: &str) {
        self.problems.push(Problem {
            setting,
            ja: ja.to_owned(),
            en: en.to_owned(),
        });
    }

    fn get(&self, name: &str) -> Option<String> {
        self.account
            .settings
            .get(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.account
            .secrets
            .get(name)
            .filter(|secret| !secret.0.is_empty())
            .cloned()
    }

    fn required(&mut self, name: &'static str) -> String {
        let value = self.get(name);
        if value.is_none() {
            self.problem(name, "書いてください。", "is missing.");
        }
        value.unwrap_or_default()
    }

    fn line(&mut self, name: &'static str) -> String {
        let value = self.get(name).unwrap_or_default();
        if value.chars().any(char::is_control) {
            self.problem(
                name,
                "改行などの制御文字は使えません。",
                "must not contain line breaks.",
            );
        }
        value
    }

    fn host(&mut self, host: String) -> String {
        if !host.is_empty() && !address::is_domain(&host) && host.parse::<IpAddr>().is_err() {
            self.problem(
                "host",
                "サーバー名かIPアドレスを書いてください。",
                "is neither a host name nor an IP address.",
            );
        }
        host
    }

    fn domain(&mut self, name: &'static str) -> Option<String> {
        let value = self.get(name)?;
        if !address::is_domain(&value) {
            self.problem(
                name,
                "ドメイン名を半角で書いてください。例：city.example.jp",
                "is not a domain name in ASCII.",
            );
        }
        Some(value)
    }

    fn address(&mut self, name: &'static str, required: bool) -> String {
        let value = if required {
            self.required(name)
        } else {
            self.get(name).unwrap_or_default()
        };
        let address = address::wire(&value).map(Cow::into_owned);
        if address.is_none() && !value.is_empty() {
            self.problem(
                name,
                "メールアドレスを半角で書いてください。",
                "is not an e-mail address in ASCII.",
            );
        }
        address.unwrap_or_default()
    }

    fn number(&mut self, name: &'static str, min: u32, max: u32) -> Option<u32> {
        let value = self.get(name)?;
        match value.parse::<u32>() {
            Ok(number) if (min..=max).contains(&number) => Some(number),
            _ => {
                self.problem(
                    name,
                    &format!("{min}から{max}までの数を書いてください。"),
                    &format!("is not a number from {min} to {max}."),
                );
                None
            }
        }
    }

    fn security(&mut self) -> Security {
        match self.get("security").as_deref() {
            None | Some("starttls") => Security::StartTls,
            Some("tls") => Security::Tls,
            Some("none") => Security::None,
            Some(_) => {
                self.problem(
                    "security",
                    "starttls、tls、none のどれかを書いてください。",
                    "is not starttls, tls or none.",
                );
                Security::StartTls
            }
        }
    }

    fn login(&mut self, security: Security, host: &str) -> Option<Login> {
        let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let username = self.line("username");
        match (username.is_empty(), self.secret("password")) {
            (true, None) => None,
            (false, None) => {
                self.problem(
                    "password",
                    "username を書いたときは、パスワードも必要です。",
                    "is missing while username is set.",
                );
                None
            }
            (true, Some(_)) => {
                self.problem(
                    "username",
                    "パスワードがあるときは、利用者名も必要です。",
                    "is missing while password is set.",
                );
                None
            }
            (false, Some(_)) if security == Security::None && !is_local => {
                self.problem(
                    "security",
                    "パスワードを暗号化せずに送ることはできません。starttls か tls にしてください。",
                    "would send the password in the clear; use starttls or tls.",
                );
                None
            }
            (false, Some(password)) => Some(Login { username, password }),
        }
    }

    fn file(&mut self, name: &'static str) -> Option<Vec<u8>> {
        let path = self.get(name)?;
        match std::fs::read(&path) {
            Ok(content) => Some(content),
            Err(why) => {
                self.problem(
                    name,
                    &format!("ファイルを読めません（{why}）。"),
                    &format!("cannot be read ({why})."),
                );
                None
            }
        }
    }

    fn signers(&mut self, from_domain: &str) -> Vec<Signer> {
        let domain = self.domain("dkim_domain").unwrap_or_else(|| from_domain.to_owned());
        let mut signers = Vec::new();
        let mut read =
            |key_name, selector_name, read: ReadKey| match (self.secret(key_name), self.domain(selector_name)) {
                (None, None) => {}
                (None, Some(_)) => {
                    self.problem(
                        key_name,
                        "セレクターがあるときは、鍵も必要です。",
                        "is missing while its selector is set.",
                    );
                }
                (Some(_), None) => {
                    self.problem(
                        selector_name,
                        "鍵があるときは、セレクターも必要です。",
                        "is missing while its key is set.",
                    );
                }
                (Some(key), Some(selector)) => match read(&domain, &selector, &key.0) {
                    Ok(signer) => signers.push(signer),
                    Err(why) => {
                        self.problem(
                            key_name,
                            &format!("鍵を読めません（{why}）。"),
                            &format!("cannot be read: {why}."),
                        );
                    }
                },
            };
        read("dkim_key_ed25519", "dkim_selector_ed25519", Signer::ed25519);
        read("dkim_key", "dkim_selector", Signer::rsa);
        signers
    }

    fn patience(&mut self) -> Patience {
        match self.number("timeout_ms", 1, 3_600_000) {
            Some(ms) => {
                let all = Duration::from_millis(u64::from(ms));
                Patience {
                    connect: all,
                    greeting: all,
                    command: all,
                    data: all,
                    content: all,
                    end: all,
                }
            }
            None => Patience {
                connect: CONNECT,
                greeting: GREETING,
                command: COMMAND,
                data: DATA,
                content: CONTENT,
                end: END,
            },
        }
    }
}
