//! Private redis-server, Postgres and S3 for tests: free ports, temporary directories, gone when the test process is.
//!
//! A server is the child of a small shell that reads from a pipe of this process. However this process ends, also by
//! SIGKILL, the pipe closes, and the shell kills the server and removes its directory. Shared by several test crates
//! through `#[path]`, so it knows nothing but std and tempfile.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex},
    time::{Duration, Instant},
};

/// Longest wait for a server to answer.
const START_LIMIT: Duration = Duration::from_mins(1);
/// Waits between two looks at whether a server answers.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// What to do where a program is missing.
const INSTALL: &str =
    "install it with `apt-get install redis-server postgresql` (macOS: `brew install redis postgresql@16`)";
/// The same of moto, an S3 in Python.
const INSTALL_MOTO: &str = "`scripts/test --install` makes a virtual environment with it below the directory of builds";

/// Runs the command in its arguments until told to stop, or until whoever started it is gone. `$1` is the directory
/// to remove in the second case, `$2` the signal that ends the server at once, `$3` its log.
const SHELL: &str = r#"
dir=$1 signal=$2 log=$3; shift 3; cd /
"$@" </dev/null >>"$log" 2>&1 &
echo $!
read -r word
kill "-$signal" $! 2>/dev/null; kill -CONT $! 2>/dev/null
wait $!
[ -n "$word" ] || rm -rf "$dir"
"#;

/// The Redis that the tests of this process share. Each uses its own key prefix.
pub fn redis() -> &'static Server {
    static SHARED: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    &SHARED
}

/// The Postgres that the tests of this process share. Each uses its own schema.
pub fn postgres() -> &'static Server {
    static SHARED: LazyLock<Server> = LazyLock::new(Server::postgres);
    &SHARED
}

/// A server of one test, or of all tests of this process.
pub struct Server {
    kind: Kind,
    dir: PathBuf,
    port: u16,
    /// Its command line.
    command: Vec<String>,
    running: Mutex<Option<Running>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Redis,
    Postgres,
    S3,
}

struct Running {
    shell: Child,
    pid: u32,
}

impl Server {
    /// A Redis without persistence: killing it loses all it knows. `extra` goes on its command line.
    pub fn redis(extra: &[&str]) -> Self {
        let program = find("redis-server", &[], INSTALL);
        let dir = directory("redis");
        let port = free_port();
        let text = |s: &str| s.to_owned();
        let mut command = vec![text(&path(&program)), text("--port"), port.to_string(), text("--dir"), path(&dir)];
        command.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(text));
        command.extend(["--maxmemory-policy", "noeviction", "--daemonize", "no"].map(text));
        command.extend(extra.iter().map(|s| text(s)));
        Self::start(Kind::Redis, dir, port, command)
    }

    /// A Postgres that does not wait for the disk; what is committed still survives [`Server::kill`].
    pub fn postgres() -> Self {
        let bin = postgres_bin();
        let dir = directory("postgres");
        let data = dir.join("data");
        let port = free_port();
        let text = |s: &str| s.to_owned();

        let owner = postgres_user();
        if let Some((uid, gid)) = owner {
            chown(&dir, Some(uid), Some(gid)).expect("give the directory to the user postgres");
        }
        let mut initdb = as_owner(owner);
        initdb.push(path(&bin.join("initdb")));
        initdb.extend(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"].map(text));
        initdb.push(path(&data));
        let made = Command::new(&initdb[0]).args(&initdb[1..]).current_dir("/").output().expect("run initdb");
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));

        let mut command = as_owner(owner);
        command.extend([path(&bin.join("postgres")), text("-D"), path(&data), text("-p"), port.to_string()]);
        command.extend(["-h", "127.0.0.1", "-F", "-k"].map(text));
        command.push(path(&dir));
        let settings = ["max_connections=300", "full_page_writes=off", "shared_buffers=128MB"];
        command.extend(settings.iter().flat_map(|s| [text("-c"), text(s)]));
        Self::start(Kind::Postgres, dir, port, command)
    }

    /// An S3 that forgets everything when it is killed. `bin` is where scripts/test installs it.
    pub fn s3(bin: PathBuf) -> Self {
        let program = find("moto_server", &[bin], INSTALL_MOTO);
        let port = free_port();
        let command = [path(&program).as_str(), "-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned);
        Self::start(Kind::S3, directory("s3"), port, command.to_vec())
    }

    fn start(kind: Kind, dir: PathBuf, port: u16, command: Vec<String>) -> Self {
        let server = Self { kind, dir, port, command, running: Mutex::new(None) };
        server.restart();
        server
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, by way of another port: that of a proxy in front of it.
    pub fn url_by(&self, port: u16) -> String {
        match self.kind {
            Kind::Redis => format!("redis://127.0.0.1:{port}/0"),
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            Kind::S3 => format!("http://127.0.0.1:{port}"),
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.url_by(self.port)
    }

    /// The last lines it logged.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Ends it as a power cut would. Redis forgets everything; Postgres keeps what was committed.
    pub fn kill(&self) {
        let Some(mut running) = self.running.lock().expect("no other user panicked").take() else { return };
        let mut pipe = running.shell.stdin.take().expect("a pipe to the shell");
        pipe.write_all(b"stop\n").expect("tell the shell to stop the server");
        drop(pipe);
        running.shell.wait().expect("the shell ends after its server");
    }

    /// Has Redis write down what it knows: the next start begins with that, however old it is by then.
    pub fn save(&self) {
        assert!(self.kind == Kind::Redis && ask(self.port, "SAVE", b"+OK").unwrap_or(false), "{}", self.log_tail());
    }

    /// Starts it again on the same port and data, and waits until it answers. Kills it first where it runs.
    pub fn restart(&self) {
        self.kill();
        let mut shell = Command::new("sh")
            .args(["-c", SHELL, "sh", &path(&self.dir), self.deadly_signal(), &path(&self.dir.join("log"))])
            .args(&self.command)
            .process_group(0) // out of reach of a Ctrl-C, which would kill the shell before its server
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a shell");
        let mut line = String::new();
        let stdout = shell.stdout.take().expect("a pipe from the shell");
        BufReader::new(stdout).read_line(&mut line).expect("the shell says the server's pid");
        let pid = line.trim().parse().expect("the server's pid");
        *self.running.lock().expect("no other user panicked") = Some(Running { shell, pid });
        self.wait_until_ready(pid);
    }

    /// Stops it without closing its connections: it answers nothing until [`Server::thaw`].
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Server::freeze`].
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let running = self.running.lock().expect("no other user panicked");
        let pid = running.as_ref().expect("the server runs").pid;
        let mut pids = vec![pid.to_string()];
        pids.extend(children(pid).iter().map(u32::to_string));
        // The shell's own kill: the program of that name is not installed everywhere. A child may be gone by now.
        let script = format!("for pid; do kill -{name} \"$pid\" 2>/dev/null; done; true");
        let sent = Command::new("sh").args(["-c", &script, "sh"]).args(&pids).status().expect("run a shell");
        assert!(sent.success(), "could not send {name} to {pids:?}");
    }

    fn deadly_signal(&self) -> &'static str {
        match self.kind {
            Kind::Redis | Kind::S3 => "KILL",
            // "Immediate shutdown": also ends its children, and the next start recovers as after a crash.
            Kind::Postgres => "QUIT",
        }
    }

    fn wait_until_ready(&self, pid: u32) {
        let limit = Instant::now() + START_LIMIT;
        while !self.is_ready(pid) {
            assert!(Instant::now() < limit, "the server did not start: {:?}\n{}", self.command, self.log_tail());
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn is_ready(&self, pid: u32) -> bool {
        match self.kind {
            Kind::Redis => ask(self.port, "PING", b"+PONG").unwrap_or(false),
            Kind::S3 => ask(self.port, "GET / HTTP/1.0\r\n", b"HTTP/1.").unwrap_or(false),
            // Line 1 is the pid, line 8 the status (PostgreSQL: src/include/utils/pidfile.h).
            Kind::Postgres => fs::read_to_string(self.dir.join("data/postmaster.pid")).is_ok_and(|text| {
                let mut lines = text.lines().map(str::trim);
                lines.next() == Some(&pid.to_string()) && lines.nth(6) == Some("ready")
            }),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        // What cannot be removed is in the system's temporary directory.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn path(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn directory(name: &str) -> PathBuf {
    let made = tempfile::Builder::new().prefix(&format!("flotilla-{name}-")).tempdir().expect("a temporary directory");
    // The shell removes it: a static is never dropped.
    let dir = made.keep();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("let the server's user in");
    dir
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

/// Whether Redis answers a command so.
fn ask(port: u16, command: &str, answer: &[u8]) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut said = vec![0; answer.len()];
    stream.read_exact(&mut said)?;
    Ok(said == answer)
}

/// A program in `dirs` or on the path.
fn find(name: &str, dirs: &[PathBuf], install: &str) -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let found = dirs.iter().cloned().chain(std::env::split_paths(&on_path)).map(|d| d.join(name)).find(|p| p.is_file());
    found.unwrap_or_else(|| panic!("`{name}` is not installed; {install}"))
}

/// Where Postgres keeps its programs: Debian does not put them on the path.
fn postgres_bin() -> PathBuf {
    let mut dirs = Vec::new();
    if let Ok(config) = Command::new("pg_config").arg("--bindir").output() {
        dirs.push(PathBuf::from(String::from_utf8_lossy(&config.stdout).trim()));
    }
    dirs.extend(versions("/usr/lib/postgresql", ""));
    for prefix in ["/opt/homebrew/opt", "/usr/local/opt"] {
        dirs.extend(versions(prefix, "postgresql"));
    }
    let initdb = find("initdb", &dirs, INSTALL);
    initdb.parent().expect("a directory").to_owned()
}

/// The `bin` directories below `root`, newest version first.
fn versions(root: &str, starts_with: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let number = |name: &str| name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0_u32);
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|e| Some((e.file_name().into_string().ok()?, e.path())))
        .filter(|(name, _)| name.starts_with(starts_with))
        .map(|(name, path)| (number(&name), path.join("bin")))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// The user and group `postgres`, where this is root: Postgres refuses to run as root.
fn postgres_user() -> Option<(u32, u32)> {
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let user = id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]));
    Some(user.unwrap_or_else(|| panic!("there is no user `postgres` to run Postgres as; {INSTALL}")))
}

fn id(args: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(args).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn as_owner(owner: Option<(u32, u32)>) -> Vec<String> {
    match owner {
        // It replaces itself with the command, so the pid stays.
        Some((uid, gid)) => {
            vec!["setpriv".to_owned(), format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]
        }
        None => vec!["env".to_owned()],
    }
}

/// The direct children of a process: from /proc, or by pgrep where there is none.
pub fn children(parent: u32) -> Vec<u32> {
    if let Ok(processes) = fs::read_dir("/proc") {
        let pids = processes.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
        return pids.filter(|pid| parent_of(*pid) == Some(parent)).collect();
    }
    let listed = Command::new("pgrep").args(["-P", &parent.to_string()]).output().expect("run pgrep");
    String::from_utf8_lossy(&listed.stdout).lines().filter_map(|line| line.trim().parse().ok()).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state ppid; the name may hold blanks and brackets.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
