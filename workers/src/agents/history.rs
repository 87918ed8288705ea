//! A conversation that goes on with what was said before the run began, and in which people may speak meanwhile.

use super::{
    answer::{Answer, Form},
    converse::{Going, json},
    halt::Halt,
    model::{Message, Wire, tokens},
    record::{self, Heard, History, New},
    run::{Next, Run},
    talk::Talk,
    thread::Entered,
    tool::Toolbox,
};
use crate::journal::StepKind;
use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

/// Beside each thread there is one for what was heard in it, with this bit set in its number.
const EARS: u32 = 1 << 28;
/// What a hold has on top of an estimate, in thousandths: as much room is left free.
const MARGIN: u64 = 50;

/// Who is in a conversation beside the model.
#[async_trait]
pub trait Company: Send + Sync {
    /// Messages with a number above `after`, in order, each with its number. One that was heard is heard again by whoever
    /// asks as it was asked then.
    async fn hear(&self, after: u64) -> Result<Vec<(u64, String)>, Halt>;

    /// What the model said in its step of this number, from 1, or a tool that it called there: it is on record. `by` names
    /// the model.
    fn noted(&self, step: u32, by: Option<&str>, message: &Message);
}

/// Company in a conversation.
pub(super) struct Ear<'a> {
    pub company: &'a dyn Company,
    /// Where it is on record what was heard; `None` where nobody may speak.
    place: Option<Entered<'a>>,
    /// The newest message that was told.
    after: u64,
}

/// What was said before.
#[derive(Clone, Debug)]
pub struct Before {
    /// Said before everything else, after the agent's own.
    pub system: String,
    /// In order.
    pub messages: Vec<Message>,
    /// Where it is on record.
    pub history: History,
    /// The newest message among it; `None` where people may say no more until the model is done.
    pub heard: Option<u64>,
}

impl Run {
    /// Goes on with a conversation, in a thread of its own, from what is on record on: as [`Run::converse`], with
    /// messages in place of a prompt; what the part's prompt gives is said before them. An answer that is cut off at its
    /// longest is an answer.
    ///
    /// The same messages must come with every attempt: what is on record is compared with them. The thread's number is
    /// the caller's, below 2^28.
    pub async fn go_on(
        &self,
        thread: u32,
        part: &str,
        vars: &(impl Serialize + Sync),
        before: Before,
        tools: &Toolbox,
        company: &dyn Company,
    ) -> Result<Answer, Halt> {
        if thread >= EARS {
            return Err(Halt::fail("bad_thread", format!("thread {thread} is not below 2^28")));
        }
        let definition = self.part(part)?;
        let Some(tools) = tools.only(&definition.tools) else { return Err(self.without_tools(part, tools).await) };
        let Before { system: more, mut messages, history, heard } = before;
        let (mut system, prompt) = self.rendered(part, vars)?;
        if !more.is_empty() {
            system.push_str("\n\n");
            system.push_str(&more);
        }
        if !prompt.trim().is_empty() {
            messages.insert(0, Message::User { text: prompt });
        }
        let specs = tools.specs(&definition.tools, &self.plan.definition.roles);
        // The journal has where the messages are; the hash has all of them.
        let said = json(&messages)?;
        let (mut talk, opening) = Talk::resume(definition, system, messages, specs, history);
        talk.reads = self.reads(&tools);
        let content = json!([json(&opening)?, said]);
        let going = Going::new(part, talk, Form::new(definition.answer.as_ref())?, (New::Opening(opening), content));
        let place = heard.map(|_| self.threads.enter(thread | EARS)).transpose()?;
        let ear = Ear { company, place, after: heard.unwrap_or_default() };
        self.go(thread, going.heard_by(ear), &tools).await
    }

    /// Tokens of history that there is room for in a call of this part, as [`tokens::count`] counts: what the part may be
    /// told, and what its first model takes in.
    pub fn room(&self, part: &str, vars: &(impl Serialize + Sync), tools: &Toolbox) -> Result<Room, Halt> {
        let definition = self.part(part)?;
        let (system, prompt) = self.rendered(part, vars)?;
        let specs =
            tools.only(&definition.tools).map(|tools| tools.specs(&definition.tools, &self.plan.definition.roles));
        let (talk, _) = Talk::open(definition, system, prompt, specs.unwrap_or_default());
        let (most, wire) = match self.first_model(definition.route.as_deref()) {
            None => {
                return Err(Halt::fail(
                    "no_model",
                    "none of the models that the run began with is configured any more",
                ));
            }
            Some((wire, model)) => {
                let output = u64::from(definition.max_output.min(model.max_output));
                let left = model.context.saturating_sub(output);
                let scale = self.agents.learned.factors().corrected(&model, 1_000) + MARGIN;
                (left * 1_000 / scale.max(1), wire)
            }
        };
        let most = most.saturating_sub(talk.tokens(wire));
        Ok(Room { usual: definition.context_tokens.unwrap_or(most).min(most), most })
    }

    /// Whether the agent that the run began with has such a part.
    pub fn has_part(&self, name: &str) -> bool {
        self.plan.definition.parts.contains_key(name)
    }

    fn rendered(&self, part: &str, vars: &(impl Serialize + Sync)) -> Result<(String, String), Halt> {
        self.part(part)?.render(vars).map_err(|error| {
            let agent = &self.plan.definition.name;
            Halt::fail("bad_agent", format!("agent `{agent}`, part `{part}`: {error}"))
        })
    }

    /// The model that a part asks first, and its wire.
    fn first_model(&self, own: Option<&str>) -> Option<(Wire, super::model::Model)> {
        let route = self.agents.route(&self.plan.definition, own, self.plan.route.as_deref());
        let chosen = route.iter().flat_map(|route| route.models.iter().map(|choice| &choice.model));
        let mut names = chosen.filter(|name| self.plan.models.contains(name)).chain(&self.plan.models);
        let (provider, model) = names.find_map(|name| self.agents.means.catalog.model(name))?;
        Some((provider.wire, (**model).clone()))
    }

    /// What people said since, before the model's step of this number: as it was heard then, or now.
    pub(super) async fn listen(&self, ear: &mut Ear<'_>, at: u32) -> Result<Vec<String>, Halt> {
        let Ear { company, place: Some(place), after } = ear else { return Ok(Vec::new()) };
        let next = Next::new(
            place.take_one(),
            StepKind::Decision,
            "decision:hear".to_owned(),
            &place.head,
            &json!({ "at": at }),
        );
        place.head = next.hash;
        let (heard, mut said) = if let Some(step) = place.recorded(next.key) {
            self.same(&next, &step).await?;
            (record::read::<Heard>(&step)?, None)
        } else {
            self.job.border()?;
            let said = company.hear(*after).await?;
            let heard = Heard { at, upto: said.last().map_or(*after, |(number, _)| *number) };
            // A call that was begun must be the same when it is made again: so also silence is on record.
            match self.note(&next, &json!({ "at": at }), &heard).await? {
                None => (heard, Some(said)),
                Some(earlier) => (record::read(&earlier)?, None),
            }
        };
        if said.is_none() && heard.upto > *after {
            said = Some(company.hear(*after).await?);
        }
        *after = heard.upto.max(*after);
        let said = said.unwrap_or_default().into_iter();
        Ok(said.filter(|(number, _)| *number <= heard.upto).map(|(_, text)| text).collect())
    }
}

/// How much of a history may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// As the agent has it.
    pub usual: u64,
    /// As the model has it.
    pub most: u64,
}

/// Tokens of a text, as rooms count.
pub fn count(text: &str) -> u64 {
    tokens::count(text)
}
