//! Rules for the recipe of the image, those of `hadolint` that matter here and a few of our own.

use crate::{read, support::Home};
use std::{fs, path::Path, process::Command};

/// One instruction: its name and the rest, continued lines joined.
pub struct Instruction {
    pub name: String,
    pub rest: String,
}

impl Instruction {
    /// The words of the exec form: `CMD ["a", "b"]`.
    pub fn words(&self) -> Vec<String> {
        let list = self.rest.find('[').map(|at| &self.rest[at..]).unwrap_or_default();
        serde_json::from_str(list).unwrap_or_else(|e| panic!("{} {} is not in exec form: {e}", self.name, self.rest))
    }

    /// The value of a flag: `--interval=5s`.
    fn flag(&self, name: &str) -> Option<&str> {
        self.rest.split_whitespace().find_map(|word| word.strip_prefix(&format!("--{name}=")))
    }
}

/// All instructions of the Dockerfile.
pub fn instructions() -> Vec<Instruction> {
    let text = read("Dockerfile");
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = code.join("\n").replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            Instruction { name: name.to_owned(), rest: rest.trim().to_owned() }
        })
        .collect()
}

/// Those of the last stage, which is the image.
pub fn image() -> Vec<Instruction> {
    let mut all = instructions();
    let last = all.iter().rposition(|i| i.name == "FROM").unwrap();
    all.split_off(last)
}

/// The last instruction of that name in the image.
pub fn last(name: &str) -> Instruction {
    image().into_iter().rfind(|i| i.name == name).unwrap_or_else(|| panic!("the image has no {name}"))
}

/// Whether an image is named so that tomorrow's is the same one.
pub fn is_pinned(image: &str) -> bool {
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag);
    tag.is_some_and(|tag| tag != "latest" && tag.split('-').next().is_some_and(|v| v.matches('.').count() >= 1))
        || image.contains("@sha256:")
}

#[test]
fn bases_are_pinned() {
    for from in instructions().iter().filter(|i| i.name == "FROM") {
        let base = from.rest.split_whitespace().next().unwrap();
        assert!(base == "scratch" || is_pinned(base), "FROM {}", from.rest);
    }
    assert!(is_pinned("a/b:1.2.3-slim") && !is_pinned("a:5000/b") && !is_pinned("b:latest") && !is_pinned("b:7"));
}

#[test]
fn it_is_built_by_the_toolchain_of_the_workspace_from_the_locked_crates() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    let all = instructions();
    assert!(all[0].rest.starts_with(&format!("rust:{rust}")), "FROM {}, but rust-version is {rust}", all[0].rest);
    let build = all.iter().find(|i| i.rest.contains("cargo build")).unwrap();
    assert!(build.rest.contains("--locked") && build.rest.contains("--release"), "{}", build.rest);
}

#[test]
fn nothing_in_it_is_roots_that_need_not_be() {
    let user = last("USER").rest;
    let ids: Vec<u32> =
        user.split(':').map(|id| id.parse().expect("a number: Kubernetes cannot check a name")).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| *id > 0), "USER {user}");
    let passwd = format!("flotilla:x:{}:{}:", ids[0], ids[1]);
    assert!(read("deploy/rootfs").contains(&passwd), "deploy/rootfs makes no user {passwd}");
}

#[test]
fn it_says_how_to_ask_whether_it_is_well() {
    let check = last("HEALTHCHECK");
    assert_eq!(check.words(), ["flotilla", "health"]);
    let seconds = |name| check.flag(name).unwrap().trim_end_matches('s').parse::<u32>().unwrap();
    assert!(seconds("timeout") <= 10 && seconds("start-period") > 0);
    // An outage of a minute is no reason to replace workers that keep results meanwhile.
    assert!(seconds("interval") * check.flag("retries").unwrap().parse::<u32>().unwrap() >= 120);
    assert_eq!(
        (last("ENTRYPOINT").words(), last("CMD").words()),
        (vec!["flotilla".to_owned()], vec!["run".to_owned()])
    );
    assert_eq!(last("STOPSIGNAL").rest, "SIGTERM");
}

#[test]
fn instructions_keep_the_rules() {
    for Instruction { name, rest } in instructions() {
        let line = format!("{name} {rest}");
        assert!(name != "ADD", "COPY says what it does: {line}");
        assert!(name != "MAINTAINER" && !rest.contains("sudo "), "{line}");
        assert!(name != "COPY" || rest.contains("--from=") || rest.contains("--chown="), "whose is it? {line}");
        assert!(name != "WORKDIR" || rest.starts_with('/'), "{line}");
        if rest.contains("apt-get install") {
            for part in ["apt-get update", " -y ", "--no-install-recommends", "rm -rf /var/lib/apt/lists/*"] {
                assert!(rest.contains(part), "no `{part}` in {line}");
            }
        }
        assert!(!rest.contains("| sh") && !rest.contains("apt-get upgrade"), "{line}");
        let secret = ["TOKEN", "PASSWORD", "SECRET", "_KEY"].iter().any(|word| rest.to_uppercase().contains(word));
        assert!(!(["ENV", "ARG"].contains(&name.as_str()) && secret), "a secret stays in the image's history: {line}");
    }
}

/// What `.dockerignore` lets in is enough to build from, and no more.
#[test]
fn the_build_gets_what_it_reads_and_nothing_else() {
    let home = Home::new();
    let mut listed =
        listed_in(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]));
    listed.retain(|file| let_in(file));
    for file in &listed {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let to = home.path().join("context").join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
    for secret in [".env", ".git/config", "secrets/flotilla_token", "target/debug/flotilla", "jobs/target/x"] {
        assert!(!let_in(secret), "{secret} would be sent to the builder");
    }
    assert!(listed.contains(&"deploy/rootfs".to_owned()) && listed.contains(&"Cargo.lock".to_owned()), "{listed:?}");
    // Every target of the manifests is there, and every file that the sources include.
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(home.path().join("context"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    // It passes over a target whose file is missing, which a build does not.
    let metadata = String::from_utf8(metadata.stdout).unwrap();
    for manifest in ["Cargo.toml", "jobs/Cargo.toml", "workers/Cargo.toml"] {
        let manifest: toml::Table = read(manifest).parse().unwrap();
        let named = ["bin", "test", "bench", "example"].map(|kind| manifest.get(kind).and_then(toml::Value::as_array));
        for target in named.into_iter().flatten().flatten() {
            let name = target["name"].as_str().unwrap();
            assert!(metadata.contains(&format!("\"name\":\"{name}\"")), "the target {name} is left out");
        }
    }
    for file in listed.iter().filter(|file| Path::new(file).extension().is_some_and(|e| e == "rs")) {
        let path = home.path().join("context").join(file);
        for part in fs::read_to_string(&path).unwrap().split("include_str!(\"").skip(1) {
            let included = path.parent().unwrap().join(part.split('"').next().unwrap());
            assert!(included.is_file(), "{file} includes {}", included.display());
        }
    }
}

fn listed_in(command: &mut Command) -> Vec<String> {
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split('\0')
        .filter(|name| !name.is_empty() && Path::new(env!("CARGO_MANIFEST_DIR")).join(name).is_file())
        .map(str::to_owned)
        .collect()
}

/// The rules of `.dockerignore` as far as ours go: the last one that names a file or a directory above it counts.
fn let_in(file: &str) -> bool {
    let mut allowed = true;
    for rule in read(".dockerignore").lines().map(str::trim).filter(|rule| !rule.is_empty() && !rule.starts_with('#')) {
        let (rule, allows) = rule.strip_prefix('!').map_or((rule, false), |rule| (rule, true));
        let names = match rule.strip_prefix("**/") {
            Some(name) => file.split('/').any(|part| part == name),
            None => rule == "*" || file == rule || file.starts_with(&format!("{rule}/")),
        };
        if names {
            allowed = allows;
        }
    }
    allowed
}
