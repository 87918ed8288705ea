//! Samples of secrets are put together here, so that no scanner finds one in this repository.

use super::placeholder::{entropy, is_placeholder};
use crate::review::rules::tests::{BASE32, HEX, LETTERS, check_text, fires, random, silent};
use flotilla_jobs::kinds::Severity;

fn letters(length: usize) -> String {
    random(LETTERS, length)
}

/// Rule and secret, each with the text before and after it.
fn samples() -> Vec<(&'static str, String, String, String)> {
    let of = |rule, before: &str, secret: String, after: &str| (rule, before.to_owned(), secret, after.to_owned());
    vec![
        of("secret/aws-access-key", "id = \"", format!("{}{}", "AK".to_owned() + "IA", random(BASE32, 16)), "\""),
        of("secret/aws-secret-key", "AWS_SECRET_ACCESS_KEY=", letters(40), ""),
        of("secret/github-token", "t: ", format!("gh{}_{}", 'p', letters(36)), ""),
        of("secret/github-token", "t: ", format!("github{}_{}_{}", "_pat", letters(22), letters(59)), " # x"),
        of("secret/gitlab-token", "'", format!("glp{}-{}", "at", letters(20)), "'"),
        of("secret/slack-token", "'", format!("xox{}-{}-{}", 'b', "98127364501", letters(24)), "'"),
        of(
            "secret/slack-webhook",
            "url: https://hooks.slack.com/services/",
            format!("T{}/B{}/{}", "9A8B7C6D", "9Z8Y7X6W", letters(24)),
            "",
        ),
        of("secret/stripe-key", "key(\"", format!("sk_{}_{}", "live", letters(24)), "\")"),
        of("secret/google-api-key", "key=", format!("AI{}{}", "za", letters(35)), ""),
        of("secret/gcp-service-account", "\"private_key_id\": \"", random(HEX, 40), "\","),
        of(
            "secret/openai-key",
            "k = '",
            format!("sk-{}{}{}", letters(20), "T3Blbk".to_owned() + "FJ", letters(20)),
            "'",
        ),
        of(
            "secret/openai-key",
            "k = '",
            format!("sk-proj-{}{}{}", letters(74), "T3Blbk".to_owned() + "FJ", letters(74)),
            "'",
        ),
        of("secret/anthropic-key", "k = '", format!("sk-{}-api03-{}", "ant", letters(93)), "'"),
        of("secret/npm-token", "//registry.npmjs.org/:_authToken=", format!("np{}_{}", 'm', letters(36)), ""),
        of("secret/pypi-token", "password = ", format!("py{}-AgE{}", "pi", letters(80)), ""),
        of("secret/sendgrid-key", "'", format!("S{}.{}.{}", 'G', letters(22), letters(43)), "'"),
        of("secret/twilio-key", "TWILIO_AUTH_TOKEN=", random(HEX, 32), ""),
        of("secret/telegram-token", "bot", format!("{}:{}{}", "981273645", "AA", letters(33)), ""),
        of("secret/discord-token", "'", format!("{}{}.{}.{}", 'M', letters(23), letters(6), letters(27)), "'"),
        of("secret/azure-storage-key", "AccountName=a;AccountKey=", format!("{}==", letters(86)), ";"),
        of("secret/jwt", "Bearer ", format!("ey{}{}.eyJ{}.{}", 'J', letters(20), letters(40), letters(43)), ""),
        of("secret/url-password", "postgres://app:", letters(14), "@db.prod.acme.io/app"),
        of("secret/assigned", "api_key = \"", letters(32), "\""),
        of("secret/assigned", "const clientSecret: string = '", letters(24), "';"),
        of("secret/assigned", "\"password\": \"", random(HEX, 40), "\","),
    ]
}

#[test]
fn every_shape_is_found_and_masked() {
    for (rule, before, secret, after) in samples() {
        assert!(!is_placeholder(&secret), "bad sample for {rule}");
        let line = format!("{before}{secret}{after}");
        let found = check_text("src/settings", &line);
        assert!(found.iter().any(|finding| finding.rule == rule), "{rule} is silent about {line}: {found:#?}");
        assert_eq!(found.len(), 1, "{found:#?}");
        let shown = serde_json::to_string(&found).unwrap();
        assert!(!shown.contains(&secret) && !shown.contains(&secret[8..]), "{shown}");
    }
}

#[test]
fn other_findings_on_the_line_do_not_quote_it_either() {
    let token = format!("gh{}_{}", 'o', letters(36));
    for (path, line) in [
        ("web/a.test.js", format!("it.only('a', () => login('{token}'))")),
        ("src/a.js", format!("console.log('{token}')")),
        ("src/a.rs", format!("// TODO: revoke {token}")),
    ] {
        let found = check_text(path, &line);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(!serde_json::to_string(&found).unwrap().contains(&token), "{found:#?}");
    }
}

#[test]
fn every_secret_of_a_line_is_masked() {
    let (one, two) = (format!("gh{}_{}", 'p', letters(36)), format!("gh{}_{}", 'p', letters(40)));
    let found = check_text("src/a", &format!("{one} {two}"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].excerpt, "ghp_… ghp_…");
}

#[test]
fn in_tests_they_are_milder_and_guesses_are_not_made() {
    let token = format!("gh{}_{}", 'p', letters(36));
    assert_eq!(check_text("tests/a.rs", &token)[0].severity, Severity::Medium);
    assert_eq!(check_text("src/a.rs", &token)[0].severity, Severity::Critical);
    silent("secret/assigned", "tests/a.rs", &[&format!("let password = \"{}\";", letters(24))]);
    silent("secret/assigned", "README.md", &[&format!("password = \"{}\"", letters(24))]);
}

#[test]
fn what_stands_for_a_secret_is_none() {
    let documented = [
        "AKIA".to_owned() + "IOSFODNN7EXAMPLE",
        "ghp_".to_owned() + &"x".repeat(36),
        "glpat-".to_owned() + "your-token-goes-here1",
    ];
    for text in &documented {
        assert!(check_text("src/a.py", &format!("k = '{text}'")).is_empty(), "{text}");
    }
    silent(
        "secret/assigned",
        "src/a.py",
        &[
            "password = os.environ['A_VERY_LONG_NAME_123']",
            "password = \"${DATABASE_PASSWORD_2024}\"",
            "secret = \"changeme-changeme-123\"",
            "token = \"{{ vault.token_12345 }}\"",
            "api_key = \"<your-api-key-here-123>\"",
            "secret_name = \"prod/payments/stripe-2024-key\"",
            "token_url = \"https://login.acme.io/oauth2/v2/token\"",
            "secret = \"my-very-long-secret-2024-name\"",
            "password_field = \"userPasswordField12345678\"",
            "token = \"3f2504e0-4f89-11d3-9a0c-0305e82c3301\"",
            "TOKEN_HASH = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
            "tokenizer = \"cl100kBaseEncoder2024v2\"",
            "# password = \"kJ8sk2Lq9wZ7xPq4Rt5v\"",
        ],
    );
    silent(
        "secret/url-password",
        "src/a.py",
        &[
            "postgres://postgres:postgres@db.acme.io/a",
            "postgres://app:${PASSWORD}@db.acme.io/a",
            "postgres://app:{password}@db.acme.io/a",
            "postgres://app:s3cr3tpw9@localhost:5432/a",
            "postgres://app:kJ8sk2Lq9w@db/a",
            "https://user:password@example.com",
            "https://acme.io:8080/a@b.c",
            "redis://:<password>@cache.acme.io",
            "ssh://git@github.com:22/a",
        ],
    );
    silent("secret/azure-storage-key", "a.cs", &[&format!("AccountKey=Eby8vdM02xNOcqFlqUwJPL{}==", letters(64))]);
    silent("secret/google-api-key", "app/google-services.json", &[&format!("\"AI{}{}\"", "za", letters(35))]);
}

#[test]
fn a_private_key_is_one_finding_and_none_of_it_is_shown() {
    let begin = |kind: &str| format!("-----BEGIN {kind}PRIVATE KEY-----");
    let end = "-----END PRIVATE KEY-----";
    let (one, two) = (letters(64), letters(62));
    let key = format!("{}\n{one}\n{two}\n{end}\nprint('x')\n", begin(""));
    let found = check_text("deploy/server.pem", &key);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].rule.as_str(), found[0].start_line, found[0].end_line), ("secret/private-key", 1, 3));
    let shown = serde_json::to_string(&found).unwrap();
    assert!(!shown.contains(&one) && !shown.contains(&two), "{shown}");

    let inline = format!("\"private_key\": \"{}\\n{one}\\n{two}\\n{end}\\n\",", begin("RSA "));
    let found = check_text("deploy/a.json", &inline);
    assert_eq!(found.len(), 1);
    assert!(!serde_json::to_string(&found).unwrap().contains(&one[10..]), "{found:#?}");

    let quoted = format!("key = (\n  \"{}\\n\"\n  \"{one}\\n\"\n)", begin("EC "));
    fires("secret/private-key", "a.py", &[&format!("{}\nProc-Type: 4,X\n\n{one}", begin("RSA "))]);
    silent(
        "secret/private-key",
        "src/a.py",
        &[&format!("if text.startswith(\"{}\"):", begin("")), &begin(""), &format!("{}\n...\n{end}", begin(""))],
    );
    fires("secret/private-key", "a.py", &[&quoted]);
    fires("secret/private-key", "a.py", &[&format!("# {}\n# {one}", begin("OPENSSH "))]);
}

#[test]
fn entropy_is_in_bits() {
    assert!((entropy("abcd") - 2.0).abs() < 1e-9);
    assert!(entropy("aaaa").abs() < 1e-9);
}
