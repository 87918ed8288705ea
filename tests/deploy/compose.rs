//! The compose files: read by compose itself where it is installed, and held to rules.

use crate::{
    dockerfile::is_pinned,
    read,
    support::{Home, finish},
};
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

const ONE_HOST: &str = "docker-compose.yml";
const SCALE: &str = "docker-compose.scale.yml";
/// What the person who deploys fills in.
const FILLED_IN: &[(&str, &str)] =
    &[("FLOTILLA_TOKEN", "0123456789abcdef"), ("POSTGRES_PASSWORD", "sesame"), ("FLOTILLA_IMAGE", "flotilla:0.1.0")];

/// A compose file with its variables filled in and its anchors followed.
pub fn compose(name: &str) -> Value {
    serde_saphyr::from_str(&fill_in(&read(name))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// `${NAME}`, `${NAME:-default}` and `${NAME:?message}`.
fn fill_in(text: &str) -> String {
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').unwrap();
        let (name, default) = variable.split_once(":-").unwrap_or((variable, ""));
        let name = name.split(":?").next().unwrap();
        filled += FILLED_IN.iter().find(|(known, _)| *known == name).map_or(default, |(_, value)| value);
        filled += rest;
    }
    filled
}

/// The services of a file, by name.
fn services(file: &Value) -> impl Iterator<Item = (&str, &Value)> {
    file["services"].as_object().unwrap().iter().map(|(name, service)| (name.as_str(), service))
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(|word| word.as_str().unwrap()).collect()
}

fn is_ours(service: &Value) -> bool {
    service["image"].as_str().is_some_and(|image| image.starts_with("flotilla:"))
}

/// A service that goes on until told otherwise.
fn goes_on(name: &str) -> bool {
    name != "migrate"
}

fn seconds(text: &Value) -> u64 {
    text.as_str().unwrap().trim_end_matches('s').parse().unwrap()
}

#[test]
fn compose_reads_both() {
    for name in [ONE_HOST, SCALE] {
        // The program that Debian calls docker-compose, or the plugin of docker; neither needs a daemon for this.
        let mut command = if finish(shell("command -v docker-compose")).code == 0 {
            Command::new("docker-compose")
        } else {
            assert_eq!(
                finish(shell("docker compose version")).code,
                0,
                "install docker-compose: apt-get install docker-compose"
            );
            let mut docker = Command::new("docker");
            docker.arg("compose");
            docker
        };
        command
            .args(["-f", name, "config", "-q"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .envs(FILLED_IN.iter().copied());
        finish(command).exits(0);
    }
}

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    shell
}

#[test]
fn every_service_is_bounded_and_watched() {
    for name in [ONE_HOST, SCALE] {
        for (service, settings) in services(&compose(name)) {
            let about = format!("{name}: {service}");
            assert!(is_pinned(settings["image"].as_str().unwrap()), "{about}: {}", settings["image"]);
            let logs = &settings["logging"]["options"];
            assert!(logs["max-size"].is_string() && logs["max-file"].is_string(), "{about}: its log grows for ever");
            if !goes_on(service) {
                continue;
            }
            let limits = &settings["deploy"]["resources"]["limits"];
            assert!(limits["cpus"].is_string() && limits["memory"].is_string(), "{about}: {limits}");
            let check = &settings["healthcheck"];
            assert!(words(&check["test"])[0].starts_with("CMD") && check["timeout"].is_string(), "{about}: {check}");
            let again = settings["restart"].is_string() || settings["deploy"]["restart_policy"].is_object();
            assert!(again, "{about}: nobody starts it again");
        }
    }
}

#[test]
fn our_processes_have_no_rights_and_time_to_end() {
    let defaults: toml::Table = read("src/config.default.toml").parse().unwrap();
    let worker = |name: &str| defaults["worker"][name].as_integer().unwrap() as u64;
    let limit_ms = worker("drain_ms") + worker("hard_stop_ms");
    // Kubernetes gives 30 s unless told otherwise.
    assert!(limit_ms < 30_000, "{limit_ms}");
    for name in [ONE_HOST, SCALE] {
        let file = compose(name);
        let ours: Vec<_> = services(&file).filter(|(_, settings)| is_ours(settings)).collect();
        assert_eq!(ours.len(), 3, "{name}");
        for (service, settings) in ours {
            let about = format!("{name}: {service}: {settings}");
            assert!(settings["read_only"] == true && settings["cap_drop"][0] == "ALL", "{about}");
            assert!(settings["user"].is_null() && settings["privileged"].is_null(), "{about}");
            assert!(seconds(&settings["stop_grace_period"]) * 1_000 > limit_ms, "{about}");
        }
    }
}

/// What the files tell our processes is what those understand.
#[test]
fn our_processes_are_told_what_they_understand() {
    let home = Home::new();
    home.write("flotilla_token", "0123456789abcdef");
    home.write("flotilla_redis_url", "redis://redis:6379/0");
    home.write("flotilla_postgres_url", "postgres://flotilla:sesame@postgres:5432/flotilla");
    for name in [ONE_HOST, SCALE] {
        for (service, settings) in services(&compose(name)).filter(|(_, settings)| is_ours(settings)) {
            let mut command = words(&settings["command"]);
            command.push("--help");
            home.run(&command).exits(0);
            let mut config = home.command(&["config"]);
            for (key, value) in settings["environment"].as_object().unwrap() {
                let value = value.as_str().unwrap_or_else(|| panic!("{name}: {service}: {key} is no text"));
                config.env(key, value.replace("/run/secrets", home.path().to_str().unwrap()));
            }
            let printed = finish(config).exits(0);
            assert!(
                !printed.stdout.contains("sesame") && !printed.stdout.contains("0123456789abcdef"),
                "{}",
                printed.stdout
            );
            if goes_on(service) {
                let check = words(&settings["healthcheck"]["test"]);
                assert_eq!(check[..3], ["CMD", "flotilla", "health"], "{name}: {service}");
                assert_eq!(check.get(3), (service == "worker").then_some(&"--worker"), "{name}: {service}");
            }
        }
    }
}

#[test]
fn one_host_starts_in_order_on_servers_that_lose_nothing() {
    let file = compose(ONE_HOST);
    for service in ["server", "worker"] {
        let needs = &file["services"][service]["depends_on"];
        let conditions = [
            ("migrate", "service_completed_successfully"),
            ("redis", "service_healthy"),
            ("postgres", "service_healthy"),
        ];
        for (need, condition) in conditions {
            assert_eq!(needs[need]["condition"], condition, "{service}");
        }
    }
    assert_eq!(file["services"]["migrate"]["depends_on"]["postgres"]["condition"], "service_healthy");
    let redis = words(&file["services"]["redis"]["command"]).join(" ");
    for setting in ["--appendonly yes", "--maxmemory-policy noeviction", "--maxmemory 768mb"] {
        assert!(redis.contains(setting), "{redis}");
    }
    for server in ["redis", "postgres"] {
        let volume = words(&file["services"][server]["volumes"])[0].split_once(':').unwrap().0;
        assert!(file["volumes"].get(volume).is_some(), "{server} keeps nothing");
        assert!(file["services"][server]["ports"].is_null(), "{server} can be reached from outside");
    }
    assert!(file["services"]["server"]["ports"][0].as_str().unwrap().starts_with("127.0.0.1:"));
}

#[test]
fn at_scale_new_ones_start_first_one_at_a_time_and_failures_are_taken_back() {
    let file = compose(SCALE);
    assert_eq!(file["services"]["worker"]["deploy"]["replicas"], 3);
    assert!(file["services"]["server"]["deploy"]["replicas"].as_u64().unwrap() > 1);
    for (service, settings) in services(&file).filter(|(service, _)| goes_on(service)) {
        let update = &settings["deploy"]["update_config"];
        assert!(update["order"] == "start-first" && update["parallelism"] == 1, "{service}: {update}");
        assert!(update["failure_action"] == "rollback" && seconds(&update["delay"]) > 0, "{service}: {update}");
        assert_eq!(settings["deploy"]["rollback_config"]["order"], "start-first", "{service}");
    }
    for (service, settings) in services(&file) {
        // `docker stack deploy` reads lists only.
        assert!(settings["depends_on"].is_null() || settings["depends_on"].is_array(), "{service}");
        for secret in settings["secrets"].as_array().into_iter().flatten() {
            assert!(file["secrets"][secret.as_str().unwrap()]["file"].is_string(), "{service}: {secret}");
        }
        // The replicas of a service share no port of the host.
        assert!(settings["ports"].is_null() || service == "nginx", "{service}");
    }
    let config = &file["services"]["nginx"]["configs"][0];
    assert_eq!(config["target"], "/etc/nginx/nginx.conf");
    assert_eq!(file["configs"][config["source"].as_str().unwrap()]["file"], "deploy/nginx/nginx.conf");
}

#[test]
fn the_sample_names_what_is_to_be_filled_in() {
    let sample = read(".env.sample");
    let named: BTreeSet<&str> =
        sample.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let file = read(ONE_HOST);
    let used: BTreeSet<&str> = file
        .split("${")
        .skip(1)
        .map(|part| part.split([':', '}']).next().unwrap())
        .chain(["COMPOSE_PROJECT_NAME"])
        .collect();
    assert_eq!(named, used);
    // Secrets have no value here, and no default in the files.
    for secret in ["FLOTILLA_TOKEN", "POSTGRES_PASSWORD"] {
        assert!(sample.lines().any(|line| line == format!("{secret}=")), "{secret} has a value");
        assert_eq!(
            file.matches(secret).count(),
            file.matches(&format!("${{{secret}:?")).count() + usize::from(secret == "POSTGRES_PASSWORD")
        );
    }
    let ignored = read(".gitignore");
    assert!(ignored.lines().any(|line| line == "/.env") && ignored.lines().any(|line| line == "/secrets"));
}
