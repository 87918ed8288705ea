//! The same once more: for a user without rights, without namespaces, and where nothing can be confined.

use super::{SECRET, text};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

const EACH: [&str; 5] = [
    "a_program_computes_in_its_own_directory",
    "nothing_outside_is_reached",
    "no_process_outlives_its_call",
    "what_it_uses_is_bounded",
    "the_tool_runs_what_is_configured_on_what_was_written",
];

/// Runs these tests once more, by way of another program.
fn again(way: &mut Command) {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(dir.path().join("open"), SECRET).unwrap();
    let output = way
        .arg("/bin/sh")
        // What whoever starts a worker may leave open.
        .args(["-c", "exec 7<\"$0\" && exec \"$@\""])
        .arg(dir.path().join("open"))
        .arg(std::env::current_exe().unwrap())
        .arg("--exact")
        .args(EACH)
        .env("TMPDIR", dir.path())
        .env("HOME", dir.path())
        .output()
        .unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success() && said.contains("5 passed"), "{said}{}", text(&output.stderr));
}

#[test]
fn the_same_for_a_user_without_rights() {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/setpriv").exists() {
        println!("the tests beside this one ran without rights themselves, or there is no setpriv");
        return;
    }
    again(Command::new("/usr/bin/setpriv").args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--no-new-privs",
    ]));
}

/// The kernel stacks so many layers of Landlock; then it refuses, as one without it would.
const LAYERS: &str = "
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
for _ in range(16):
    kinds = ctypes.c_uint64(1 << 11)
    rules = libc.syscall(444, ctypes.byref(kinds), ctypes.c_size_t(8), ctypes.c_uint32(0))
    if rules < 0 or libc.syscall(446, rules, ctypes.c_uint32(0)) != 0:
        sys.exit(77)
    os.close(rules)
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn where_it_cannot_be_enforced_nothing_is_run() {
    let output = Command::new("/usr/bin/python3")
        .args(["-c", LAYERS])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "nothing_outside_is_reached"])
        .output();
    match output {
        Ok(output) if output.status.code() != Some(77) => {
            let said = text(&output.stdout);
            assert!(output.status.success() && said.contains("nothing can be confined here"), "{said}");
        }
        _ => println!("there is no python3, or no Landlock, and then the tests beside this one ran nothing either"),
    }
}

#[test]
fn the_same_without_namespaces() {
    const WITHOUT: &str = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    let way = ["-U", "-r", "/bin/sh", "-c", WITHOUT, "sh"];
    if !Command::new("unshare").args(way).arg("true").output().is_ok_and(|output| output.status.success()) {
        println!("namespaces cannot be taken here, so the tests beside this one ran without them");
        return;
    }
    again(Command::new("unshare").args(way));
}
