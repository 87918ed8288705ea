//! The engine on real stores: what happens to jobs, whatever their handlers, the store and the operator do.

mod claiming;
mod faults;
mod outcomes;
mod place;
#[path = "../support/servers.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod servers;
mod shutdown;
mod world;

/// Makes a test of each case on each store, named `store::topic::case`.
macro_rules! suite {
    ($($topic:ident::{$($case:ident),* $(,)?}),* $(,)?) => {
        on_store! { remote, $($topic::{$($case),*}),* }
        on_store! { file, $($topic::{$($case),*}),* }
    };
}

macro_rules! on_store {
    ($store:ident, $($topic:ident::{$($case:ident),*}),*) => {
        mod $store {
            $(mod $topic {
                $(#[tokio::test]
                async fn $case() {
                    crate::$topic::$case(&crate::place::Place::$store().await).await;
                })*
            })*
        }
    };
}

suite! {
    claiming::{
        concurrency_is_used_and_never_exceeded,
        queues_share_the_slots_by_weight_and_none_starves,
        an_idle_worker_starts_a_new_job_without_waiting_for_the_poll,
        leases_are_renewed_while_every_slot_is_busy,
        a_run_whose_lease_was_lost_records_nothing,
        a_handler_hears_that_its_lease_is_lost,
    },
    faults::{
        results_wait_for_a_store_that_is_down,
        a_worker_that_starts_while_the_store_is_down_works_once_it_is_up,
        a_lost_reply_records_no_result_twice,
        a_result_that_the_store_refuses_fails_its_job_and_says_why,
        one_refused_batch_does_not_cost_the_others_their_results,
        a_fleet_ends_although_the_store_is_gone,
    },
    outcomes::{
        jobs_are_completed_with_their_output,
        a_panic_is_a_failed_attempt_with_its_message,
        a_failed_attempt_is_made_again_until_it_works,
        a_snooze_spends_no_attempt,
        the_whole_job_timeout_is_a_failure,
        an_unknown_kind_is_left_alone_and_blocks_nobody,
        a_payload_that_does_not_parse_fails_and_names_the_field,
        a_running_job_is_told_of_a_cancel_within_a_second,
        a_handler_that_ignores_its_cancel_is_dropped,
        everything_said_is_kept_before_the_result,
    },
    shutdown::{
        a_running_job_finishes_and_no_new_one_starts,
        a_job_that_overruns_the_drain_is_handed_over_unspent,
        a_handler_that_returns_when_asked_to_stop_is_handed_over_too,
        a_hard_stop_ends_at_once_and_gives_the_job_back,
        a_cancel_still_reaches_a_job_while_draining,
        a_fleet_without_work_ends_at_once,
        the_next_run_goes_on_where_the_last_one_was,
        a_record_that_forgot_only_costs_time,
    },
}
