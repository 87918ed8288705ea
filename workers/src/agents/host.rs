//! What a process has for agents: made once by the binary, shared by all runs.

use super::{
    budget::Budgets,
    call::{Answers, CacheLimits, Speak},
    definition::{Definition, Definitions},
    gate::Gate,
    halt::Halt,
    kit::Kit,
    learned::Learned,
    meter::Meter,
    model::{Catalog, Route},
    patience::SHORT,
    plan::Plan,
    run::Run,
    thread::Threads,
    traced,
};
use crate::{
    admission::Admission,
    approvals::{self, Approvals},
    cache::Cache,
    clock::Clock,
    journal::{Journal, Lease, Opened, RunStart, Step},
    ledger::Ledger,
    metrics::AgentMetrics,
    safety::Guards,
};
use serde::Serialize;
use serde_json::to_value;
use std::{fmt, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The route of agents whose own is not configured.
const ANY: &str = "default";
/// Steps that are read at once.
const PAGE: u32 = 500;

/// What agents need of the rest of the process.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Means {
    pub catalog: Arc<Catalog>,
    pub client: Arc<dyn Speak>,
    pub journal: Arc<dyn Journal>,
    pub ledger: Arc<dyn Ledger>,
    pub admission: Arc<dyn Admission>,
    pub budgets: Budgets,
    pub definitions: Definitions,
    pub metrics: Arc<AgentMetrics>,
    /// Whose time a run's wall limit goes by.
    pub clock: Clock,
}

/// What a process has for agents. Cheap to clone.
#[derive(Clone)]
pub struct Agents {
    pub(super) means: Arc<Means>,
    pub(super) learned: Arc<Learned>,
    pub(super) gate: Gate,
    /// Whether spans show what is said.
    pub(super) prompts: bool,
    /// Tools that act.
    pub(super) kit: Arc<Kit>,
    /// Where people are asked.
    pub(super) approvals: Option<Arc<dyn Approvals>>,
    /// Where answers are found again.
    pub(super) answers: Option<Answers>,
    guards: Guards,
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents").finish_non_exhaustive()
    }
}

/// Something that a run says while it goes on. Never the truth: that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// How far it is.
    Progress {
        #[allow(missing_docs)]
        done: u64,
        #[allow(missing_docs)]
        total: Option<u64>,
        #[allow(missing_docs)]
        message: String,
    },
    /// A piece of what a model says in a thread.
    Text {
        #[allow(missing_docs)]
        thread: u32,
        /// Which of the thread's steps of models, from 1.
        step: u32,
        /// Which call for that step, from 1.
        attempt: u32,
        #[allow(missing_docs)]
        text: String,
    },
    /// The call begins anew: what was shown of that step's answer so far is void.
    Again {
        #[allow(missing_docs)]
        thread: u32,
        #[allow(missing_docs)]
        step: u32,
        #[allow(missing_docs)]
        attempt: u32,
    },
}

/// The job that a run is for. Cheap to clone.
#[derive(Clone)]
pub struct JobRef {
    /// The right to run it: steps go on record under it only.
    pub lease: Lease,
    /// Whose it is.
    pub tenant: String,
    /// The session it belongs to.
    pub session: Option<String>,
    /// Cancelled when the job must end now.
    pub cancelled: CancellationToken,
    /// Cancelled when it should stop at its next step.
    pub stopping: CancellationToken,
    /// Told what goes on.
    pub say: Arc<dyn Fn(Said) + Send + Sync>,
}

impl fmt::Debug for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobRef").field("job", &self.lease.job()).finish_non_exhaustive()
    }
}

impl Agents {
    #[allow(missing_docs)]
    pub fn new(means: Means) -> Self {
        let gate = Gate::new(Arc::clone(&means.admission), Arc::clone(&means.metrics));
        Self {
            means: Arc::new(means),
            learned: Arc::default(),
            gate,
            prompts: false,
            kit: Arc::default(),
            approvals: None,
            answers: None,
            guards: Guards::default(),
        }
    }

    /// The same, whose spans show what models and tools are told and say.
    #[must_use]
    pub fn tracing_prompts(mut self, prompts: bool) -> Self {
        self.prompts = prompts;
        self
    }

    /// The same with tools that act.
    #[must_use]
    pub fn acting(mut self, kit: Kit) -> Self {
        self.kit = Arc::new(kit);
        self
    }

    /// The same, where people can be asked whether a call may be made.
    #[must_use]
    pub fn asking(mut self, approvals: Arc<dyn Approvals>) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// The same, which finds answers again for agents whose files ask for it.
    #[must_use]
    pub fn caching(mut self, cache: Arc<dyn Cache>, limits: CacheLimits) -> Self {
        self.answers = Some(Answers { cache, limits });
        self
    }

    /// Where what is made can be found again, and how much of it.
    pub fn cache(&self) -> Option<(&Arc<dyn Cache>, CacheLimits)> {
        self.answers.as_ref().map(|answers| (&answers.cache, answers.limits))
    }

    /// The tools that act.
    pub fn kit(&self) -> &Kit {
        &self.kit
    }

    /// The same, whose answers go by these.
    #[must_use]
    pub fn guarded(mut self, guards: Guards) -> Self {
        self.guards = guards;
        self
    }

    /// What answers go by.
    pub fn guards(&self) -> &Guards {
        &self.guards
    }

    /// The models that agents may use.
    pub fn catalog(&self) -> &Catalog {
        &self.means.catalog
    }

    /// Whether anything can be asked at all.
    pub fn has_models(&self) -> bool {
        self.means.catalog.models().next().is_some()
    }

    /// The agents there are.
    pub fn definitions(&self) -> &Definitions {
        &self.means.definitions
    }

    /// Opens the run of a job: the one on record, or a new one that keeps `extra` beside its agent's definition and
    /// models for as long as it lasts.
    ///
    /// A run whose agent was changed since it began goes on with what it began with, or another one takes its place
    /// from the first step on, as the agent says (`on_change`); the latter also where none of its models is left.
    pub async fn open(&self, job: JobRef, agent: &str, extra: &impl Serialize) -> Result<Run, Halt> {
        self.open_on(job, agent, None, extra).await
    }

    /// The same with a route instead of the agent's own; one that is not configured counts for nothing. A run goes on with
    /// the route that it began with.
    pub async fn open_on(
        &self,
        job: JobRef,
        agent: &str,
        route: Option<&str>,
        extra: &impl Serialize,
    ) -> Result<Run, Halt> {
        self.learned.refresh(&*self.means.ledger).await;
        let fresh = self.plan(agent, route, extra);
        let start = RunStart {
            agent: agent.to_owned(),
            tenant: job.tenant.clone(),
            session: job.session.clone(),
            plan: match &fresh {
                Ok(plan) => plan.write()?,
                // An agent that is gone can still be finished, so what is on record is asked for first.
                Err(_) => serde_json::value::RawValue::NULL.to_owned(),
            },
        };
        let journal = &self.means.journal;
        let opened = job.patiently(SHORT, || journal.open_run(&job.lease, start.clone())).await?;
        let mut opened = opened.ok_or(Halt::LeaseLost)?;
        let resumed = !opened.fresh;
        let pinned = Plan::read(&opened.plan).filter(|pinned| self.goes_on(pinned, fresh.as_ref().ok()));
        let (plan, fresh) = match (pinned, fresh) {
            (Some(pinned), fresh) => (pinned, fresh.ok()),
            (None, Err(halt)) => return Err(halt),
            (None, Ok(fresh)) => {
                tracing::info!(agent, run = %opened.run, "the agent changed since the run began: another run takes its place");
                let start = RunStart { plan: fresh.write()?, ..start };
                let again = job.patiently(SHORT, || journal.restart_run(&job.lease, start.clone())).await?;
                opened = again.ok_or(Halt::LeaseLost)?;
                (fresh.clone(), Some(fresh))
            }
        };
        let steps = if opened.fresh { Vec::new() } else { self.read(&job, &opened).await? };
        if !opened.fresh {
            opened.started_at += self.waited(&job, &plan.definition).await?;
        }
        let meter = Meter::new(plan.definition.limits, &opened, &steps, self.means.clock.clone());
        let span = traced::run(&plan.definition.name, opened.run, &job);
        let threads = Threads::new(steps);
        Ok(Run { agents: self.clone(), job, id: opened.run, plan, fresh, meter, threads, span, resumed })
    }

    /// Which models may do what an agent does, or a part of it that has a route of its `own`.
    pub(super) fn route(&self, definition: &Definition, own: Option<&str>, wanted: Option<&str>) -> Option<Arc<Route>> {
        let catalog = &self.means.catalog;
        let own = own.and_then(|name| catalog.route(name));
        let wanted = own.or_else(|| wanted.and_then(|name| catalog.route(name)));
        wanted.or_else(|| catalog.route(&definition.route)).or_else(|| catalog.route(ANY))
    }

    /// What a run that begins now would pin.
    fn plan(&self, agent: &str, wanted: Option<&str>, extra: &impl Serialize) -> Result<Plan, Halt> {
        let unknown = || {
            let known: Vec<_> = self.means.definitions.names().collect();
            Halt::fail("unknown_agent", format!("there is no agent `{agent}`; known are: {}", known.join(", ")))
        };
        let definition: &Definition = self.means.definitions.get(agent).ok_or_else(unknown)?;
        let route = self.route(definition, None, wanted).ok_or_else(|| no_route(definition))?;
        let own = definition.parts.values().filter_map(|part| self.means.catalog.route(part.route.as_deref()?));
        let routes: Vec<Arc<Route>> = std::iter::once(route).chain(own).collect();
        let mut models: Vec<String> = Vec::new();
        for choice in routes.iter().flat_map(|route| &route.models) {
            if !models.contains(&choice.model) {
                models.push(choice.model.clone());
            }
        }
        let extra = to_value(extra).map_err(|error| Halt::fail("plan", format!("`extra` is not JSON: {error}")))?;
        let route = wanted.map(str::to_owned);
        Ok(Plan { definition: definition.clone(), hash: definition.hash(), models, route, extra, diverged: None })
    }

    /// Whether a run may go on with the plan it began with.
    fn goes_on(&self, pinned: &Plan, fresh: Option<&Plan>) -> bool {
        use super::definition::OnChange;
        let has_model = pinned.models.iter().any(|model| self.means.catalog.model(model).is_some());
        let same = fresh.is_none_or(|fresh| fresh.hash == pinned.hash);
        has_model && (same || pinned.definition.on_change == OnChange::Finish)
    }

    /// How long the job waited for people: that is not its agent's time.
    async fn waited(&self, job: &JobRef, agent: &Definition) -> Result<Duration, Halt> {
        let asks = !agent.approval.is_empty() || !self.kit.approval.is_empty();
        let Some(approvals) = self.approvals.as_ref().filter(|_| asks) else { return Ok(Duration::ZERO) };
        let id = job.lease.job();
        let list = || approvals.list_approvals(None, Some(id), None, approvals::MAX_PAGE);
        Ok(Run::waited(&job.patiently(SHORT, list).await?))
    }

    /// All finished steps of a run.
    async fn read(&self, job: &JobRef, opened: &Opened) -> Result<Vec<Step>, Halt> {
        let mut steps: Vec<Step> = Vec::new();
        loop {
            let after = steps.last().map(|step| step.key);
            let page = job.patiently(SHORT, || self.means.journal.steps(opened.run, after, PAGE)).await?;
            let last = (page.len() as u32) < PAGE;
            steps.extend(page);
            if last {
                return Ok(steps);
            }
        }
    }
}

fn no_route(definition: &Definition) -> Halt {
    let (agent, route) = (&definition.name, &definition.route);
    let what = format!(
        "agent `{agent}` asks for the route `{route}`, which is not configured, and neither is `{ANY}`; add [routes.{route}] with its models"
    );
    Halt::fail("no_model", what)
}
