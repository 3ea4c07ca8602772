//! The commands, and what they share: opening the installation, choosing the tenant, failing in two languages.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod content;
pub(crate) mod double;
pub(crate) mod line;
pub(crate) mod look;
pub(crate) mod send;
pub(crate) mod setup;
pub(crate) mod staff;
pub(crate) mod transfer;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kizuna_domain::day::Day;
use kizuna_engine::{EngineError, Env, run};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Keyring, StoreError, migrate, tenants};

use crate::config::{self, Config, ConfigError};
use crate::shell;
use crate::tongue::Tongue;

/// What was typed besides the command.
#[derive(Debug)]
pub(crate) struct Session {
    /// The configuration file.
    pub config: PathBuf,
    /// True where a machine reads the output.
    pub json: bool,
    /// The language of messages.
    pub tongue: Tongue,
}

/// How a command ended when nothing surprising happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All done: exit code 0.
    Done,
    /// Something needs a person (failed, in doubt, held, rejected, a check that found faults): exit code 2.
    Trouble,
    /// Messages wait for their next attempt; run again later: exit code 3.
    Unfinished,
}

/// Why a command could not do its work: exit code 1.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened and what to do, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// The chain of causes.
    pub causes: Vec<String>,
}

impl Failure {
    /// A failure with its sentence in both languages.
    pub(crate) fn new(ja: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure {
            ja: ja.into(),
            en: en.into(),
            causes: Vec::new(),
        }
    }

    fn because(mut self, error: &dyn std::error::Error) -> Failure {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.causes.push(error.to_string());
            cause = error.source();
        }
        self
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::new(error.ja(), error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let ja = match &error {
            StoreError::Schema(_) => "データベースの用意がまだか、版がちがいます。kizuna migrate を動かしてください。",
            StoreError::Location => "データベースの場所は sqlite:ファイル名 か postgres://… で書いてください。",
            StoreError::Sealed { .. } => "暗号を開けません。鍵ファイルが、このデータベースのものか確かめてください。",
            StoreError::Pg { .. } => "PostgreSQL につながらないか、断られました。",
            StoreError::Lite { .. } => "SQLite のファイルを使えません。場所と権限、空き容量を確かめてください。",
            StoreError::Conflict { .. } => "ほかの作業と重なりました。もう一度動かしてください。",
            StoreError::Corrupt { .. } => "データベースの中身が読めません。バックアップから戻すことを考えてください。",
            StoreError::Refused { .. } => "このデータベースでは、できない操作です。",
        };
        Failure::new(ja, "The database could not be used.").because(&error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        let ja = match &error {
            EngineError::Store(_) => {
                let EngineError::Store(inner) = error else {
                    unreachable!("matched above")
                };
                return inner.into();
            }
            EngineError::NoTenant(code) => format!(
                "自治体のコード「{code}」は、ありません。kizuna.toml に書いて kizuna migrate を動かしてください。"
            ),
            EngineError::NoSubscription(id) => {
                format!("この自治体に、登録「{id}」はありません。番号は sub_ で始まります。")
            }
            EngineError::NoAccount(channel) => format!("配信手段「{channel}」の設定がありません。"),
            EngineError::NoTrack(code) => format!("シリーズ「{code}」がありません。"),
            EngineError::NoChannel(channel) => format!("配信手段「{channel}」は、このプログラムにありません。"),
            EngineError::Fenced(_) => {
                "安全のため、送信を止めています。復元や引っこしをしたデータベースかもしれません。\n\
                ほかで動いていないことを確かめてから、kizuna claim を動かしてください。きょうの分は見合わせます。"
                    .to_owned()
            }
            EngineError::Pack(problems) => format!(
                "原稿に {} 件の直すところがあります。何も取りこんでいません。",
                problems.len()
            ),
            EngineError::Staff(problem) => problem.ja(),
            EngineError::Line(_) => kizuna_engine::line_check::trouble(&error),
            EngineError::Settings(_)
            | EngineError::Witness { .. }
            | EngineError::Random(_)
            | EngineError::Credentials(_)
            | EngineError::Rule(_) => "できませんでした。".to_owned(),
        };
        Failure::new(ja, error.to_string()).because(&error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::new(
            format!("ファイルを読み書きできません（{error}）。"),
            format!("a file cannot be used: {error}"),
        )
    }
}

/// Prints a line; a reader that went away (`| head`) is no failure.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

impl Session {
    /// Prints a sentence in the language of the session, unless a machine reads.
    pub(crate) fn say(&self, ja: &str, en: &str) {
        if !self.json {
            print(self.tongue.pick(ja, en));
        }
    }

    /// Reads the configuration.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        Ok(config::load(&self.config, &crate::environment)?)
    }

    /// Opens the installation, ready for use.
    pub(crate) fn open(&self) -> Result<(Config, Arc<Env>), Failure> {
        let config = self.load()?;
        let env = open_any(&config)?;
        migrate::verify(&env.db)?;
        Ok((config, env))
    }
}

/// Prints a document for a machine.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    print(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Opens the installation without asking whether its schema is current.
pub(crate) fn open_any(config: &Config) -> Result<Arc<Env>, Failure> {
    let keys = read_key(&config.key_file)?;
    Ok(shell::env(&config.location, keys, &config.witness, config.pace)?)
}

/// The tenant that was named, or the only one there is.
pub(crate) fn find_tenant(env: &Env, code: Option<&str>) -> Result<Tenant, Failure> {
    let mut all = env.db.read(tenants::all)?;
    match code {
        Some(code) => match all.iter().position(|tenant| tenant.code == code) {
            Some(place) => Ok(all.swap_remove(place)),
            None => Err(EngineError::NoTenant(code.to_owned()).into()),
        },
        None if all.len() == 1 => Ok(all.swap_remove(0)),
        None => {
            let codes: Vec<&str> = all.iter().map(|tenant| tenant.code.as_str()).collect();
            let codes = codes.join(", ");
            Err(Failure::new(
                format!("どの自治体ですか。--tenant でえらんでください（{codes}）。"),
                format!("which tenant? choose one with --tenant ({codes})"),
            ))
        }
    }
}

/// The day that was named, or the tenant's today.
pub(crate) fn day_of(env: &Env, tenant: &Tenant, day: Option<Day>) -> Result<Day, Failure> {
    match day {
        Some(day) => Ok(day),
        None => Ok(run::today(env, tenant)?),
    }
}

/// Reads the installation's key.
pub(crate) fn read_key(path: &Path) -> Result<Keyring, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            format!(
                "鍵ファイル {} を読めません（{error}）。はじめてなら kizuna init で作れます。",
                path.display()
            ),
            format!(
                "the key file {} cannot be read ({error}); `kizuna init` makes one",
                path.display()
            ),
        )
    })?;
    Keyring::parse(&text).map_err(|error| {
        Failure::new(
            format!("鍵ファイル {} の中身が、鍵ではありません。", path.display()),
            format!("{}: {error}", path.display()),
        )
    })
}
