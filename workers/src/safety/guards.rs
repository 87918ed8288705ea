//! What holds for which agent.

use super::{Cleaned, Hidden, Verdict, clean, rules::Rules};
use crate::metrics::AgentMetrics;
use std::{collections::BTreeMap, sync::Arc};

/// The rules of every agent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Guards {
    of_all: Arc<Rules>,
    own: Arc<BTreeMap<String, Rules>>,
    metrics: Option<Arc<AgentMetrics>>,
}

impl Guards {
    /// Those of agents that have their own, and those of all others.
    #[must_use]
    pub fn new(of_all: Rules, own: BTreeMap<String, Rules>) -> Self {
        Self { of_all: Arc::new(of_all), own: Arc::new(own), metrics: None }
    }

    /// The same, which count what they find.
    #[must_use]
    pub fn counting(mut self, metrics: Arc<AgentMetrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// The rules of an agent.
    #[must_use]
    pub fn of(&self, agent: &str) -> &Rules {
        self.own.get(agent).unwrap_or(&self.of_all)
    }

    /// Looks at a message to an agent.
    #[must_use]
    pub fn look(&self, agent: &str, message: &str) -> Verdict {
        let rules = self.of(agent);
        let verdict = rules.look(message);
        if let Some(metrics) = &self.metrics {
            metrics.looked(agent, rules.settings().injection, &verdict);
        }
        verdict
    }

    /// What a tool brought from outside, without what people would not see of it where the agent's messages are without
    /// that too.
    #[must_use]
    pub fn shown(&self, agent: &str, said: &str) -> String {
        if self.of(agent).settings().hidden == Hidden::Keep {
            return said.to_owned();
        }
        let Cleaned { text, characters, passages } = clean(said);
        if let Some(metrics) = &self.metrics {
            metrics.cleaned(agent, characters, passages);
        }
        text.into_owned()
    }

    /// Lets a whole answer of an agent through.
    #[must_use]
    pub fn pass(&self, agent: &str, answer: &str) -> String {
        let (text, held) = super::Gate::pass(self.of(agent).settings(), answer);
        if let Some(metrics) = &self.metrics {
            metrics.held(agent, held);
        }
        text
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self::new(Rules::default(), BTreeMap::new())
    }
}
