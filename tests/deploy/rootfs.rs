//! What the image holds, run as the image would run it: the file system that `deploy/rootfs` makes, which nobody may
//! write to, the entry point, commands and health checks of the compose file, as a user without rights.

use crate::{
    compose::compose,
    dockerfile::last,
    servers,
    support::{Home, Ran, SOON, Service, finish},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// The user of the image; `tests/deploy/dockerfile.rs` holds that it is.
const USER: u32 = 65_532;

/// The file system of the image, on this machine.
struct Image {
    home: Home,
    root: PathBuf,
    /// Only root may change what a process takes for `/`. Others run the same files by the loader among them.
    is_root: bool,
}

impl Image {
    fn make() -> Self {
        let home = Home::new();
        let root = home.path().join("rootfs");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rootfs");
        let mut make = Command::new(script);
        make.arg(env!("CARGO_BIN_EXE_flotilla")).arg(&root);
        finish(make).exits(0);
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if is_root {
            fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
            let data = root.join("var/lib/flotilla");
            chown(&data, Some(USER), Some(USER)).unwrap();
            // The runtime of containers makes it.
            let mut null = Command::new("mknod");
            null.args(["-m", "666"]).arg(root.join("dev/null")).args(["c", "1", "3"]);
            finish(null).exits(0);
        }
        Self { home, root, is_root }
    }

    /// A program of the image with the environment of the Dockerfile.
    fn command(&self, words: &[impl AsRef<str>]) -> Command {
        let (program, args) = words.split_first().unwrap();
        let name = program.as_ref();
        let inside = if name == "flotilla" { "/usr/local/bin/flotilla".to_owned() } else { format!("/usr/bin/{name}") };
        let mut command = if self.is_root {
            let mut command = Command::new("/usr/sbin/chroot");
            command.arg(format!("--userspec={USER}:{USER}")).arg(&self.root).arg(inside);
            command
        } else {
            let mut command = Command::new(self.loader());
            command.args(["--inhibit-cache", "--library-path"]).arg(self.libraries());
            command.arg(self.root.join(inside.trim_start_matches('/')));
            command
        };
        command.args(args.iter().map(AsRef::as_ref)).env_clear().current_dir("/");
        for pair in last("ENV").rest.split_whitespace() {
            let (name, value) = pair.split_once('=').unwrap();
            // Outside of the image PATH names programs of this machine, and HOME a directory that is not ours.
            command.env(name, if self.is_root { value.to_owned() } else { self.outside(name, value) });
        }
        command
    }

    fn outside(&self, name: &str, value: &str) -> String {
        match name {
            "PATH" => std::env::var("PATH").unwrap(),
            "HOME" => format!("{}{value}", self.root.display()),
            _ => value.to_owned(),
        }
    }

    /// Every file of the image, by its path there.
    fn files(&self) -> Vec<PathBuf> {
        let (mut found, mut dirs) = (Vec::new(), vec![self.root.clone()]);
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    dirs.push(entry.path());
                } else {
                    found.push(entry.path().strip_prefix(&self.root).unwrap().to_owned());
                }
            }
        }
        found
    }

    fn loader(&self) -> PathBuf {
        let is_loader =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux"));
        self.root.join(self.files().into_iter().find(is_loader).expect("a loader"))
    }

    fn libraries(&self) -> String {
        let is_library = |path: &PathBuf| path.to_string_lossy().contains(".so");
        let dirs = self.files().into_iter().filter(is_library).filter_map(|path| Some(self.root.join(path.parent()?)));
        dirs.map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(":")
    }

    fn run(&self, words: &[&str]) -> Ran {
        finish(self.command(words))
    }
}

/// A command and a health check of the compose file, with its environment, where the servers are ours.
struct Composed<'a> {
    image: &'a Image,
    settings: Value,
    schema: &'a str,
    port: u16,
}

impl Composed<'_> {
    fn command(&self, words: &[impl AsRef<str>]) -> Command {
        let mut command = self.image.command(words);
        for (key, value) in self.settings["environment"].as_object().unwrap() {
            let value = match key.as_str() {
                "FLOTILLA_STORE__REDIS_URL" => servers::redis().url(),
                "FLOTILLA_STORE__POSTGRES_URL" => servers::postgres().url(),
                "FLOTILLA_HTTP__LISTEN" => value.as_str().unwrap().replace("8080", &self.port.to_string()),
                _ => value.as_str().unwrap().to_owned(),
            };
            command.env(key, value);
        }
        command.env("FLOTILLA_STORE__PREFIX", self.schema).env("FLOTILLA_STORE__SCHEMA", self.schema);
        // The worker's is 9090, which is one machine's only once.
        command.env("FLOTILLA_WORKER__HTTP__LISTEN", format!("127.0.0.1:{}", self.port));
        command
    }

    /// The entry point with the service's command.
    fn entry(&self) -> Command {
        let mut words = last("ENTRYPOINT").words();
        words.extend(self.settings["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()));
        self.command(&words)
    }

    /// Repeats the health check until it answers 0.
    fn gets_well(&self) {
        let test = self.settings["healthcheck"]["test"].as_array().unwrap();
        let words: Vec<&str> = test[1..].iter().map(|word| word.as_str().unwrap()).collect();
        let deadline = Instant::now() + SOON;
        loop {
            let ran = finish(self.command(&words));
            if ran.code == 0 {
                return;
            }
            assert!(ran.code == 1 && Instant::now() < deadline, "{words:?}: {}{}", ran.stdout, ran.stderr);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn it_holds_two_programs_and_what_they_need() {
    let image = Image::make();
    let files = image.files();
    let programs: Vec<_> = files.iter().filter(|path| path.to_string_lossy().contains("bin/")).collect();
    assert_eq!(programs.len(), 2, "{programs:?}");
    assert!(image.run(&["flotilla", "--version"]).exits(0).stdout.starts_with("flotilla "));
    assert!(image.run(&["git", "--version"]).exits(0).stdout.starts_with("git version "));
    if image.is_root {
        // Nothing but its data and temporary files is the user's to change.
        let write = |dir: &str| {
            let mut touch = Command::new("setpriv");
            touch.args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--clear-groups", "touch"]);
            touch.arg(image.root.join(dir).join("mine"));
            finish(touch).code == 0
        };
        for dir in ["", "etc", "usr/local/bin", "usr/bin", "run", "var/lib"] {
            assert!(!write(dir), "/{dir} can be written to");
        }
        assert!(write("tmp") && write("var/lib/flotilla"));
    }
}

#[test]
fn the_services_of_the_compose_file_run_and_get_well_in_it() {
    let image = Image::make();
    if image.is_root {
        // With servers there is nothing to keep: not even the data directory is needed.
        chown(image.root.join("var/lib/flotilla"), Some(0), Some(0)).unwrap();
        fs::set_permissions(image.root.join("tmp"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let file = compose("docker-compose.yml");
    let of = |service: &str| Composed {
        image: &image,
        settings: file["services"][service].clone(),
        schema: "rootfs",
        port: servers::free_port(),
    };
    let (migrate, server, worker) = (of("migrate"), of("server"), of("worker"));
    finish(migrate.entry()).exits(0);
    assert_eq!(finish(server.command(&["flotilla", "health"])).code, 1, "nobody is there yet");
    let (serve, work) = (Service::start(server.entry()), Service::start(worker.entry()));
    server.gets_well();
    worker.gets_well();
    let url = format!("http://127.0.0.1:{}", server.port);
    let payload = r#"{"source":{"type":"diff","diff":""}}"#;
    let submitted = finish(server.command(&["flotilla", "submit", "code-review", payload, "--server", &url, "--json"]));
    let id = submitted.exits(0).json()["id"].as_str().unwrap().to_owned();
    finish(server.command(&["flotilla", "watch", &id, "--server", &url])).exits(0);
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}

#[test]
fn a_work_tree_is_reviewed_in_it() {
    let image = Image::make();
    let key = format!(
        "-----BEGIN RSA {} KEY-----\nMIIEowIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF0q7QWJf1E6oYz4dXq5b8WmNnYtR\n",
        "PRIVATE"
    );
    let tree = image.home.repository("key.pem", &key);
    let seen = if image.is_root {
        // Mounted, as it would be in a container.
        fs::rename(&tree, image.root.join("tmp/tree")).unwrap();
        let mut own = Command::new("chown");
        own.args(["-R", &format!("{USER}:{USER}")]).arg(image.root.join("tmp/tree"));
        finish(own).exits(0);
        "/tmp/tree".to_owned()
    } else {
        tree.display().to_string()
    };
    let review = image.run(&["flotilla", "review", &seen, "--json"]).exits(1).json();
    assert!(review["findings"].as_array().is_some_and(|findings| !findings.is_empty()), "{review}");
}
