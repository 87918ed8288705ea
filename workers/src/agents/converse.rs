//! The loop: a model speaks, tools answer, until the model has said what it was asked for.

use super::{
    answer::{Answer, Form},
    halt::Halt,
    history::Ear,
    model::{Message, Part, Reply, Stop},
    record::{New, Said},
    run::Run,
    stuck::Watch,
    talk::Talk,
    thread::Place,
    tool::{ToolCall, Toolbox},
};
use serde::Serialize;
use serde_json::{Value, to_value};

/// Beside each thread there is one for what is decided about its context, with this bit set in its number.
const SIDE: u32 = 1 << 29;

/// A conversation that goes on.
pub(super) struct Going<'a> {
    name: &'a str,
    talk: Talk,
    form: Form,
    watch: Watch,
    /// What is new for the model, on record and as it counts for the hash.
    new: (New, Value),
    /// Text of an answer that was cut off, to which the rest will be added.
    before: String,
    /// Whether the model was asked once more for an answer.
    asked_again: bool,
    /// Who else is in the conversation. To people an answer that was cut off at its longest is one.
    ear: Option<Ear<'a>>,
}

impl Run {
    /// Has one conversation, in a thread of its own, from what is on record on: `part` of the agent with these values
    /// in its templates, and those of `tools` that it names.
    ///
    /// The same part, values and tools must come with every attempt: what is on record is compared with them. The
    /// thread's number is the caller's, below 2^29.
    pub async fn converse(
        &self,
        thread: u32,
        part: &str,
        vars: &(impl Serialize + Sync),
        tools: &Toolbox,
    ) -> Result<Answer, Halt> {
        let definition = self.part(part)?;
        let Some(tools) = tools.only(&definition.tools) else { return Err(self.without_tools(part, tools).await) };
        let (system, prompt) = definition.render(vars).map_err(|error| {
            let agent = &self.plan.definition.name;
            Halt::fail("bad_agent", format!("agent `{agent}`, part `{part}`: {error}"))
        })?;
        let specs = tools.specs(&definition.tools, &self.plan.definition.roles);
        let (mut talk, opening) = Talk::open(definition, system, prompt, specs);
        talk.reads = self.reads(&tools);
        let content = json(&opening)?;
        let going = Going::new(part, talk, Form::new(definition.answer.as_ref())?, (New::Opening(opening), content));
        self.go(thread, going, &tools).await
    }

    /// Goes on until the model has said what it was asked for.
    pub(super) async fn go(&self, thread: u32, mut going: Going<'_>, tools: &Toolbox) -> Result<Answer, Halt> {
        if thread >= SIDE {
            return Err(Halt::fail("bad_thread", format!("thread {thread} is not below 2^29")));
        }
        let mut entered = (self.threads.enter(thread)?, self.threads.enter(thread | SIDE)?);
        let (place, side): (&mut Place, &mut Place) = (&mut entered.0, &mut entered.1);
        loop {
            going.listen(self, place.upcoming()).await?;
            let (new, content) = (&going.new.0, &going.new.1);
            let Said { by, reply } =
                self.ask((&mut *place, &mut *side), &mut going.talk, going.name, (new, content)).await?;
            let calls = calls(&reply);
            let (text, stop) = (reply.text(), reply.stop);
            if !reply.parts.is_empty() {
                let message = Message::Assistant { parts: reply.parts };
                going.note(place.asked, Some(&by), &message);
                going.talk.say(message);
            }
            if calls.is_empty() {
                if let Some((text, value)) = going.ended(&text, &stop)? {
                    return Ok(Answer { text, value, model: by, stop });
                }
                continue;
            }
            if going.watch.is_stuck(&calls) {
                let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
                let what = format!("the model makes the same calls again and again ({})", names.join(", "));
                return Err(Halt::fail("stuck", what));
            }
            let results = self.use_tools(place, calls, tools).await?;
            let asked = place.asked;
            going.hear(asked, results.into_iter().map(|(seq, call, gave)| (seq, gave.message(&call.id))))?;
        }
    }

    /// The agent wants tools that this version does not have: another run begins with what the agent is now, unless it
    /// still wants them.
    pub(super) async fn without_tools(&self, part: &str, tools: &Toolbox) -> Halt {
        let gone: Vec<_> = self.plan.definition.tools().filter(|name| tools.get(name).is_none()).collect();
        let still = self.fresh.as_ref().is_none_or(|fresh| fresh.hash == self.plan.hash);
        if still {
            let agent = &self.plan.definition.name;
            let what =
                format!("agent `{agent}`, part `{part}`: there is no tool {}; correct its file", gone.join(", "));
            return Halt::fail("unknown_tool", what);
        }
        self.restart(None).await
    }
}

impl<'a> Going<'a> {
    pub(super) fn new(name: &'a str, talk: Talk, form: Form, new: (New, Value)) -> Self {
        let (watch, before) = (Watch::default(), String::new());
        Self { name, talk, form, watch, new, before, asked_again: false, ear: None }
    }

    /// The same with somebody else in the conversation.
    pub(super) fn heard_by(self, ear: Ear<'a>) -> Self {
        Self { ear: Some(ear), ..self }
    }

    /// Takes in what people said meanwhile, before the model's step of this number.
    async fn listen(&mut self, run: &Run, at: u32) -> Result<(), Halt> {
        let Some(ear) = &mut self.ear else { return Ok(()) };
        let heard = run.listen(ear, at).await?;
        if heard.is_empty() {
            return Ok(());
        }
        for text in &heard {
            self.talk.say(Message::User { text: text.clone() });
        }
        let content = Value::Array(vec![self.new.1.take(), json(&heard)?]);
        let new = std::mem::replace(&mut self.new.0, New::Results(Vec::new()));
        self.new = (New::Heard(Box::new(new), heard), content);
        Ok(())
    }

    /// Says what is on record now.
    fn note(&self, step: u32, by: Option<&str>, message: &Message) {
        if let Some(ear) = &self.ear {
            ear.company.noted(step, by, message);
        }
    }

    /// The model called nothing: its answer, if it will do, or `None` once it is asked again.
    fn ended(&mut self, text: &str, stop: &Stop) -> Result<Option<(String, Option<Value>)>, Halt> {
        if *stop == Stop::Refused {
            return Err(Halt::fail("refused", "the provider withholds the model's answer; it will do so again"));
        }
        let cut = *stop == Stop::Length;
        let text = std::mem::take(&mut self.before) + text;
        let wrong = match self.form.read(&text) {
            // JSON that is whole is whole, whatever came after it.
            Ok(value) if !cut || self.form.is_shaped() || self.ear.is_some() => return Ok(Some((text, value))),
            Ok(_) => "the answer was cut off at its longest".to_owned(),
            Err(wrong) if cut => format!("the answer was cut off at its longest; {wrong}"),
            Err(wrong) => wrong,
        };
        if self.asked_again {
            let code = if cut { "cut_short" } else { "bad_answer" };
            return Err(Halt::fail(code, format!("the model was asked twice and gave no answer of use: {wrong}")));
        }
        self.asked_again = true;
        let say = if self.form.is_shaped() {
            let shorter = if cut { ", shorter" } else { "" };
            format!("This cannot be used: {wrong}. Answer again{shorter}, with the whole JSON and nothing else.")
        } else if cut {
            self.before = text;
            "Go on exactly where you stopped.".to_owned()
        } else {
            format!("This cannot be used: {wrong}. Answer again.")
        };
        self.talk.say(Message::User { text: say.clone() });
        self.new = (New::Said(say.clone()), Value::from(say));
        Ok(None)
    }

    /// Tools answered.
    fn hear(&mut self, step: u32, results: impl Iterator<Item = (u32, Message)>) -> Result<(), Halt> {
        let (seqs, messages): (Vec<u32>, Vec<Message>) = results.unzip();
        self.new = (New::Results(seqs), json(&messages)?);
        for message in messages {
            self.note(step, None, &message);
            self.talk.say(message);
        }
        Ok(())
    }
}

/// The tools that a model calls, in its order.
fn calls(reply: &Reply) -> Vec<ToolCall> {
    let call = |part: &Part| match part {
        Part::ToolCall { id, name, arguments } => {
            Some(ToolCall { id: id.clone(), name: name.clone(), arguments: arguments.clone() })
        }
        _ => None,
    };
    reply.parts.iter().filter_map(call).collect()
}

pub(super) fn json(value: &impl Serialize) -> Result<Value, Halt> {
    to_value(value).map_err(|error| Halt::fail("journal", format!("a step cannot be written as JSON: {error}")))
}
