//! A throw-away PostgreSQL server for one run of the tests.
//!
//! It listens on the loopback address alone, behind a password made for this run, and ends with us however we end:
//! a shell watches the pipe that we hold open, and stops the server and removes its files when the pipe closes.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::sh::{Fault, fault, find, is_root};

/// The account that PostgreSQL's own package makes, else one that every system has.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Makes a server in a new folder, says `ready`, waits for the end of the input and takes everything away again.
///
/// Nothing is flushed to the disk: a test never needs its rows after a power cut.
const SCRIPT: &str = r#"
set -eu
bin=$1 port=$2
read -r password
export LC_ALL=C
dir=$(mktemp -d "${TMPDIR:-/tmp}/kizuna-pg.XXXXXX" 2>/dev/null || mktemp -d /tmp/kizuna-pg.XXXXXX)
cd "$dir"
server=
stop() { if [ -n "$server" ]; then kill -QUIT "$server" && wait "$server"; fi 2>/dev/null || true; cd /; rm -rf "$dir"; }
trap stop EXIT
trap 'exit 1' HUP INT TERM
# Said into a closed pipe, the word below must end in the line above and not in sudden death.
trap '' PIPE
printf '%s\n' "$password" > password
"$bin/initdb" -D data -U kizuna --pwfile=password --auth-host=password --auth-local=peer -E UTF8 --locale=C --no-sync > log 2>&1 \
  || { cat log >&2; exit 1; }
cat >> data/postgresql.conf <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 200
timezone = 'UTC'
END
"$bin/postgres" -D data >> log 2>&1 &
server=$!
until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
  kill -0 "$server" 2>/dev/null || { cat log >&2; exit 1; }
  sleep 0.1
done
echo ready
cat >/dev/null
"#;

/// A running server; dropping it stops it.
pub(crate) struct Server {
    shell: Child,
    pipe: Option<ChildStdin>,
    /// The address with user and password of a database that always exists.
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start() -> Result<Self, Fault> {
        let bin = programs()
            .ok_or_else(|| fault("no PostgreSQL server programs (initdb, pg_isready, postgres) on this machine"))?;
        let (port, password) = (free_port()?, password()?);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "kizuna-pg"]).arg(bin).arg(port.to_string());
        // A group of its own: an interrupt from the keyboard is ours, and the closed pipe tells the shell in good order.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        if is_root() {
            // PostgreSQL refuses to run as root.
            let (user, group) = account()?;
            command.uid(user).gid(group).current_dir("/");
        }
        let mut shell = command
            .spawn()
            .map_err(|error| fault(format!("cannot start PostgreSQL: {error}")))?;
        let mut pipe = shell.stdin.take();
        if let Some(pipe) = &mut pipe {
            // Not as an argument: those can be read by every account.
            let _ = writeln!(pipe, "{password}");
        }
        let mut said = String::new();
        if let Some(stdout) = shell.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut said);
        }
        let url = format!("postgres://kizuna:{password}@127.0.0.1:{port}/postgres");
        let server = Self { shell, pipe, url };
        if said.trim() == "ready" {
            Ok(server)
        } else {
            Err(fault("PostgreSQL did not start; its log is above"))
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}

/// The folder with the programs of the server: on the PATH, or where Debian keeps them, the newest version first.
pub(crate) fn programs() -> Option<PathBuf> {
    let complete = |folder: &Path| {
        ["initdb", "pg_isready", "postgres"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let on_path = find("initdb")
        .and_then(|at| at.parent().map(Path::to_owned))
        .filter(|folder| complete(folder));
    on_path.or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
        let folders = versions
            .map(|version| version.path().join("bin"))
            .filter(|folder| complete(folder));
        folders.max_by_key(|folder| {
            let version = folder
                .parent()
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned());
            version.and_then(|version| version.parse::<u32>().ok())
        })
    })
}

/// A port nobody listens on. Between this and the server's start another program may take it; then the start fails and says so.
fn free_port() -> Result<u16, Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener
        .map(|address| address.port())
        .map_err(|error| fault(format!("no free port on 127.0.0.1: {error}")))
}

/// Other accounts of the machine must not get into a server that may run programs as its own account.
fn password() -> Result<String, Fault> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(|error| fault(format!("cannot read /dev/urandom: {error}")))?;
    Ok(bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat())
}

/// User and group of an account that may run the server.
fn account() -> Result<(u32, u32), Fault> {
    let list = fs::read_to_string("/etc/passwd").map_err(|error| fault(format!("cannot read /etc/passwd: {error}")))?;
    let ids = |name: &&str| {
        let line = list
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let mut fields = line.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ACCOUNTS
        .iter()
        .find_map(ids)
        .ok_or_else(|| fault("no account but root to run PostgreSQL: create a user postgres"))
}
