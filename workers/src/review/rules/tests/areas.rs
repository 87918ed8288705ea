//! Merge markers, characters, left-overs, tests, files and promises: what must be found, and what must not.

use super::{check_files, check_text, fires, new_file, silent};
use flotilla_jobs::kinds::Severity;

#[test]
fn merge() {
    let rule = "merge/conflict-marker";
    let conflict = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> topic\nd";
    let found = check_text("src/a.rs", conflict);
    assert_eq!(found.iter().map(|f| (f.start_line, f.end_line)).collect::<Vec<_>>(), [(2, 6)]);
    assert_eq!(check_text("a.md", conflict).len(), 1);
    assert_eq!(check_text("src/a.rs", &format!("{conflict}\n{conflict}")).len(), 2);
    fires(rule, "src/a.rs", &["<<<<<<< HEAD", ">>>>>>> 1f2e3d4 (topic)", "<<<<<<< a\n||||||| b\n=======\n>>>>>>> c"]);
    silent(rule, "src/a.rs", &["=======", "// <<<<<<< HEAD", "<<<<<<<<", ">>>>>>>", "a <<<<<<< b"]);
    silent(rule, "a.md", &["Title\n=======", "<<<<<<< HEAD"]);
    silent(rule, "a.rst", &["Title\n=======\n\n>>>>>>> x"]);
}

#[test]
fn characters() {
    fires("unicode/bidi", "src/a.rs", &["let a = \"\u{202e} x\u{2066}\";", "// \u{2067}x"]);
    silent("unicode/bidi", "docs/a.md", &["\u{2067}שלום\u{2069}"]);
    fires("unicode/bidi", "docs/a.md", &["\u{202e}x"]);
    fires(
        "unicode/invisible",
        "src/a.rs",
        &["let a\u{200b}b = 1;", "a\u{feff}", "x\n\u{feff}a", "a\u{200d}b", "\u{e0041}", "x\u{fe01}\u{fe02}\u{fe03}"],
    );
    silent(
        "unicode/invisible",
        "src/a.rs",
        &[
            "\u{feff}use a;",
            "\"👩\u{200d}💻\"",
            "\"می\u{200c}خواهم\"",
            "❤\u{fe0f}",
            "naïve",
            "🏴\u{e0067}\u{e0062}\u{e007f}",
        ],
    );
    fires("unicode/hidden", "src/a.rs", &["let a = \"\u{1b}[2J\";", "a\u{200e}b", "// x\u{ad}y", "\u{206a}"]);
    fires("unicode/hidden", "docs/a.md", &["\u{fff9}x"]);
    fires("unicode/hidden", "src/a\u{200b}.rs", &["fn f() {}"]);
    silent("unicode/hidden", "src/a.rs", &["\u{c}", "a\tb\r", "\"👩\u{200d}💻❤\u{fe0f}\"", "a\u{200b}b", "größe"]);
    silent("unicode/hidden", "docs/a.md", &["soft\u{ad}ly", "\u{200f}שלום"]);
    fires("unicode/homoglyph", "src/a.rs", &["let аdmin = 1;", "fn isAdmіn() {}"]);
    silent(
        "unicode/homoglyph",
        "src/a.rs",
        &["let Δx = 1;", "let имя = 1;", "\"аdmin\"", "let σ2 = 1;", "let größe = 1;"],
    );
}

#[test]
fn debug() {
    fires("debug/rust-dbg", "src/a.rs", &["dbg!(x)", "let y = dbg!(&x);"]);
    fires("debug/js-debugger", "a.ts", &["  debugger;"]);
    assert_eq!(check_text("a.ts", "  debugger;")[0].suggestion.as_deref(), Some(""));
    silent("debug/js-debugger", "a.ts", &["const debugger1 = 1", "startDebugger()"]);
    fires("debug/js-console", "src/a.ts", &["console.log(x)"]);
    silent(
        "debug/js-console",
        "src/a.ts",
        &["console.error(x)", "// console.log(x)", "// eslint-disable-next-line no-console\nconsole.log(x)"],
    );
    silent("debug/js-console", "scripts/a.ts", &["console.log(x)"]);
    silent("debug/js-console", "src/a.test.ts", &["console.log(x)"]);
    fires("debug/python-breakpoint", "a.py", &["breakpoint()", "import pdb; pdb.set_trace()", "    import ipdb"]);
    silent("debug/python-breakpoint", "a.py", &["import pdb", "set_breakpoint()", "# breakpoint()"]);
    fires("debug/ruby-pry", "a.rb", &["binding.pry", "  byebug"]);
    fires("debug/php-dump", "a.php", &["var_dump($x);", "  dd($x);"]);
    silent("debug/php-dump", "a.php", &["$this->dump($x);", "add($x);"]);
    fires("debug/java-print", "A.java", &["System.out.println(x);"]);
    silent("debug/java-print", "Main.java", &["System.out.println(x);"]);
    fires("debug/go-dump", "a.go", &["spew.Dump(x)"]);
}

#[test]
fn tests_that_do_not_run() {
    fires(
        "test/focused",
        "a.test.ts",
        &["it.only('a', f)", "describe.only(\"a\", f)", "test.only.each([1])", "fit('a', f)", "  fdescribe('a', f)"],
    );
    silent("test/focused", "a.test.ts", &["it('a', f)", "benefit('a')", "// it.only('a')", "expect(x.only).toBe(1)"]);
    silent("test/focused", "src/model.js", &["fit(x)", "model.fit(x, y)"]);
    assert_eq!(check_text("a.test.ts", "  it.only('a', f)")[0].suggestion.as_deref(), Some("  it('a', f)"));
    assert_eq!(check_text("spec/a_spec.rb", "fdescribe 'a' do")[0].suggestion.as_deref(), Some("describe 'a' do"));
    fires("test/skipped", "a.test.ts", &["it.skip('a', f)", "xit('a', f)", "xdescribe('a', f)"]);
    silent("test/skipped", "a.test.ts", &["it.skip('a', f) // #12", "// https://a.io/1\nxit('a', f)", "exit('a')"]);
    fires("test/skipped", "src/a.rs", &["    #\u{5b}ignore]"]);
    silent(
        "test/skipped",
        "src/a.rs",
        &["#\u{5b}ignore = \"needs a database\"]", "#\u{5b}ignore] // needs a database"],
    );
    fires("test/skipped", "test_a.py", &["@pytest.mark.skip", "@pytest.mark.skip()", "pytest.skip()"]);
    silent(
        "test/skipped",
        "test_a.py",
        &["@pytest.mark.skip(reason=\"x\")", "pytest.skip(\"x\")", "@pytest.mark.skipif(x)"],
    );
    fires("test/skipped", "a_test.go", &["\tt.Skip()"]);
    silent("test/skipped", "a_test.go", &["t.Skip(\"slow\")", "r.Skip()"]);
    fires("test/skipped", "ATest.java", &["@Disabled", "  @Ignore"]);
    silent("test/skipped", "ATest.java", &["@Disabled(\"slow\")"]);
}

#[test]
fn promises() {
    let rule = "todo/no-reference";
    fires(rule, "src/a.rs", &["// TODO: later", "let a = 1; // FIXME", "/* XXX why */", "//! HACK around it"]);
    fires(rule, "a.py", &["# TODO later", "x = 1  # TODO: y"]);
    silent(
        rule,
        "src/a.rs",
        &[
            "// TODO(#12): later",
            "// TODO: ABC-12",
            "// FIXME https://a.io/1",
            "// TODO(ann): later",
            "\"// TODO\"",
            "// the TODO rule",
            "// TODOS",
            "let TODO = 1;",
        ],
    );
    silent(rule, "a.md", &["TODO: write this"]);
}

#[test]
fn files() {
    let found = |path: &str, size, binary| {
        let mut file = new_file(path, b"");
        file.diff.hunks.clear();
        (file.size, file.diff.binary) = (Some(size), binary);
        check_files(vec![file]).into_iter().map(|f| (f.rule, f.severity)).collect::<Vec<_>>()
    };
    let of = |rule: &str, severity| vec![(rule.to_owned(), severity)];
    assert_eq!(found("a.csv", 3 << 20, false), of("file/large", Severity::Medium));
    assert_eq!(found("a.csv", 1 << 20, false), []);
    assert_eq!(found("a.png", 10, true), of("file/binary", Severity::Info));
    assert_eq!(found("a.dat", 10, true), of("file/binary", Severity::Low));
    assert_eq!(found("lib/a.so", 10, true), of("file/binary", Severity::Medium));
    assert_eq!(found("certs/a.p12", 10, true), of("file/key", Severity::High));
    assert_eq!(found(".ssh/id_rsa", 10, false), of("file/key", Severity::High));
    assert_eq!(found(".ssh/id_rsa.pub", 10, false), []);
    let large = new_file("a.csv", b"");
    assert_eq!(check_files(vec![large]), []);

    fires("file/env", ".env", &["A=1", "export DB_PASSWORD=kJ8sk2Lq"]);
    assert_eq!(check_text("app/.env.production", "API_KEY=kJ8sk2Lq")[0].severity, Severity::High);
    assert_eq!(check_text(".env", "PORT=80")[0].severity, Severity::Low);
    silent("file/env", ".env", &["A=", "# A=1", ""]);
    silent("file/env", ".env.example", &["A=1"]);
    silent("file/env", "src/env.rs", &["A=1"]);
}
