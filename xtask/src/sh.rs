//! Runs other programs and finds them. Knows nothing of what they are for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a chore could not be done, as a sentence for the person who asked for it.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A fault from anything that can be said.
pub(crate) fn fault(message: impl Into<String>) -> Fault {
    Fault(message.into())
}

/// The folder of the workspace, wherever the command was typed.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// A variable of the environment that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "chores have no configuration file: the environment is it"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The cargo that runs us, in the workspace, so that every step uses one toolchain.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.args(args).current_dir(root());
    // What cargo told us about our own package would make some dependencies believe that they changed.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told == "CARGO"
            || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
                .iter()
                .any(|prefix| told.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a program to its end, its output going to the person, and says which one failed.
pub(crate) fn run(command: &mut Command) -> Result<(), Fault> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(fault(format!("{} failed ({status})", shown(command))))
    }
}

/// Runs a program whose output only matters when it fails; returns what it printed.
pub(crate) fn quiet(command: &mut Command) -> Result<String, Fault> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let complained = String::from_utf8_lossy(&output.stderr);
    Err(fault(format!(
        "{} failed ({})\n{printed}{complained}",
        shown(command),
        output.status
    )))
}

/// Whether a program starts and ends well, whatever it prints.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    quiet(command).is_ok()
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Fault {
    fault(format!(
        "cannot start {}: {error}",
        command.get_program().to_string_lossy()
    ))
}

/// The program and the beginning of its first arguments: enough to know which step it was.
fn shown(command: &Command) -> String {
    /// `cargo clippy --workspace` and the like.
    const WORDS_MAX: usize = 3;
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args()).take(WORDS_MAX);
    words
        .map(|word| word.to_string_lossy())
        .filter(|word| !word.contains('\n'))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A program on the PATH or, because an ordinary account's PATH lacks them, in the folders for administrators.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .map(|folder| folder.join(program))
        .find(|at| at.is_file())
}

/// The id of the account that runs us; asked of `id` because the standard library does not tell.
pub(crate) fn is_root() -> bool {
    quiet(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// A folder that is gone when its guard is.
pub(crate) fn temp_folder(purpose: &str) -> Result<tempfile::TempDir, Fault> {
    tempfile::Builder::new()
        .prefix(&format!("kizuna-{purpose}-"))
        .tempdir()
        .map_err(|error| fault(error.to_string()))
}
