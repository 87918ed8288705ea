//! What was said in the runs of a job, as messages for people: page by page from the record, one step in memory at a time.

use super::{
    model::{Part, Reply},
    record::{Gave, New, Said},
};
use crate::journal::{Error, Journal, SaidStep, StepKind};
use flotilla_jobs::{
    JobId,
    api::{Speaker, StepPlace, Transcript, TranscriptMessage},
};
use serde_json::value::RawValue;

/// Most bytes of a message that are shown; what is cut is counted.
const MAX_TEXT: usize = 256 << 10;
/// A page with so many bytes of text takes no further step.
const MAX_PAGE: usize = 1 << 20;
/// Most steps of one page.
pub const MAX_STEPS: u32 = 500;

/// One page: the messages of at most `steps` steps after a place.
pub async fn page(
    journal: &(impl Journal + ?Sized),
    job: JobId,
    after: Option<StepPlace>,
    steps: u32,
) -> Result<Transcript, Error> {
    let (mut messages, mut last, mut size) = (Vec::new(), after, 0);
    for _ in 0..steps.clamp(1, MAX_STEPS) {
        let Some(step) = journal.step_after(job, last).await? else { return Ok(Transcript { messages, next: None }) };
        let said = self::messages(&step);
        size += said.iter().map(|message| message.text.len()).sum::<usize>();
        messages.extend(said);
        last = Some(step.place);
        if size >= MAX_PAGE {
            break;
        }
    }
    Ok(Transcript { messages, next: last })
}

/// What a step adds to a conversation.
///
/// Results of tools are said where their own step is, and not again by the model's step that was told of them.
fn messages(step: &SaidStep) -> Vec<TranscriptMessage> {
    let mut said = Vec::new();
    let message = |role, text: &str| message(step, role, text);
    match step.kind {
        StepKind::Decision => {}
        StepKind::Llm => {
            match read::<New>(step.request.as_deref()) {
                Some(new) => said.extend(told(step, &new)),
                None => said.extend(step.request.as_deref().map(|json| message(Speaker::User, json.get()))),
            }
            match read::<Said>(step.response.as_deref()) {
                Some(Said { by, reply }) => said.extend(spoken(step, &by, &reply)),
                None => said.extend(step.response.as_deref().map(|json| message(Speaker::Assistant, json.get()))),
            }
        }
        StepKind::Tool | StepKind::Effect => {
            // The call itself was said by the model.
            let tool = step.name.strip_prefix("tool:").unwrap_or(&step.name).to_owned();
            if step.response.is_none() {
                return Vec::new();
            }
            let (text, failed) = match read::<Gave>(step.response.as_deref()) {
                Some(Gave { text, failed }) => (text, failed),
                None => (step.response.as_deref().map(RawValue::get).unwrap_or_default().to_owned(), false),
            };
            said.push(TranscriptMessage { by: Some(tool), failed, ..message(Speaker::Tool, &text) });
        }
    }
    said
}

/// What a model was told that was new.
fn told(step: &SaidStep, new: &New) -> Vec<TranscriptMessage> {
    let message = |role, text: &str| message(step, role, text);
    match new {
        New::Opening(opening) => {
            let system = (!opening.system.is_empty()).then(|| message(Speaker::System, &opening.system));
            let prompt = match &opening.history {
                None => message(Speaker::User, &opening.prompt),
                // The rest is in the session.
                Some(history) => message(Speaker::User, &history.newest),
            };
            system.into_iter().chain([prompt]).collect()
        }
        New::Said(text) => vec![message(Speaker::User, text)],
        New::Results(_) => Vec::new(),
        New::Heard(new, heard) => {
            let mut said = told(step, new);
            said.extend(heard.iter().map(|text| message(Speaker::User, text)));
            said
        }
    }
}

/// What a model said: its text, then its calls.
fn spoken(step: &SaidStep, by: &str, reply: &Reply) -> Vec<TranscriptMessage> {
    let mut said = Vec::new();
    let text = reply.text();
    if !text.is_empty() {
        said.push(TranscriptMessage { by: Some(by.to_owned()), ..message(step, Speaker::Assistant, &text) });
    }
    for part in &reply.parts {
        if let Part::ToolCall { name, arguments, .. } = part {
            said.push(TranscriptMessage { by: Some(name.clone()), ..message(step, Speaker::Call, arguments) });
        }
    }
    said
}

fn message(step: &SaidStep, role: Speaker, text: &str) -> TranscriptMessage {
    let StepPlace { run, thread, seq, .. } = step.place;
    let end = text.floor_char_boundary(MAX_TEXT);
    TranscriptMessage {
        run,
        thread,
        seq,
        step: step.name.clone(),
        role,
        by: None,
        text: text[..end].to_owned(),
        failed: false,
        cut: (text.len() - end) as u64,
    }
}

/// `None` also for what another version wrote in another form: that is shown as it is.
fn read<T: serde::de::DeserializeOwned>(json: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(json?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(kind: StepKind, name: &str, request: &str, response: Option<&str>) -> SaidStep {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        SaidStep {
            place: StepPlace { run: 0, thread: 1, seq: 2, attempt: 0 },
            kind,
            name: name.to_owned(),
            request: Some(raw(request)),
            response: response.map(raw),
        }
    }

    fn shown(step: &SaidStep) -> Vec<(Speaker, Option<String>, String)> {
        messages(step).into_iter().map(|message| (message.role, message.by, message.text)).collect()
    }

    #[test]
    fn a_conversation_is_told_in_its_order() {
        let opening = r#"{"opening": {"system": "Be kind.", "prompt": "Hello", "max_output": 10}}"#;
        let reply = r#"{"by": "small", "reply": {"parts": [{"type": "text", "text": "I look."},
            {"type": "tool_call", "id": "1", "name": "grep", "arguments": "{}"}], "stop": "tool_calls", "usage": null,
            "model": null, "id": null}}"#;
        let (by, tool) = (Some("small".to_owned()), Some("grep".to_owned()));
        assert_eq!(
            shown(&step(StepKind::Llm, "llm:talk", opening, Some(reply))),
            [
                (Speaker::System, None, "Be kind.".to_owned()),
                (Speaker::User, None, "Hello".to_owned()),
                (Speaker::Assistant, by, "I look.".to_owned()),
                (Speaker::Call, tool.clone(), "{}".to_owned()),
            ]
        );
        let gave = step(StepKind::Tool, "tool:grep", r#"{"id": "1", "arguments": "{}"}"#, Some(r#"{"text": "a:1"}"#));
        assert_eq!(shown(&gave), [(Speaker::Tool, tool, "a:1".to_owned())]);
        // Not answered yet: what was asked is shown all the same.
        assert_eq!(
            shown(&step(StepKind::Llm, "llm:talk", r#"{"said": "Again."}"#, None)),
            [(Speaker::User, None, "Again.".to_owned())]
        );
        assert!(shown(&step(StepKind::Llm, "llm:talk", r#"{"results": [3]}"#, None)).is_empty());
    }

    #[test]
    fn what_another_version_wrote_is_shown_as_it_is() {
        let odd = step(StepKind::Llm, "llm:talk", r#"{"new": 1}"#, Some(r#"{"of": 2}"#));
        let texts: Vec<_> = messages(&odd).into_iter().map(|message| message.text).collect();
        assert_eq!(texts, [r#"{"new": 1}"#, r#"{"of": 2}"#]);
    }

    #[test]
    fn a_long_message_is_cut_between_characters_and_says_so() {
        let long = format!(r#"{{"said": "{}"}}"#, "é".repeat(MAX_TEXT));
        let message = messages(&step(StepKind::Llm, "llm:talk", &long, None)).remove(0);
        assert_eq!((message.text.len(), message.cut), (MAX_TEXT, MAX_TEXT as u64));
        let long = format!(r#"{{"said": "x{}"}}"#, "é".repeat(MAX_TEXT));
        let message = messages(&step(StepKind::Llm, "llm:talk", &long, None)).remove(0);
        assert_eq!((message.text.len(), message.cut), (MAX_TEXT - 1, MAX_TEXT as u64 + 2));
    }
}
