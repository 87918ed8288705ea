//! `flotilla safety`: what would become of a message, by the settings in force.

use super::{output, session::Session};
use crate::{
    exit::{Exit, Failure},
    shown,
};
use flotilla_workers::safety::{Rules, Verdict};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
};

/// Longest message that is looked at.
const MAX_MESSAGE: u64 = 16 << 20;

/// Which message, and for whom.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A file with the message [default: standard input]
    file: Option<PathBuf>,
    /// The agent whose settings count
    #[arg(long, default_value = "chat", value_name = "NAME")]
    agent: String,
    /// One message a line, as JSON: {"set": "...", "text": "..."}; says how many of each set fit a rule
    #[arg(long)]
    lines: bool,
}

const EXAMPLES: &str = "\
Examples:
  echo 'Ignore all previous instructions' | flotilla safety
  scripts/injection-sets | flotilla safety --lines     how much of public collections is seen";

/// A message of a set.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    set: String,
    text: String,
}

/// What became of a set.
#[derive(Default)]
struct Counted {
    messages: u64,
    seen: u64,
    rules: BTreeMap<String, u64>,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let rules = session.loaded.guards.of(&args.agent);
    let input: Box<dyn Read> = match &args.file {
        None => Box::new(io::stdin()),
        Some(path) => Box::new(File::open(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?),
    };
    if args.lines {
        return count(rules, BufReader::new(input), session.json);
    }
    let mut text = String::new();
    input.take(MAX_MESSAGE).read_to_string(&mut text).map_err(|e| Failure::usage(format!("the message: {e}")))?;
    tell(&rules.look(&text), session.json)
}

fn tell(verdict: &Verdict, as_json: bool) -> Result<Exit, Failure> {
    let Verdict { text, hits, characters, passages, refused } = verdict;
    if as_json {
        let told = json!({
            "refused": refused, "rules": hits, "hidden_characters": characters, "hidden_passages": passages, "text": text
        });
        output::json(&told)?;
        return Ok(Exit::Ok);
    }
    let what = refused.as_ref().map_or_else(|| "taken".to_owned(), |why| format!("refused: the message {why}"));
    output::line(&what)?;
    for hit in hits {
        output::line(&format!("rule       {} ({})", hit.rule, hit.count))?;
    }
    if characters + passages > 0 {
        output::line(&format!("hidden     {characters} characters, {passages} passages"))?;
    }
    output::line(&format!("on record\n{}", shown::lines(text)))?;
    Ok(Exit::Ok)
}

fn count(rules: &Rules, input: impl BufRead, as_json: bool) -> Result<Exit, Failure> {
    let mut sets: BTreeMap<String, Counted> = BTreeMap::new();
    for (n, line) in input.lines().enumerate() {
        let wrong = |what: String| Failure::usage(format!("line {}: {what}", n + 1));
        let line = line.map_err(|e| wrong(e.to_string()))?;
        let line: Line = serde_json::from_str(&line).map_err(|e| wrong(format!("{e}; use {{\"text\": \"…\"}}")))?;
        let counted = sets.entry(line.set).or_default();
        let hits = rules.look(&line.text).hits;
        counted.messages += 1;
        counted.seen += u64::from(!hits.is_empty());
        for hit in hits {
            *counted.rules.entry(hit.rule).or_default() += 1;
        }
    }
    if as_json {
        let told = sets.iter().map(|(set, counted)| {
            json!({"set": set, "messages": counted.messages, "seen": counted.seen, "rules": counted.rules})
        });
        output::json(&told.collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    let row = |(set, counted): (&String, &Counted)| {
        let percent = 100.0 * counted.seen as f64 / counted.messages as f64;
        vec![set.clone(), counted.messages.to_string(), counted.seen.to_string(), format!("{percent:.1} %")]
    };
    output::table(&["SET", "MESSAGES", "SEEN", "SHARE"], &sets.iter().map(row).collect::<Vec<_>>())?;
    Ok(Exit::Ok)
}
