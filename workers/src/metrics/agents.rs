//! The metrics of agents: what they call, what it takes and what it costs.
//!
//! Labels stay few: providers, models, tools and agents come from the configuration, the rest from fixed lists. What is
//! not from there (the model that a provider says answered, a tool that a model made up) is no label.

use super::{counters, gauges, histograms};
use crate::{
    admission::{LaneState, Why},
    ledger::{Budget, Fill, Period, Scope},
    safety::{Action, Held, Verdict},
};
use flotilla_jobs::{MicroUsd, Usage};
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry};
use std::{sync::Arc, time::Duration};

/// From a small model nearby to a long answer, in seconds.
const CALL_SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// From reading a line to a tool at its limit, in seconds.
const TOOL_SECONDS: &[f64] = &[0.000_5, 0.002, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0];
/// From no wait to a job that is put off, in seconds.
const WAIT_SECONDS: &[f64] = &[0.001, 0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 600.0];
/// Steps of a run.
const STEPS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// Counters and histograms of agents.
#[derive(Debug)]
pub struct AgentMetrics {
    calls: IntCounterVec,
    tokens: IntCounterVec,
    cost: IntCounterVec,
    unpriced: IntCounterVec,
    first_token: HistogramVec,
    call: HistogramVec,
    retries: IntCounterVec,
    waits: HistogramVec,
    breaker: IntGaugeVec,
    asleep: IntGaugeVec,
    streams: IntGaugeVec,
    waiting: IntGaugeVec,
    budget_cost: IntGaugeVec,
    budget_tokens: IntGaugeVec,
    tool_calls: IntCounterVec,
    tool: HistogramVec,
    tool_ready: IntGaugeVec,
    runs: IntCounterVec,
    steps: HistogramVec,
    safety: IntCounterVec,
    cache: IntCounterVec,
    cache_saved: IntCounterVec,
}

/// A call of a model that ended.
#[derive(Clone, Copy, Debug)]
pub struct CallEnded<'a> {
    /// By its name in the configuration.
    pub provider: &'a str,
    /// By its name in the configuration.
    pub model: &'a str,
    /// `ok`, or the code of [`Class`](crate::agents::model::Class).
    pub outcome: &'static str,
    /// `None` where the provider did not say.
    pub usage: Option<&'a Usage>,
    /// `None` where the price is not known.
    pub cost: Option<MicroUsd>,
    /// From the request to the first event that says something; `None` where there was none.
    pub first_token: Option<Duration>,
    #[allow(missing_docs)]
    pub took: Duration,
}

impl AgentMetrics {
    pub(super) fn new(r: &Registry) -> Arc<Self> {
        let call = ["provider", "model"];
        Arc::new(Self {
            calls: counters(
                r,
                "flotilla_model_calls_total",
                "Model calls that ended, by how.",
                &["provider", "model", "outcome"],
            ),
            tokens: counters(
                r,
                "flotilla_model_tokens_total",
                "Tokens as providers count them; `reasoning` is part of `output`, the others do not overlap.",
                &["provider", "model", "type"],
            ),
            cost: counters(
                r,
                "flotilla_model_cost_microusd_total",
                "What calls cost, in millionths of a dollar.",
                &call,
            ),
            unpriced: counters(
                r,
                "flotilla_model_calls_unpriced_total",
                "Calls that answered and whose cost is not known: a model without a price, or no usage.",
                &call,
            ),
            first_token: histograms(
                r,
                "flotilla_model_first_token_seconds",
                "From the request until a model says something.",
                &call,
                CALL_SECONDS,
            ),
            call: histograms(r, "flotilla_model_call_seconds", "How long model calls took.", &call, CALL_SECONDS),
            retries: counters(
                r,
                "flotilla_model_retries_total",
                "Model calls that were made again, by why.",
                &["provider", "cause"],
            ),
            waits: histograms(
                r,
                "flotilla_admission_wait_seconds",
                "How long calls waited to be let through; `none` went at once.",
                &["provider", "why"],
                WAIT_SECONDS,
            ),
            breaker: gauges(r, "flotilla_provider_breaker_open", "1 while a provider is left alone.", &["provider"]),
            asleep: gauges(r, "flotilla_lane_asleep", "1 while a provider asked for quiet.", &["lane"]),
            streams: gauges(r, "flotilla_lane_streams", "Calls of a lane that go on, fleet-wide.", &["lane"]),
            waiting: gauges(r, "flotilla_lane_waiting", "Calls that wait for a lane, fleet-wide.", &["lane"]),
            budget_cost: gauges(
                r,
                "flotilla_budget_microusd",
                "What the fleet spent and holds, in millionths of a dollar.",
                &["period", "state"],
            ),
            budget_tokens: gauges(
                r,
                "flotilla_budget_tokens",
                "Tokens that the fleet used and holds.",
                &["period", "state"],
            ),
            tool_calls: counters(r, "flotilla_tool_calls_total", "Tool calls that ended, by how.", &["tool", "status"]),
            tool: histograms(r, "flotilla_tool_call_seconds", "How long tool calls took.", &["tool"], TOOL_SECONDS),
            tool_ready: gauges(
                r,
                "flotilla_tool_ready",
                "1 where a tool that acts can be used, 0 where it is off or refuses every call.",
                &["tool"],
            ),
            runs: counters(r, "flotilla_agent_runs_total", "Runs of agents that ended, by how.", &["agent", "outcome"]),
            steps: histograms(r, "flotilla_agent_steps", "Steps of runs that ended.", &["agent"], STEPS),
            safety: counters(
                r,
                "flotilla_safety_total",
                "What was found in messages to agents (rules that they fit, hidden text, also in what tools bring), and kept back of answers.",
                &["agent", "rule", "action"],
            ),
            cache: counters(
                r,
                "flotilla_model_cache_total",
                "Looks for answers given before (hit, miss), answers too large to keep, and times the store did not answer.",
                &["agent", "result"],
            ),
            cache_saved: counters(
                r,
                "flotilla_model_cache_saved_microusd_total",
                "What answers that were found again would have cost, in millionths of a dollar.",
                &["agent"],
            ),
        })
    }

    /// A call of a model ended. The steps before it (that it waited, that it was made again) are counted by themselves.
    pub fn call_ended(&self, call: &CallEnded<'_>) {
        let labels = [call.provider, call.model];
        self.calls.with_label_values(&[call.provider, call.model, call.outcome]).inc();
        self.call.with_label_values(&labels).observe(call.took.as_secs_f64());
        if let Some(first) = call.first_token {
            self.first_token.with_label_values(&labels).observe(first.as_secs_f64());
        }
        if let Some(usage) = call.usage {
            let by_type = [
                ("input", usage.input),
                ("cache_read", usage.cache_read),
                ("cache_write", usage.cache_write),
                ("cache_write_1h", usage.cache_write_1h),
                ("output", usage.output),
                ("reasoning", usage.reasoning),
            ];
            for (name, tokens) in by_type {
                self.tokens.with_label_values(&[call.provider, call.model, name]).inc_by(tokens);
            }
        }
        match call.cost {
            Some(cost) => self.cost.with_label_values(&labels).inc_by(cost.0),
            None if call.outcome == "ok" => self.unpriced.with_label_values(&labels).inc(),
            None => {}
        }
    }

    /// A call is made again, because of that: the code of its failure.
    pub fn retried(&self, provider: &str, cause: &'static str) {
        self.retries.with_label_values(&[provider, cause]).inc();
    }

    /// A call was let through or put off, after so long.
    pub fn waited(&self, provider: &str, why: Option<Why>, waited: Duration) {
        let why = why.map_or("none", Why::as_str);
        self.waits.with_label_values(&[provider, why]).observe(waited.as_secs_f64());
    }

    /// A tool returned, with `status` from a fixed list.
    pub fn tool_ended(&self, tool: &str, status: &'static str, time: Duration) {
        self.tool_calls.with_label_values(&[tool, status]).inc();
        self.tool.with_label_values(&[tool]).observe(time.as_secs_f64());
    }

    /// What a message to an agent was looked at for.
    pub fn looked(&self, agent: &str, action: Action, verdict: &Verdict) {
        let hidden = [("hidden-characters", verdict.characters), ("hidden-passages", verdict.passages)];
        let rules = verdict.hits.iter().map(|hit| (hit.rule.as_str(), hit.count));
        let action = if verdict.refused.is_some() { "refused" } else { action.as_str() };
        for (rule, count) in rules.chain(hidden.into_iter().filter(|(_, count)| *count > 0)) {
            self.safety.with_label_values(&[agent, rule, action]).inc_by(count);
        }
    }

    /// An answer was looked for among those given before, or was to be kept.
    pub fn cache(&self, agent: &str, result: &'static str) {
        self.cache.with_label_values(&[agent, result]).inc();
    }

    /// An answer was found again, which would have cost so much.
    pub fn cache_saved(&self, agent: &str, saved: MicroUsd) {
        self.cache_saved.with_label_values(&[agent]).inc_by(saved.0);
    }

    /// What was hidden in what a tool brought.
    pub fn cleaned(&self, agent: &str, characters: u64, passages: u64) {
        for (rule, count) in [("hidden-characters", characters), ("hidden-passages", passages)] {
            if count > 0 {
                self.safety.with_label_values(&[agent, rule, "stripped"]).inc_by(count);
            }
        }
    }

    /// What of an answer was kept back.
    pub fn held(&self, agent: &str, held: Held) {
        for (rule, count) in [("secret", held.secrets), ("link", held.links)] {
            if count > 0 {
                self.safety.with_label_values(&[agent, rule, "held"]).inc_by(count);
            }
        }
    }

    /// Whether a tool that acts can be used here.
    pub fn tool_ready(&self, tool: &str, ready: bool) {
        self.tool_ready.with_label_values(&[tool]).set(ready.into());
    }

    /// A run ended after so many steps, with `outcome` from a fixed list.
    pub fn run_ended(&self, agent: &str, outcome: &'static str, steps: u64) {
        self.runs.with_label_values(&[agent, outcome]).inc();
        self.steps.with_label_values(&[agent]).observe(steps as f64);
    }

    /// The state of every lane, fleet-wide; those that are gone disappear.
    pub fn collect_lanes(&self, lanes: &[LaneState]) {
        for gauge in [&self.breaker, &self.asleep, &self.streams, &self.waiting] {
            gauge.reset();
        }
        for state in lanes {
            let name = state.lane.to_string();
            self.breaker.with_label_values(&[&state.lane.provider]).set(i64::from(state.open.is_some()));
            self.asleep.with_label_values(&[&name]).set(i64::from(state.asleep.is_some()));
            self.streams.with_label_values(&[&name]).set(i64::from(state.streams));
            self.waiting.with_label_values(&[&name]).set(i64::from(state.waiting));
        }
    }

    /// How full budgets are. Only those of the fleet are shown: jobs, sessions and tenants are as many as users make.
    pub fn collect_budgets(&self, budgets: &[(Budget, Fill)]) {
        for (budget, fill) in budgets.iter().filter(|(budget, _)| budget.scope == Scope::Fleet) {
            let period = match budget.period {
                Period::Total => "total",
                Period::Day => "day",
            };
            for (state, hold) in [("spent", fill.spent), ("held", fill.held)] {
                let cost = i64::try_from(hold.cost.0).unwrap_or(i64::MAX);
                self.budget_cost.with_label_values(&[period, state]).set(cost);
                let tokens = i64::try_from(hold.tokens).unwrap_or(i64::MAX);
                self.budget_tokens.with_label_values(&[period, state]).set(tokens);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{admission::Lane, ledger::Hold, metrics::Metrics};

    #[test]
    fn what_agents_do_is_counted() {
        let metrics = Metrics::new();
        let agents = metrics.agents();
        let usage = Usage { input: 100, output: 20, reasoning: 5, ..Usage::default() };
        let call = CallEnded {
            provider: "one",
            model: "large",
            outcome: "ok",
            usage: Some(&usage),
            cost: Some(MicroUsd(1_234)),
            first_token: Some(Duration::from_millis(300)),
            took: Duration::from_secs(2),
        };
        agents.call_ended(&call);
        agents.call_ended(&CallEnded { cost: None, ..call });
        agents.call_ended(&CallEnded { cost: None, usage: None, outcome: "cut", ..call });
        agents.retried("one", "cut");
        agents.waited("one", Some(Why::Streams), Duration::from_millis(250));
        agents.waited("one", None, Duration::ZERO);
        agents.tool_ended("grep", "ok", Duration::from_millis(3));
        agents.run_ended("reviewer", "done", 12);
        agents.cache("reviewer", "hit");
        agents.cache_saved("reviewer", MicroUsd(77));
        let lane = Lane { provider: "one".into(), key: "main".into(), model: "large".into() };
        let state = LaneState { lane, streams: 3, waiting: 7, asleep: None, open: Some(Duration::from_secs(9)) };
        agents.collect_lanes(&[state]);
        let fill = Fill { spent: Hold { cost: MicroUsd(5), tokens: 7 }, held: Hold { cost: MicroUsd(2), tokens: 3 } };
        let fleet = Budget { scope: Scope::Fleet, period: Period::Day };
        let tenant = Budget { scope: Scope::Tenant("acme".into()), period: Period::Day };
        agents.collect_budgets(&[(fleet, fill), (tenant, fill)]);
        let text = metrics.render();
        for line in [
            r#"flotilla_model_calls_total{model="large",outcome="ok",provider="one"} 2"#,
            r#"flotilla_model_tokens_total{model="large",provider="one",type="input"} 200"#,
            r#"flotilla_model_cost_microusd_total{model="large",provider="one"} 1234"#,
            r#"flotilla_model_calls_unpriced_total{model="large",provider="one"} 1"#,
            r#"flotilla_model_retries_total{cause="cut",provider="one"} 1"#,
            r#"flotilla_admission_wait_seconds_count{provider="one",why="streams"} 1"#,
            r#"flotilla_provider_breaker_open{provider="one"} 1"#,
            r#"flotilla_lane_waiting{lane="one/main/large"} 7"#,
            r#"flotilla_budget_microusd{period="day",state="spent"} 5"#,
            r#"flotilla_tool_calls_total{status="ok",tool="grep"} 1"#,
            r#"flotilla_agent_steps_sum{agent="reviewer"} 12"#,
            r#"flotilla_model_cache_total{agent="reviewer",result="hit"} 1"#,
            r#"flotilla_model_cache_saved_microusd_total{agent="reviewer"} 77"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("acme"), "users make tenants");
        agents.collect_lanes(&[]);
        assert!(!metrics.render().contains("one/main/large"));
    }
}
