//! A folder with an installation, and the command run inside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::tz::TimeZone;
use kizuna_domain::day::Day;
use serde_json::Value;

/// The command under test.
pub(crate) const KIZUNA: &str = env!("CARGO_BIN_EXE_kizuna");

/// Today in Japan, which is what the command goes by.
#[expect(
    clippy::disallowed_methods,
    reason = "the command under test asks the machine's clock"
)]
pub(crate) fn today() -> Day {
    Day::of(jiff::Timestamp::now(), &TimeZone::get("Asia/Tokyo").unwrap())
}

/// A folder of this repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// What a command answered.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    fn of(output: Output) -> Answer {
        Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The document it printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    pub(crate) fn expect(self, code: i32) -> Answer {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

/// A folder that lives as long as this value.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder.
    pub(crate) fn empty() -> Place {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// An installation of one practice town with the sample content, ready for readers.
    pub(crate) fn installed(channel: &str) -> Place {
        let place = Place::configured(channel);
        place.kizuna(&["migrate"]).expect(0);
        let (starter, town) = (repository("content/starter-ja"), repository("content/sample-town-ja"));
        place
            .kizuna(&["import", "content", starter.to_str().unwrap()])
            .expect(0);
        place.kizuna(&["import", "content", town.to_str().unwrap()]).expect(0);
        place
    }

    /// The same, not migrated yet. `channel` is the table of its channel.
    pub(crate) fn configured(channel: &str) -> Place {
        let place = Place::empty();
        place.kizuna(&["init"]).expect(0);
        place.write(
            "kizuna.toml",
            &format!(
                r#"[database]
location = "sqlite:kizuna.db"
[key]
file = "kizuna.key"
[run]
lease_seconds = 1
[[tenant]]
code = "renshu"
name = "練習市"
kind = "practice"
sender_name = "練習市 子育てだより"
base_url = "https://kosodate.example"
[[tenant.adopt]]
track = "starter"
[[tenant.adopt]]
track = "hidamari"
{channel}
"#
            ),
        );
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The command in this folder, in a bare environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    pub(crate) fn kizuna(&self, arguments: &[&str]) -> Answer {
        self.kizuna_with(&[], arguments)
    }

    /// The same with variables.
    pub(crate) fn kizuna_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Answer {
        let mut command = self.command(KIZUNA);
        command.envs(variables.iter().copied()).args(arguments);
        Answer::of(command.output().unwrap())
    }

    /// Imports families born on the days before today, one on each; gives their addresses.
    pub(crate) fn import_families(&self, count: usize, channel: &str) -> Vec<String> {
        let today = today();
        let mut list = String::from("channel,address,birth_on\n");
        let mut addresses = Vec::new();
        for number in 0..count {
            let address = match channel {
                "line" => format!("U{number:032x}"),
                _ => format!("kazoku{number:04}@reader.example"),
            };
            let birth = today - i32::try_from(number % 31).unwrap();
            list.extend([channel, ",", &address, ",", &birth.to_string(), "\n"]);
            addresses.push(address);
        }
        self.write("families.csv", &list);
        self.kizuna(&["import", "subscribers", "families.csv"]).expect(0);
        addresses
    }

    /// A copy of this folder's files, as a restore makes it.
    pub(crate) fn copy(&self) -> Place {
        let copy = Place::empty();
        for file in std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), copy.path(file.file_name().to_str().unwrap())).unwrap();
            }
        }
        copy
    }
}

/// Letters as files in a folder.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return vec![];
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}
