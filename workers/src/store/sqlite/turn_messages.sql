-- turn_messages: messages that a turn took up, in order.
-- ? turn  ? session  ? above this number
-- The pluses keep the planner from the primary key, which has all that was ever said.
SELECT id, parent, kind, placed, partial, client_id, job, turn, created_at, content FROM session_entries
WHERE turn = ? AND +session = ? AND kind = 'user' AND +id > ? ORDER BY id;
