//! What each rule must find, and what it must not.

use crate::review::rules::tests::{check_text, fires, silent};

#[test]
fn rust() {
    fires("danger/rust-unsafe", "src/a.rs", &["unsafe { f() }", "let x = unsafe{ f() };", "unsafe impl Send for A {}"]);
    silent(
        "danger/rust-unsafe",
        "src/a.rs",
        &[
            "// SAFETY: it is.\nunsafe { f() }",
            "unsafe {\n    // SAFETY: it is.\n    f()\n}",
            "unsafe fn f();",
            "// unsafe { }",
            "#![forbid(unsafe_code)]",
        ],
    );
    fires("danger/rust-transmute", "src/a.rs", &["let x: u32 = mem::transmute(y);", "transmute::<A, B>(a)"]);
    silent(
        "danger/rust-transmute",
        "src/a.rs",
        &["use std::mem::transmute;", "// SAFETY: same size.\ntransmute(x)", "\"transmute(x)\""],
    );
    fires("danger/rust-invalid-certs", "src/a.rs", &["b.danger_accept_invalid_certs(true)"]);
    silent(
        "danger/rust-invalid-certs",
        "src/a.rs",
        &["b.danger_accept_invalid_certs(false)", "b.danger_accept_invalid_certs(insecure)"],
    );
    silent("danger/rust-invalid-certs", "tests/a.rs", &["b.danger_accept_invalid_certs(true)"]);
    fires(
        "danger/rust-shell",
        "src/a.rs",
        &["Command::new(\"sh\")\n    .arg(\"-c\")\n    .arg(format!(\"ls {x}\"))\n    .status();"],
    );
    silent(
        "danger/rust-shell",
        "src/a.rs",
        &[
            "Command::new(\"sh\").arg(\"-c\").arg(\"ls\").status();\nformat!(\"{x}\");",
            "Command::new(\"ls\").arg(format!(\"{x}\"))",
        ],
    );
}

#[test]
fn python() {
    fires("danger/python-eval", "a.py", &["x = eval(y)", "exec(code, {})", "eval(f\"{a}\")"]);
    silent(
        "danger/python-eval",
        "a.py",
        &[
            "eval(\"1 + 1\")",
            "model.eval()",
            "ast.literal_eval(x)",
            "def eval(self, x):",
            "re_eval(x)",
            "cursor.exec(x)",
        ],
    );
    fires("danger/python-pickle", "a.py", &["pickle.loads(data)", "x = pickle.load(f)"]);
    silent("danger/python-pickle", "a.py", &["pickle.dumps(x)", "json.loads(x)"]);
    fires(
        "danger/python-yaml-load",
        "a.py",
        &["yaml.load(f)", "yaml.load(f, Loader=yaml.Loader)", "yaml.unsafe_load(f)"],
    );
    silent(
        "danger/python-yaml-load",
        "a.py",
        &["yaml.safe_load(f)", "yaml.load(f, Loader=yaml.SafeLoader)", "yaml.load(\n  f,\n  Loader=SafeLoader,\n)"],
    );
    fires(
        "danger/python-shell",
        "a.py",
        &["subprocess.run(cmd, shell=True)", "subprocess.run(f\"ls {x}\", shell=True)"],
    );
    silent("danger/python-shell", "a.py", &["subprocess.run(\"ls | wc\", shell=True)", "shell=False", "# shell=True"]);
    fires(
        "danger/python-os-system",
        "a.py",
        &["os.system(f\"rm {x}\")", "os.system('rm %s' % x)", "os.popen(\"a \" + b)"],
    );
    silent("danger/python-os-system", "a.py", &["os.system('clear')", "os.system(cmd)"]);
    fires(
        "danger/python-tls",
        "a.py",
        &[
            "requests.get(url, verify=False)",
            "r = session.post(\n  url,\n  verify=False,\n)",
            "ctx.check_hostname = False",
        ],
    );
    silent(
        "danger/python-tls",
        "a.py",
        &[
            "load(path, verify=False)",
            "if ctx.verify_mode != ssl.CERT_NONE:",
            "self.check_hostname = False",
            "requests.get(url, verify=True)",
        ],
    );
    silent("danger/python-tls", "tests/test_a.py", &["requests.get(url, verify=False)"]);
    fires("danger/python-mktemp", "a.py", &["p = tempfile.mktemp()"]);
    silent("danger/python-mktemp", "a.py", &["tempfile.mkstemp()", "tempfile.mkdtemp()"]);
    fires("danger/python-jwt", "a.py", &["jwt.decode(t, options={\"verify_signature\": False})"]);
}

#[test]
fn a_safe_load_is_suggested_where_it_is_certain() {
    let suggestion = |line: &str| check_text("a.py", line)[0].suggestion.clone();
    assert_eq!(suggestion("    x = yaml.load(f.read())").as_deref(), Some("    x = yaml.safe_load(f.read())"));
    assert_eq!(suggestion("x = yaml.load(f)  # é").as_deref(), Some("x = yaml.safe_load(f)  # é"));
    assert_eq!(suggestion("x = yaml.load(f, Loader=yaml.Loader)"), None);
    assert_eq!(suggestion("x = yaml.load("), None);
}

#[test]
fn script() {
    fires("danger/js-eval", "a.ts", &["eval(code)", "const f = new Function(\"a\", body);"]);
    silent("danger/js-eval", "a.ts", &["eval('1')", "page.$eval(sel, f)", "redis.eval(script)", "retrieval(x)"]);
    fires(
        "danger/js-html",
        "a.tsx",
        &[
            "el.innerHTML = text;",
            "el.innerHTML += `<b>${x}</b>`;",
            "<p dangerouslySetInnerHTML={{ __html: x }} />",
            "document.write(x)",
        ],
    );
    silent(
        "danger/js-html",
        "a.tsx",
        &[
            "el.innerHTML = '';",
            "el.innerHTML = `<b></b>`;",
            "if (el.innerHTML === x)",
            "el.innerHTML = DOMPurify.sanitize(x)",
            "el.textContent = x",
        ],
    );
    fires("danger/js-exec", "a.js", &["exec(`ls ${dir}`, cb)", "child_process.execSync('ls ' + dir)"]);
    silent("danger/js-exec", "a.js", &["exec('ls')", "re.exec(`${x}`)", "execFile('ls', [dir])", "db.exec(`${x}`)"]);
    fires(
        "danger/js-tls",
        "a.js",
        &[
            "rejectUnauthorized: false,",
            "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'",
            "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = 0",
        ],
    );
    fires("danger/js-tls", "compose.yml", &["  NODE_TLS_REJECT_UNAUTHORIZED: \"0\""]);
    silent(
        "danger/js-tls",
        "a.js",
        &["rejectUnauthorized: true", "strict: on ? o.rejectUnauthorized : false", "rejectUnauthorized: !dev"],
    );
}

#[test]
fn go_and_java() {
    fires("danger/go-tls", "a.go", &["&tls.Config{InsecureSkipVerify: true}", "c.InsecureSkipVerify = true"]);
    silent("danger/go-tls", "a.go", &["InsecureSkipVerify: cfg.Insecure", "// InsecureSkipVerify: true"]);
    silent("danger/go-tls", "a_test.go", &["&tls.Config{InsecureSkipVerify: true}"]);
    fires(
        "danger/go-shell",
        "a.go",
        &[
            "exec.Command(\"sh\", \"-c\", fmt.Sprintf(\"ls %s\", d))",
            "exec.CommandContext(ctx, \"bash\", \"-c\", \"ls \" + d)",
        ],
    );
    silent("danger/go-shell", "a.go", &["exec.Command(\"sh\", \"-c\", \"ls\")", "exec.Command(\"ls\", d)"]);
    fires("danger/go-template", "a.go", &["template.HTML(body)"]);
    silent(
        "danger/go-template",
        "a.go",
        &["template.HTML(\"<b>\")", "template.HTML(`<b>`)", "template.HTMLEscapeString(x)"],
    );
    fires("danger/java-exec", "A.java", &["Runtime.getRuntime().exec(\"ls \" + dir);"]);
    silent("danger/java-exec", "A.java", &["Runtime.getRuntime().exec(\"ls\");", "pool.exec(a + b)"]);
    fires("danger/java-deserialize", "A.java", &["var in = new ObjectInputStream(s);"]);
    fires(
        "danger/java-tls",
        "A.java",
        &[
            "public void checkServerTrusted(X509Certificate[] c, String a) {}",
            "b.setSSLHostnameVerifier(NoopHostnameVerifier.INSTANCE)",
        ],
    );
    silent(
        "danger/java-tls",
        "A.java",
        &[
            "public void checkServerTrusted(X509Certificate[] c, String a) { check(c); }",
            "import a.NoopHostnameVerifier;",
        ],
    );
}

#[test]
fn shell() {
    fires("danger/shell-pipe", "a.sh", &["curl -fsSL https://a.io/x | sh", "wget -qO- \"$url\" | sudo -E bash -"]);
    fires("danger/shell-pipe", "Dockerfile", &["RUN curl https://a.io | bash"]);
    silent(
        "danger/shell-pipe",
        "a.sh",
        &["curl https://a.io | jq .", "echo \"curl https://a.io | sh\"", "curl a | shasum", "# curl a | sh"],
    );
    fires(
        "danger/shell-rm",
        "a.sh",
        &["rm -rf \"$DIR\"/*", "rm -rf $DIR/", "rm -fr \"${DIR}/\"", "rm -rf \"${DIR}\"/ && ls"],
    );
    silent(
        "danger/shell-rm",
        "a.sh",
        &[
            "rm -rf \"${DIR:?}\"/*",
            "rm -rf \"$DIR/build\"",
            "rm -f \"$DIR\"/*",
            "set -euo pipefail\nrm -rf \"$DIR\"/*",
            "rm -rf \"$DIR\"",
        ],
    );
    fires("danger/shell-eval", "a.sh", &["eval \"$cmd\"", "if x; then eval $y; fi"]);
    silent("danger/shell-eval", "a.sh", &["eval \"$(ssh-agent -s)\"", "evaluate \"$x\"", "# eval $x"]);
    fires("danger/shell-chmod", "a.sh", &["chmod 777 a", "chmod -R 0777 /data", "chmod a+rwx b"]);
    silent("danger/shell-chmod", "a.sh", &["chmod 755 a", "chmod 1777 /tmp", "chmod +x a"]);
}

#[test]
fn sql() {
    let rule = "danger/sql-format";
    fires(
        rule,
        "a.py",
        &[
            "cur.execute(f\"SELECT * FROM users WHERE name = '{name}'\")",
            "cur.execute(\"SELECT a FROM b WHERE c = '%s'\" % x)",
            "q = \"SELECT * FROM u WHERE n = '\" + name",
        ],
    );
    silent(
        rule,
        "a.py",
        &[
            "cur.execute(f\"SELECT * FROM {table}\")",
            "cur.execute(f\"SELECT a FROM b WHERE c IN ({marks})\")",
            "cur.execute(f\"INSERT INTO a VALUES ({marks})\")",
            "f\"Select a file from {folder} = {x}\"",
            "cur.execute(\"SELECT a FROM b WHERE c = %s\", (x,))",
        ],
    );
    fires(
        rule,
        "a.ts",
        &["db.query(`SELECT * FROM u WHERE id = ${id}`)", "pool.query(\"DELETE FROM u WHERE id = '\" + id + \"'\")"],
    );
    silent(
        rule,
        "a.ts",
        &[
            "sql`SELECT * FROM u WHERE id = ${id}`",
            "db.query(`SELECT * FROM ${table}`)",
            "db.query('SELECT * FROM u WHERE id = $1', [id])",
        ],
    );
    fires(rule, "a.go", &["fmt.Sprintf(\"SELECT a FROM b WHERE c = '%s'\", x)"]);
    silent(
        rule,
        "a.go",
        &["fmt.Sprintf(\"SELECT a FROM %s WHERE c = $1\", t)", "fmt.Sprintf(\"SELECT a FROM b LIMIT %d\", n)"],
    );
    fires(rule, "A.java", &["stmt.executeQuery(\"SELECT a FROM b WHERE c = '\" + c + \"'\");"]);
    silent(rule, "A.java", &["conn.prepareStatement(\"SELECT a FROM b WHERE c = ?\" + order);"]);
    fires(rule, "src/a.rs", &["format!(\"SELECT a FROM b WHERE c = '{c}'\")"]);
    silent(
        rule,
        "src/a.rs",
        &["format!(\"SELECT a FROM {t} WHERE c = $1\")", "format!(\"update available, set x = {x}\")"],
    );
}
