//! `kizuna.toml`: read once, every key known, unknown keys refused with the line they stand on.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kizuna_channels::CHANNELS;
use kizuna_domain::content::picture::Picture;
use kizuna_domain::tenant::{LOGO_BYTES_MAX, Settings};
use kizuna_engine::Pace;
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::env::LEASE;
use serde::Deserialize;

/// The configuration as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    database: Database,
    key: Key,
    #[serde(default)]
    run: Run,
    #[serde(default)]
    web: Web,
    mail: Option<Mail>,
    #[serde(default)]
    tenant: Vec<toml::Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Database {
    location: String,
    #[serde(default = "witness")]
    witness: PathBuf,
}

fn witness() -> PathBuf {
    PathBuf::from("kizuna.witness")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    lease_seconds: u64,
}

impl Default for Run {
    fn default() -> Run {
        Run {
            lease_seconds: LEASE.as_secs(),
        }
    }
}

/// Longest lease: a batch of a dead worker must come back on the same morning.
const LEASE_SECONDS_MAX: u64 = 600;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mail {
    maildir: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Web {
    #[serde(default = "listen")]
    listen: SocketAddr,
    #[serde(default = "proxies")]
    proxies: Vec<IpAddr>,
}

fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

/// A proxy on this machine.
fn proxies() -> Vec<IpAddr> {
    vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16])]
}

impl Default for Web {
    fn default() -> Web {
        Web {
            listen: listen(),
            proxies: proxies(),
        }
    }
}

/// A tenant as the configuration names it.
#[derive(Debug, Clone)]
pub(crate) struct TenantConfig {
    /// Code that people use.
    pub code: String,
    /// Name for staff.
    pub name: String,
    /// Its settings.
    pub settings: Settings,
    /// The picture that its settings name as its logo.
    pub logo: Option<Picture>,
    /// Its accounts on channels.
    pub accounts: Vec<NewAccount>,
}

/// The configuration, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// `sqlite:FILE` or `postgres://…`.
    pub location: String,
    /// The witness file.
    pub witness: PathBuf,
    /// The key file.
    pub key_file: PathBuf,
    /// How the engine paces itself.
    pub pace: Pace,
    /// Where pages are served.
    pub listen: SocketAddr,
    /// The Maildir into which the mail server puts mail for us, if any.
    pub maildir: Option<PathBuf>,
    /// Proxies whose word about a client's address is taken.
    pub proxies: Vec<IpAddr>,
    /// The tenants.
    pub tenants: Vec<TenantConfig>,
}

/// A configuration that cannot be used, in the words of the file's reader.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// There is none.
    #[error("{0} is missing; `kizuna init` writes one")]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says something that is not understood.
    #[error("{path}: {reason}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What and where.
        reason: String,
    },
}

impl ConfigError {
    /// The same in Japanese.
    pub(crate) fn ja(&self) -> String {
        match self {
            ConfigError::Missing(path) => format!(
                "{} がありません。はじめてのときは kizuna init で作れます。ためすだけなら kizuna demo をどうぞ。",
                path.display()
            ),
            ConfigError::Unreadable { path, source } => format!("{} を読めません（{source}）。", path.display()),
            ConfigError::Wrong { path, reason } => {
                format!("{} に、わからないところがあります。\n{reason}", path.display())
            }
        }
    }
}

/// Reads the configuration; `KIZUNA_DATABASE`, `KIZUNA_KEY_FILE` and `KIZUNA_LISTEN` override the file.
///
/// Relative paths are relative to the file.
pub(crate) fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let text = read_to_string(path)?;
    let wrong = |reason: String| ConfigError::Wrong {
        path: path.to_owned(),
        reason,
    };
    let written: Written = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let home = path.parent().unwrap_or(Path::new(""));
    let location = env("KIZUNA_DATABASE").unwrap_or(written.database.location);
    let location = match location.strip_prefix("sqlite:") {
        Some(file) => format!("sqlite:{}", home.join(file).display()),
        None => location,
    };
    let key_file = env("KIZUNA_KEY_FILE").map_or(written.key.file, PathBuf::from);
    let listen = match env("KIZUNA_LISTEN") {
        Some(text) => text
            .parse()
            .map_err(|_| wrong(format!("KIZUNA_LISTEN '{text}' is not like 127.0.0.1:8080")))?,
        None => written.web.listen,
    };
    let lease = match written.run.lease_seconds {
        seconds @ 1..=LEASE_SECONDS_MAX => Duration::from_secs(seconds),
        seconds => {
            return Err(wrong(format!(
                "[run] lease_seconds is {seconds}; use 1 to {LEASE_SECONDS_MAX}"
            )));
        }
    };
    let tenants = written.tenant.into_iter().enumerate().map(|(number, table)| {
        let at = |key: &str, reason: String| match line_of(&text, number, key) {
            Some(line) => wrong(format!("line {line}: {reason}")),
            None => wrong(reason),
        };
        tenant(table, home, &wrong, &at)
    });
    let tenants = tenants.collect::<Result<Vec<_>, _>>()?;
    Ok(Config {
        location,
        witness: home.join(written.database.witness),
        key_file: home.join(key_file),
        pace: Pace {
            lease,
            ..Pace::default()
        },
        listen,
        maildir: written.mail.map(|mail| home.join(mail.maildir)),
        proxies: written.web.proxies,
        tenants,
    })
}

/// The line on which a key of the nth `[[tenant]]` stands, counted from 1.
fn line_of(text: &str, tenant: usize, key: &str) -> Option<usize> {
    let heads = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with("[[tenant]]"));
    let (head, _) = heads.into_iter().nth(tenant)?;
    let is_key = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines()
        .enumerate()
        .skip(head)
        .find(|(_, line)| is_key(line))
        .map(|(number, _)| number + 1)
}

/// The word that a message of the TOML reader puts in the first pair of backquotes.
fn quoted(message: &str) -> &str {
    message.split('`').nth(1).unwrap_or_default()
}

fn read_to_string(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing(path.to_owned()),
        _ => ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        },
    })
}

/// One `[[tenant]]`: its code and name, its channels as tables of their own, and the rest as settings.
fn tenant(
    mut table: toml::Table,
    home: &Path,
    wrong: &dyn Fn(String) -> ConfigError,
    at: &dyn Fn(&str, String) -> ConfigError,
) -> Result<TenantConfig, ConfigError> {
    let mut word = |name: &str| match table.remove(name) {
        Some(toml::Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(wrong(format!("a [[tenant]] needs {name} = \"…\""))),
    };
    let (code, name) = (word("code")?, word("name")?);
    if !kizuna_domain::content::pack::is_code(&code) {
        return Err(wrong(format!(
            "tenant code '{code}' must be lower-case letters, digits and '-'"
        )));
    }
    if kizuna_web::routes::first_words().contains(&code.as_str()) {
        return Err(wrong(format!(
            "tenant code '{code}' begins an address of the program itself; choose another"
        )));
    }
    let mut accounts = Vec::new();
    for channel in CHANNELS {
        if let Some(value) = table.remove(channel.kind().0) {
            let toml::Value::Table(table) = value else {
                return Err(wrong(format!("[tenant.{}] must be a table", channel.kind().0)));
            };
            accounts.push(account(*channel, table, home, at)?);
        }
    }
    let logo = logo(&mut table, home, at)?;
    let settings = table.try_into().map_err(|error: toml::de::Error| {
        at(quoted(error.message()), format!("tenant '{code}': {}", error.message()))
    })?;
    Ok(TenantConfig {
        code,
        name,
        settings,
        logo,
        accounts,
    })
}

/// The picture whose file `[tenant.look]` names; the file's name gives way to the picture's.
fn logo(
    table: &mut toml::Table,
    home: &Path,
    at: &dyn Fn(&str, String) -> ConfigError,
) -> Result<Option<Picture>, ConfigError> {
    let written = table
        .get_mut("look")
        .and_then(|look| look.as_table_mut())
        .and_then(|look| look.get_mut("logo"));
    let Some(toml::Value::String(name)) = written else {
        return Ok(None);
    };
    let path = home.join(&*name);
    let bytes = std::fs::read(&path).map_err(|source| ConfigError::Unreadable { path, source })?;
    let picture = if bytes.len() > LOGO_BYTES_MAX {
        let most = format!("at most {} KB, because every page carries it", LOGO_BYTES_MAX / 1000);
        Err(format!("{name} is {} KB; make it {most}", bytes.len().div_ceil(1000)))
    } else {
        Picture::new(bytes).map_err(|problem| format!("{name}: {problem}"))
    };
    let picture = picture.map_err(|reason| at("logo", format!("[tenant.look] logo: {reason}")))?;
    *name = picture.name().to_string();
    Ok(Some(picture))
}

fn account(
    channel: &'static dyn kizuna_channels::Channel,
    table: toml::Table,
    home: &Path,
    at: &dyn Fn(&str, String) -> ConfigError,
) -> Result<NewAccount, ConfigError> {
    let kind = channel.kind().0;
    let mut account = NewAccount {
        channel: kind.to_owned(),
        settings: BTreeMap::new(),
        secrets: BTreeMap::new(),
    };
    for (name, value) in table {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(yes) => yes.to_string(),
            toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                return Err(at(&name, format!("[tenant.{kind}] {name} must be a text or a number")));
            }
        };
        let setting = |name: &str| channel.settings().iter().find(|setting| setting.name == name);
        match (setting(&name), name.strip_suffix("_file").and_then(setting)) {
            (Some(setting), _) if setting.secret => {
                account.secrets.insert(name, text);
            }
            (Some(_), _) if matches!(name.as_str(), "folder" | "tls_ca_file") => {
                account.settings.insert(name, home.join(text).display().to_string());
            }
            (Some(_), _) => {
                account.settings.insert(name, text);
            }
            (None, Some(setting)) if setting.secret => {
                let words = read_to_string(&home.join(text))?;
                account
                    .secrets
                    .insert(setting.name.to_owned(), words.trim_end_matches('\n').to_owned());
            }
            (None, _) => {
                let known: Vec<&str> = channel.settings().iter().map(|setting| setting.name).collect();
                return Err(at(
                    &name,
                    format!("[tenant.{kind}] {name} is not known; known are {}", known.join(", ")),
                ));
            }
        }
    }
    Ok(account)
}

/// The commented configuration that `kizuna init` writes.
pub(crate) fn template() -> String {
    let mut channels = String::new();
    for channel in CHANNELS {
        let kind = channel.kind().0;
        channels.extend(["\n# [tenant.", kind, "]    # ", channel.capability().name, "\n"]);
        for setting in channel.settings() {
            let must = if setting.required { "（必須）" } else { "" };
            let file = if setting.secret {
                format!(" {}_file = \"ファイル名\" とも書けます。", setting.name)
            } else {
                String::new()
            };
            channels.extend(["# ", setting.name, " = \"\"    # ", must, setting.ja, &file, "\n"]);
        }
    }
    format!("{HEAD}{channels}")
}

const HEAD: &str = r#"# Kizuna の設定。# の行は説明です。書きかえたら kizuna check で確かめ、kizuna migrate で反映します。
# 知らない項目があると、動かずに知らせます。

[database]
# 一台で使うなら sqlite:ファイル名。PostgreSQL なら postgres://利用者@ホスト/データベース名。
# 環境変数 KIZUNA_DATABASE があれば、そちらを使います。
location = "sqlite:kizuna.db"
# どこまで送ったかを、データベースの外で覚えるファイル。バックアップから戻したとき、二重に送るのを防ぎます。
# データベースのバックアップには、入れないでください。
witness = "kizuna.witness"

[key]
# 宛先や暗証を暗号にする鍵。なくすと、宛先は二度と読めません。データベースとは別の場所にも控えてください。
file = "kizuna.key"

[run]
# 配信の作業が、この秒数のあいだ動いた様子がなければ、倒れたとみて、ほかの作業が続きを引きつぎます。
lease_seconds = 10

[web]
# 画面をひらく場所。インターネットには、TLS のプロキシを通して出してください。
listen = "127.0.0.1:8080"
# プロキシのアドレス。ここからの X-Forwarded-For だけを信じます（サインインのまちがいを、人ごとに数えるため）。
proxies = ["127.0.0.1", "::1"]

# 空メールでの登録と、届かなかった知らせを受けるとき：メールサーバーが置く Maildir（docs/mail.md）
# [mail]
# maildir = "/var/mail/kizuna"

# ---- 自治体 -------------------------------------------------------------------------------------
# 自治体の数だけ [[tenant]] を書きます。はじめは練習用（practice）で、見本の原稿を動かせます。
[[tenant]]
code = "renshu"                  # 英小文字・数字。全国地方公共団体コードでもかまいません
name = "練習市"
kind = "practice"                # municipality 自治体 / company 団体 / practice 練習（監修前の原稿に【見本】をつけて送れる）
sender_name = "練習市 子育てだより"  # 読む人に見える差出人
time_zone = "Asia/Tokyo"
send_from = "08:00"              # この時刻から送ります
send_until = "20:00"             # この時刻からは、あしたまで送りません
catch_up_days = 3                # 止まっていた日を、何日前までさかのぼって補うか（原稿ごとの useful_days の範囲で）
listed = false                   # ほかの市町村からひっこす人に、うつる先として名前を出すか
base_url = ""                    # 読者のページの住所。例：https://kosodate.example.lg.jp （空なら、停止のリンクをつけません）

[tenant.look]                    # 家族が見るページの見た目（docs/how-to/look.md）
theme = "midori"                 # midori 緑 / ai 藍 / sumire すみれ / akane あかね / kaki 柿 / matsu 松
# logo = "logo.png"              # 市章など。PNG か JPEG、20 KB まで。この設定ファイルから見た場所

[tenant.customs]
leap_birthday = "february28"     # 2月29日生まれの誕生日： february28 / march1
day_count = "from-zero"          # 生後の数え方： from-zero 生まれた日が0日 / from-one 生まれた日が1日目

[tenant.choices]                 # 読む人が、自分のページで決められること
hours = []                       # えらべる届く時間。例：[8, 12, 19] （空なら、send_from に送ります）
ways = true                      # 届き方（LINE・メール・ページ）を、自分で変えられるか

[tenant.retention]
after_stop_days = 90             # 止めた人の記録を、けすまでの日数
after_end_days = 1095            # 最後の日を迎えた人の記録を、けすまでの日数（それまで、これまでのことばを読めます）
awaiting_days = 180              # 42週0日から、うまれた知らせがないまま終わりにするまでの日数（30以上）

[tenant.asks]                    # 登録のページで、日付のほかにたずねること。くわしくは docs/registration.md
relation = true                  # あなたは（続柄）
nickname = false                 # お子さんの呼び名
consent = false                  # true なら、同意のしるしをつけてもらいます

[[tenant.adopt]]                 # 送るシリーズ。一つに一つ
track = "starter"
slots = "all"                    # all 原稿のある日すべて / base 基本の日どり / "4w0d..41w6d d0..d100 m12 last" のように
end = "birthday:3"               # birthday:3 / before-birthday:3 / school:0（年長の3月末） / age:18
join = "digest"                  # 途中からの人に： digest まとめを一度 / from-today きょうから / latest 直前の一つ

[tenant.outbox]                  # ためしに、ファイルとして置きます
folder = "outbox"

# ---- 配信手段の項目 -----------------------------------------------------------------------------
"#;
