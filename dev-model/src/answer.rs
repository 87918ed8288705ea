//! What is answered, whatever wire it goes over, and the order in which a stream says it.

use crate::{counts::Usage, tokens};
use serde_json::Value;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub parts: Vec<Part>,
    pub stop: Stop,
}

/// A part of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Thinking { text: String, signature: String },
    Text(String),
    Tool { id: String, name: String, arguments: String },
}

/// Why it stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stop {
    #[default]
    End,
    Tools,
    Length,
}

/// A step of a stream; the number is the part's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bit {
    Open(usize),
    Piece(usize, String),
    Close(usize),
}

impl Part {
    /// What is said of it piece by piece.
    pub fn spoken(&self) -> &str {
        match self {
            Self::Thinking { text, .. } | Self::Text(text) => text,
            Self::Tool { arguments, .. } => arguments,
        }
    }

    fn cut(&mut self, tokens: u64) {
        match self {
            Self::Thinking { text, .. } | Self::Text(text) => text.truncate(tokens::take(text, tokens).len()),
            Self::Tool { arguments, .. } => arguments.truncate(tokens::take(arguments, tokens).len()),
        }
    }

    /// A tool's name is said too, though not piece by piece.
    fn tokens(&self) -> u64 {
        let name = if let Self::Tool { name, .. } = self { tokens::count(name) } else { 0 };
        name + tokens::count(self.spoken())
    }
}

impl Answer {
    /// Ends it after so many tokens.
    pub fn limited(mut self, max: Option<u64>) -> Self {
        let Some(mut left) = max else { return self };
        for n in 0..self.parts.len() {
            let tokens = self.parts[n].tokens();
            if tokens > left {
                self.parts[n].cut(left);
                self.parts.truncate(n + 1);
                self.stop = Stop::Length;
                break;
            }
            left -= tokens;
        }
        self
    }

    /// What it counts.
    pub fn usage(&self, input: u64) -> Usage {
        let thinking = |part: &&Part| matches!(part, Part::Thinking { .. });
        Usage {
            input,
            output: self.parts.iter().map(Part::tokens).sum(),
            reasoning: self.parts.iter().filter(thinking).map(Part::tokens).sum(),
            ..Usage::default()
        }
    }

    /// The order in which a stream says it: part after part, or all calls of tools in turns.
    pub fn bits(&self, interleaved: bool) -> Vec<Bit> {
        let tools = |part: &&(usize, &Part)| matches!(part.1, Part::Tool { .. });
        let parts: Vec<(usize, &Part)> = self.parts.iter().enumerate().collect();
        let mut bits = Vec::new();
        for (n, part) in &parts {
            if interleaved && tools(&&(*n, *part)) {
                continue;
            }
            bits.push(Bit::Open(*n));
            bits.extend(tokens::pieces(part.spoken()).map(|piece| Bit::Piece(*n, piece.to_owned())));
            bits.push(Bit::Close(*n));
        }
        if interleaved {
            let calls: Vec<&(usize, &Part)> = parts.iter().filter(tools).collect();
            bits.extend(calls.iter().map(|(n, _)| Bit::Open(*n)));
            let mut open: Vec<_> = calls.iter().map(|(n, part)| (*n, tokens::pieces(part.spoken()))).collect();
            while !open.is_empty() {
                open.retain_mut(|(n, pieces)| pieces.next().map(|p| bits.push(Bit::Piece(*n, p.to_owned()))).is_some());
            }
            bits.extend(calls.iter().map(|(n, _)| Bit::Close(*n)));
        }
        bits
    }

    /// All text of it.
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
            .collect()
    }

    /// The signature of its thought, where it calls tools after it.
    pub fn signature(&self) -> Option<&str> {
        self.calls().next()?;
        self.parts.iter().find_map(|part| match part {
            Part::Thinking { signature, .. } => Some(signature.as_str()),
            _ => None,
        })
    }

    /// All calls of tools in it: id, name, arguments.
    pub fn calls(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Tool { id, name, arguments } => Some((id.as_str(), name.as_str(), arguments.as_str())),
            _ => None,
        })
    }
}

/// Arguments as a wire without text for them has them.
pub(crate) fn as_object(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| Value::String(arguments.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(id: &str, arguments: &str) -> Part {
        Part::Tool { id: id.into(), name: "t".into(), arguments: arguments.into() }
    }

    #[test]
    fn calls_take_turns_where_they_are_interleaved() {
        let parts = vec![Part::Text("go".into()), tool("a", "1,2"), tool("b", "3")];
        let answer = Answer { parts, stop: Stop::Tools };
        let said: Vec<(usize, String)> = answer
            .bits(true)
            .into_iter()
            .filter_map(|bit| if let Bit::Piece(n, text) = bit { Some((n, text)) } else { None })
            .collect();
        let expected = [(0, "go"), (1, "1"), (2, "3"), (1, ","), (1, "2")];
        assert_eq!(said, expected.map(|(n, text)| (n, text.to_owned())));
        assert_eq!(answer.bits(false).len(), 3 * 2 + 5);
    }

    #[test]
    fn an_answer_ends_at_the_limit() {
        let parts = vec![Part::Text("one two three".into()), Part::Text("four".into())];
        let answer = Answer { parts, stop: Stop::End }.limited(Some(2));
        assert_eq!((answer.text().as_str(), answer.stop, answer.usage(7).output), ("one two", Stop::Length, 2));
    }
}
