//! One suite for both stores: every behavior of the seam is a case, and every case runs on SQLite and on Redis with
//! Postgres. A case knows no driver; a bug found in one store becomes a case, and so is checked in both.

#![allow(clippy::unchecked_time_subtraction, reason = "times in the cases are constants")]

#[path = "../support/servers.rs"]
#[allow(dead_code, reason = "shared with fault tests, which kill and freeze servers")]
mod servers;

mod draft;
mod fixture;
mod paid;

mod accept;
mod approvals;
mod budget;
mod cache;
mod cancel;
mod contention;
mod crowd;
mod delay;
mod group_line;
mod group_slot;
mod idempotency;
mod journal;
mod lead;
mod lease;
mod ledger;
mod list;
mod live;
mod model;
mod operator;
mod order;
mod parked;
mod pressure;
mod prune;
mod queues;
mod reconcile;
mod rescue;
mod settle;
mod signals;
mod stale;
mod trail;
mod unique;

/// Makes a test of each case on each store, named `store::topic::case`.
macro_rules! suite {
    ($($topic:ident::{$($case:ident),* $(,)?}),* $(,)?) => {
        on_store! { remote, crate::fixture::remote::Remote, $($topic::{$($case),*}),* }
        on_store! { sqlite, crate::fixture::sqlite::Sqlite, $($topic::{$($case),*}),* }
    };
}

macro_rules! on_store {
    ($store:ident, $fixture:path, $($topic:ident::{$($case:ident),*}),*) => {
        mod $store {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let fixture = <$fixture as crate::fixture::Fixture>::start().await;
                    let case = super::super::$topic::$case(&fixture);
                    tokio::time::timeout(crate::fixture::CASE_LIMIT, case).await.expect("the case ends in time");
                    crate::fixture::Fixture::close(&fixture).await;
                })*
            })*
        }
    };
}

// These keep their own lists of cases.
mod admission;
mod agents;
mod archive;
mod sessions;

suite! {
    accept::{
        an_accepted_job_is_on_record,
        a_delayed_job_says_when_it_runs,
        a_claimed_job_is_running,
        answers_come_in_the_order_given,
        an_empty_batch_is_nothing,
        a_batch_may_be_a_thousand_jobs,
        small_submits_at_once_are_all_accepted,
        a_job_may_span_queues_with_its_batch,
        a_payload_may_be_a_megabyte,
        every_letter_survives,
        any_json_may_be_a_payload,
        an_id_nobody_has_is_not_on_record,
        another_opening_sees_the_same_jobs,
        a_store_says_that_it_is_well,
    },
    cancel::{
        a_pending_job_is_cancelled_at_once,
        a_scheduled_job_is_cancelled_at_once,
        a_job_between_attempts_is_cancelled_at_once,
        a_paused_job_is_cancelled_at_once,
        a_job_in_its_groups_line_is_cancelled_at_once,
        a_running_job_is_asked_to_stop,
        a_job_asked_to_stop_never_runs_again,
        a_job_that_ends_anyway_ends_as_it_says,
        the_wish_is_remembered_while_no_worker_is_there,
        the_wish_reaches_a_worker_that_lost_its_lease_too_late,
        a_rescued_job_is_cancelled_at_once,
        a_finished_job_stays_as_it_is,
        a_retried_job_may_be_cancelled,
        answers_come_in_the_order_given,
        a_thousand_are_cancelled_at_once,
        a_cancel_and_a_claim_at_once_agree,
    },
    contention::{
        random_operations_agree_with_the_model,
        other_operations_agree_with_the_model,
        yet_others_agree_with_the_model,
    },
    crowd::{
        every_job_of_a_crowd_ends_once,
        a_crowd_bears_being_reconciled,
        a_crowd_bears_losing_its_queue,
    },
    delay::{
        a_delayed_job_waits_for_its_time,
        a_delayed_job_keeps_its_priority,
        delayed_jobs_run_in_the_order_they_are_due,
        promotion_moves_no_more_than_asked,
        promotion_says_when_to_come_again,
        promotion_looks_only_at_the_queues_named,
        promotion_at_once_by_two_moves_each_job_once,
        nine_thousand_due_at_once_are_no_trouble,
    },
    group_line::{
        first_in_is_first_out,
        priority_plays_no_part_in_the_line,
        priority_counts_among_groups,
        a_due_job_lines_up_by_its_time,
        an_operators_retry_joins_the_end,
        jobs_resumed_together_keep_their_order,
        jobs_retried_together_keep_their_order,
        a_slot_moves_on_while_the_queue_is_paused,
        nothing_overtakes_a_job_that_tries_again,
        the_slots_of_a_batch_settle_together,
        a_long_line_is_in_nobodys_way,
    },
    group_slot::{
        one_runs_at_a_time,
        as_many_run_as_the_limit_says,
        every_final_result_frees_the_slot,
        quarantine_frees_the_slot,
        a_job_between_attempts_holds_its_slot,
        a_job_handed_over_holds_its_slot,
        a_crashed_job_holds_its_slot,
        a_paused_job_gives_its_slot_up,
        cancelling_the_holder_frees_the_slot,
        cancelling_a_holder_between_attempts_frees_the_slot,
        cancelling_a_running_holder_frees_the_slot_when_it_ends,
        cancelling_one_that_waits_frees_no_slot,
        a_holder_and_the_next_are_cancelled_together,
        a_job_of_the_future_takes_no_slot,
        groups_do_not_hold_each_other_up,
        groups_of_two_queues_are_apart,
        keys_that_look_alike_are_apart,
    },
    idempotency::{
        a_repeat_is_the_first_job,
        a_repeat_after_a_day_is_a_new_job,
        another_payload_is_refused,
        another_kind_is_refused,
        the_same_json_in_other_words_is_the_same,
        other_options_are_no_mismatch,
        a_refused_batch_leaves_nothing_behind,
        a_key_counts_within_its_tenant,
        within_a_batch_the_first_counts,
        a_cancelled_job_is_still_the_answer,
    },
    lead::{
        one_leads_at_a_time,
        a_lead_lasts_as_long_as_it_is_asked_for,
        whoever_gives_up_is_followed_at_once,
        duties_are_led_apart,
        of_many_at_once_one_leads,
    },
    lease::{
        a_lost_lease_cannot_finish,
        a_job_is_handed_out_once,
        two_stores_never_receive_the_same_job,
        a_lease_lasts_as_long_as_asked,
        renewal_extends_a_lease,
        a_renewal_may_ask_for_another_time,
        a_lost_lease_cannot_be_renewed,
        a_finished_jobs_lease_is_lost,
        a_cancelled_jobs_lease_says_so_and_is_kept,
        renewals_are_answered_in_the_order_given,
        a_thousand_leases_are_renewed_at_once,
        an_expired_lease_that_nobody_took_can_finish,
        an_expired_lease_is_not_handed_out_before_its_rescue,
    },
    list::{
        the_newest_comes_first,
        pages_follow_each_other,
        a_page_that_fits_exactly_is_the_last,
        a_page_is_at_most_a_thousand,
        a_list_leaves_the_long_parts_out,
        each_state_can_be_asked_for,
        kind_queue_and_tenant_can_be_asked_for,
        all_labels_asked_for_must_hold,
        times_of_acceptance_can_be_asked_for,
        filters_add_up,
    },
    live::{
        events_are_numbered_from_one,
        a_reader_goes_on_behind_its_cursor,
        jobs_of_one_append_have_their_own_numbers,
        tries_at_a_step_are_told_apart,
        a_job_that_said_nothing_has_no_output,
        every_letter_survives,
        progress_is_the_jobs_progress,
        output_goes_on_over_attempts,
        too_much_output_is_cut,
        one_large_append_is_cut_too,
        another_opening_reads_the_same,
        no_character_stops_the_output,
        the_last_progress_is_there_for_the_next_run,
        progress_is_asked_for_in_one_call,
        events_of_many_jobs_are_read_in_one_call,
        states_of_many_jobs_are_told_in_one_call,
    },
    operator::{
        a_failed_job_runs_with_fresh_counters,
        the_former_result_joins_the_history,
        a_quarantined_job_runs_again,
        a_job_may_be_retried_as_often_as_it_fails,
        a_retried_job_is_as_old_as_the_retry,
        no_other_job_is_retried,
        only_paused_jobs_are_resumed,
        a_resumed_job_is_as_old_as_the_resume,
        a_retry_by_two_at_once_happens_once,
    },
    order::{
        a_lower_number_runs_first,
        five_is_the_default_priority,
        older_jobs_run_first,
        jobs_of_one_moment_run_in_the_order_of_their_ids,
        priority_goes_before_age,
        age_counts_from_when_a_job_became_ready,
        a_run_at_in_the_past_is_no_head_start,
        each_queue_gives_as_many_as_asked_of_it,
        queues_are_served_in_the_order_named,
        a_queue_not_named_gives_nothing,
        a_claim_of_nothing_gives_nothing,
        a_claimed_job_says_all_a_worker_needs,
    },
    parked::{
        a_kind_nobody_knows_holds_up_no_other,
        a_worker_that_knows_it_runs_it_in_order,
        whoever_takes_any_kind_takes_these_too,
        whoever_knows_no_kind_gets_none,
        what_waits_for_a_worker_is_counted,
        on_record_it_is_pending,
        it_can_be_cancelled,
        its_group_waits_with_it,
        a_paused_queue_and_a_cap_hold_for_it,
        a_cap_is_not_used_up_by_it,
        it_runs_again_like_any_other,
        the_queue_knows_it,
        thousands_in_front_are_passed_by,
        old_and_new_workers_share_a_queue,
    },
    prune::{
        only_what_ended_long_ago_goes,
        each_state_has_its_age,
        whatever_happened_what_is_unfinished_stays,
        keys_go_when_their_window_is_over,
        a_key_that_goes_while_it_is_taken_is_held_once,
        what_is_unfinished_stays_however_old,
        every_terminal_state_is_pruned,
        pruning_takes_no_more_than_asked,
        all_about_a_job_goes_with_it,
        a_retried_job_is_not_pruned,
    },
    queues::{
        a_paused_queue_gives_nothing_anywhere,
        what_runs_goes_on_while_its_queue_is_paused,
        a_cap_limits_what_runs_in_the_whole_fleet,
        a_cap_below_what_runs_waits,
        a_lost_job_gives_its_place_under_the_cap_back,
        a_cap_of_zero_takes_the_cap_away,
        a_change_leaves_the_rest_as_it_is,
        each_job_is_counted_where_it_is,
        every_queue_ever_used_is_listed_by_name,
        the_oldest_is_the_one_ready_longest,
        a_job_in_its_groups_line_counts_as_waiting,
    },
    reconcile::{
        nothing_lost_is_nothing_pushed,
        every_lost_job_still_ends_once,
        doing_it_twice_hands_nothing_out_twice,
        two_at_once_push_each_job_once,
        it_goes_through_the_record_page_by_page,
        young_jobs_are_left_alone,
        order_survives_a_loss,
        counters_survive_a_loss,
        a_group_survives_a_loss,
        a_group_in_use_survives_a_loss,
        settings_of_queues_survive_a_loss,
        a_paused_job_stays_paused,
        a_wish_to_cancel_survives_a_loss,
        a_lost_job_can_be_cancelled,
        a_result_counts_though_the_queue_forgot_the_job,
    },
    rescue::{
        a_first_crash_returns_the_job,
        a_rescued_job_is_at_the_front,
        a_second_crash_quarantines_the_job,
        each_crash_says_how_far_the_job_was,
        a_live_lease_is_left_alone,
        a_rescue_takes_no_more_than_asked,
        a_rescue_looks_only_at_the_queues_named,
        a_finished_job_needs_no_rescue,
        two_rescuers_count_one_crash,
        crashes_spend_no_attempts_of_failure,
        a_thousand_lost_jobs_return_in_order,
    },
    settle::{
        a_completed_job_has_its_output,
        a_failed_job_has_its_fault,
        a_job_its_handler_cancels_says_why,
        a_retry_waits_for_its_delay,
        a_retry_joins_the_history,
        a_job_that_took_its_process_down_is_quarantined,
        a_retry_takes_its_place_by_when_it_is_due,
        a_snooze_waits_and_spends_no_attempt,
        a_job_handed_over_is_at_the_front,
        a_paused_job_waits_for_someone,
        every_cause_has_its_own_count,
        a_batch_of_ends_is_answered_in_order,
        a_thousand_mixed_ends_are_settled_at_once,
        no_character_keeps_a_result_off_the_record,
    },
    pressure::{
        a_full_queue_refuses_and_names_itself,
        producers_at_once_do_not_go_over_the_limit,
        room_comes_back_when_jobs_leave,
        a_repeat_takes_no_room,
        a_store_that_cannot_count_still_accepts,
    },
    signals::{
        a_submit_wakes_workers,
        a_due_job_wakes_workers,
        a_job_given_back_wakes_workers,
        a_group_slot_wakes_workers,
        a_queue_that_goes_on_wakes_workers,
        an_operator_wakes_workers,
        a_cancel_reaches_the_worker,
        a_cancel_by_another_opening_reaches_the_worker,
        a_result_reaches_watchers,
        a_retry_reaches_watchers,
        output_reaches_watchers,
        a_cancelled_job_reaches_watchers,
    },
    stale::{
        a_rescued_job_ignores_its_old_worker,
        a_job_that_runs_elsewhere_ignores_its_old_worker,
        the_first_final_result_stays,
        a_job_given_back_ignores_the_run_that_did,
        a_quarantined_job_ignores_its_old_workers,
        a_job_an_operator_retried_ignores_its_former_run,
        of_two_ends_in_a_batch_the_first_counts,
        a_stale_end_does_not_spoil_its_batch,
        what_a_lost_run_prints_is_dropped,
    },
    unique::{
        a_second_submit_is_the_first_job,
        the_key_is_held_until_the_job_is_finished,
        every_final_result_frees_the_key,
        a_waiting_key_is_free_once_the_job_runs,
        a_waiting_key_is_free_once_the_job_is_cancelled,
        a_window_outlasts_the_job,
        a_window_ends_though_the_job_is_unfinished,
        a_key_counts_within_its_tenant_and_kind,
        keys_that_look_alike_are_apart,
        within_a_batch_the_first_counts,
        a_duplicate_leaves_nothing_behind,
        of_submits_at_once_one_is_accepted,
        batches_with_the_same_keys_do_not_block_each_other,
    },
}
