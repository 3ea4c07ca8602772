//! `cargo xtask test`: everything a fresh machine needs for the tests, then the tests.
//!
//! Installs what is missing and nothing that is there; starts no service of the system.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::pg::{self, Server};
use crate::sh::{Fault, cargo, fault, find, is_root, quiet, root, run as execute, succeeds, variable};

/// A thing the tests use, how to tell that it is there, and the package of Debian and Ubuntu that brings it.
struct Need {
    what: &'static str,
    is_there: fn() -> bool,
    package: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        what: "PostgreSQL's server",
        is_there: || pg::programs().is_some(),
        package: "postgresql",
    },
    Need {
        what: "smtp-sink and smtp-source of Postfix",
        is_there: || find("smtp-sink").is_some() && find("smtp-source").is_some(),
        package: "postfix",
    },
    Need {
        what: "Chromium",
        is_there: || {
            ["chromium", "chromium-browser", "google-chrome"]
                .iter()
                .any(|name| find(name).is_some())
        },
        package: "chromium",
    },
    Need {
        what: "a Japanese font",
        is_there: || quiet(Command::new("fc-list").arg(":lang=ja")).is_ok_and(|fonts| !fonts.is_empty()),
        package: "fonts-noto-cjk",
    },
    Need {
        what: "Python with venv",
        is_there: || python().is_some(),
        package: "python3-venv",
    },
    Need {
        what: "openssl",
        is_there: || find("openssl").is_some(),
        package: "openssl",
    },
];

/// Independent readers of the mail we write and of the signatures we make, and LINE's own client.
const PYTHON_PACKAGES: [(&str, &str); 4] = [
    ("aiosmtpd", "1.4.6"),
    ("dkimpy", "1.1.8"),
    ("pynacl", "1.6.2"),
    ("line-bot-sdk", "3.27.0"),
];

/// Installs packages without questions and without starting what they bring.
///
/// `policy-rc.d` is how Debian is told to start no service; one that is already there stays as it is.
const INSTALL: &str = r"
set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
if command -v debconf-set-selections >/dev/null; then
  echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
fi
apt-get update -qq
apt-get install -qq -y --no-install-recommends $*
";

/// With arguments runs only what they select (`cargo xtask test -p kizuna-store claim`); without, everything.
pub(crate) fn run(args: &[String]) -> Result<(), Fault> {
    install_missing()?;
    let python = python_with_packages()?;
    // A server of the developer's own serves as well; ours is stopped when this value goes.
    let server = if variable("KIZUNA_TEST_PG").is_none() {
        Some(Server::start()?)
    } else {
        None
    };
    let url = server
        .as_ref()
        .map(|server| server.url.clone())
        .or_else(|| variable("KIZUNA_TEST_PG"))
        .unwrap_or_default();
    let prepared =
        |command: &mut Command| execute(command.env("KIZUNA_TEST_PG", &url).env("KIZUNA_TEST_PYTHON", &python));
    let has_nextest = succeeds(&mut cargo(&["nextest", "--version"]));
    let mut tests = if has_nextest {
        cargo(&["nextest", "run"])
    } else {
        cargo(&["test"])
    };
    if variable("CI").is_some() {
        // The same commit gets the same answer; on a developer's machine every run tries new cases.
        tests.env("PROPTEST_RNG_SEED", "20261122");
        if has_nextest {
            tests.args(["--profile", "ci"]);
        }
    }
    if !args.is_empty() {
        let tested = prepared(tests.args(args));
        say_where_the_pictures_are(args);
        return tested;
    }
    let tested = prepared(tests.arg("--workspace"));
    say_where_the_pictures_are(args);
    tested?;
    prepared(&mut cargo(&["test", "--workspace", "--doc"]))
}

/// Names the page with pictures of families' journeys, also when a journey failed: then one looks first of all.
fn say_where_the_pictures_are(args: &[String]) {
    let built = variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder));
    let page = built.join("journeys/index.html");
    let journeys_ran = args.is_empty() || args.iter().any(|word| word == "kizuna-journeys");
    if journeys_ran && page.is_file() {
        println!("pictures of the journeys: {}", page.display());
    }
}

fn install_missing() -> Result<(), Fault> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if find("apt-get").is_none() {
        let things: Vec<&str> = missing.iter().map(|need| need.what).collect();
        return Err(fault(format!(
            "the tests need {}, and this machine has no apt-get: install them your system's way and repeat",
            things.join(", ")
        )));
    }
    let mut command = if is_root() {
        Command::new("sh")
    } else if succeeds(Command::new("sudo").args(["-n", "true"])) {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    } else {
        let packages = packages.join(" ");
        return Err(fault(format!(
            "run this once, then repeat: sudo apt-get install --no-install-recommends {packages}"
        )));
    };
    for need in &missing {
        println!("installing {} (package {})", need.what, need.package);
    }
    quiet(command.args(["-c", INSTALL, "install"]).args(&packages))?;
    match missing.iter().find(|need| !(need.is_there)()) {
        None => Ok(()),
        Some(need) => Err(fault(format!(
            "the package {} was installed and brought no {}",
            need.package, need.what
        ))),
    }
}

/// A Python that can make a virtual environment; the system's own comes second, as a developer's comes first on the PATH.
fn python() -> Option<PathBuf> {
    let able = |python: &Path| succeeds(Command::new(python).args(["-c", "import ensurepip, venv"]));
    find("python3")
        .into_iter()
        .chain([PathBuf::from("/usr/bin/python3")])
        .find(|python| able(python))
}

/// The Python that tests call: the one named by `KIZUNA_TEST_PYTHON`, else one of the workspace's own.
///
/// Where tests look is `KIZUNA_TEST_PYTHON`, else `target/py-venv/bin/python` below the workspace; both are this one.
fn python_with_packages() -> Result<PathBuf, Fault> {
    let wanted = |python: &Path| {
        let names = PYTHON_PACKAGES
            .map(|(name, _)| format!("m.version('{name}')"))
            .join(", ");
        let versions = PYTHON_PACKAGES.map(|(_, version)| version).join(" ");
        let script = format!("import importlib.metadata as m; print({names})");
        quiet(Command::new(python).args(["-c", &script])).is_ok_and(|printed| printed.trim() == versions)
    };
    if let Some(given) = variable("KIZUNA_TEST_PYTHON").map(PathBuf::from) {
        let packages = PYTHON_PACKAGES
            .map(|(name, version)| format!("{name} {version}"))
            .join(", ");
        return if wanted(&given) {
            Ok(given)
        } else {
            Err(fault(format!("KIZUNA_TEST_PYTHON lacks {packages}")))
        };
    }
    let folder = root().join("target/py-venv");
    let inside = folder.join("bin/python");
    if wanted(&inside) {
        return Ok(inside);
    }
    let packages = PYTHON_PACKAGES.map(|(name, version)| format!("{name}=={version}"));
    println!("installing {} into target/py-venv", packages.join(" "));
    let python = python().ok_or_else(|| fault("no python3 that can make a virtual environment"))?;
    quiet(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    quiet(
        Command::new(&inside)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(packages),
    )?;
    Ok(inside)
}
