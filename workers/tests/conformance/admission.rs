//! What cases about providers' limits have in common.

pub mod breaker;
pub mod line;
pub mod rate;
pub mod shared;
pub mod streams;

use crate::fixture::Fixture;
use flotilla_workers::{
    admission::{Admitted, Ask, BreakerLimits, Lane, LaneLimits, Permit, Used, Why},
    store::Store,
};
use std::time::Duration;

/// How long a breaker of these cases stays open.
pub const REST: Duration = Duration::from_secs(30);
/// How long a call of these cases counts that is never released.
pub const CALL: Duration = Duration::from_mins(2);

/// A lane of the provider `one`.
pub fn lane(model: &str) -> Lane {
    Lane { provider: "one".to_owned(), key: "main".to_owned(), model: model.to_owned() }
}

/// A call that needs ten tokens in and ten out.
pub fn ask(holder: &str, limits: LaneLimits) -> Ask {
    Ask {
        lane: lane("large"),
        limits,
        breaker: BreakerLimits { failures: 3, rest: REST },
        holder: holder.to_owned(),
        input: 10,
        output: 10,
        lease: CALL,
    }
}

pub fn requests(a_minute: u64) -> LaneLimits {
    LaneLimits { requests_per_minute: Some(a_minute), ..LaneLimits::default() }
}

pub fn streams(at_once: u32) -> LaneLimits {
    LaneLimits { streams: Some(at_once), ..LaneLimits::default() }
}

/// The permit of a call that goes.
pub async fn go(store: &dyn Store, ask: &Ask) -> Permit {
    match store.admit(ask).await.unwrap() {
        Admitted::Go(permit) => permit,
        other => panic!("{} should go: {other:?}", ask.holder),
    }
}

/// How long a call has to wait that has to.
pub async fn wait(store: &dyn Store, ask: &Ask, reason: Why) -> Duration {
    match store.admit(ask).await.unwrap() {
        Admitted::Wait { wait, why } if why == reason => wait,
        other => panic!("{} should wait: {other:?}", ask.holder),
    }
}

/// Says how a call ended.
pub async fn release(store: &dyn Store, permit: Permit, used: Used) {
    store.release(permit, used).await.unwrap();
}

suite! {
    shared::{
        other_lanes_and_stores_see_the_same,
        names_that_look_alike_are_apart,
    },
    breaker::{
        failures_in_a_row_open_it_for_all,
        an_answer_in_between_starts_the_count_again,
        after_its_rest_one_may_try,
        whoever_tries_in_vain_lets_it_rest_again,
        whoever_tries_and_dies_is_followed_by_another,
        who_waited_first_tries_first,
        calls_from_before_it_opened_change_nothing,
        it_opens_at_once_where_trying_is_useless,
    },
    line::{
        a_burst_of_57_uses_what_is_allowed,
        a_burst_by_tokens_uses_what_is_allowed,
        output_that_is_given_back_is_used,
        a_line_by_several_processes_uses_what_is_allowed,
        a_newcomer_overtakes_nobody,
        there_may_be_room_behind_those_who_wait,
        who_does_not_come_back_loses_its_place,
        who_leaves_makes_room,
        of_two_at_once_one_gets_the_last_place,
        of_a_crowd_as_many_go_as_are_allowed,
        a_backlog_of_one_lane_holds_no_other_up,
        a_long_line_is_told_about_how_long_it_is,
    },
    rate::{
        a_minutes_worth_goes_at_once_and_then_as_it_comes_back,
        tokens_are_counted_in_and_out,
        what_was_not_used_is_given_back,
        what_was_used_beyond_the_estimate_is_taken,
        a_call_that_never_fits_is_refused_at_once,
        without_limits_everyone_goes,
        the_provider_corrects_downward,
        what_the_provider_said_is_over_when_it_said,
        a_later_word_lifts_an_earlier_one,
        the_provider_is_heard_where_we_have_no_limit,
        a_lane_sleeps_for_everyone,
    },
    streams::{
        as_many_go_at_once_as_are_allowed,
        a_free_stream_is_for_whom_was_first,
        a_stream_whose_holder_died_counts_no_more,
        who_asks_again_keeps_its_stream,
        a_stream_may_be_asked_for_without_a_limit,
    },
}
