-- add_entries: puts entries on record; messages wait, anything else has its place.
-- $1 sessions  $2 ids  $3 parents or null  $4 kinds  $5 placed  $6 partial  $7 client_ids or null  $8 jobs
-- $9 turns or null  $10 bytes  $11 contents (JSON text)  $12 now
INSERT INTO session_entries (session, id, parent, kind, placed, partial, client_id, job, turn, bytes, created_at, content)
SELECT i.session, i.id, i.parent, i.kind, i.placed, i.partial, i.client_id, i.job, i.turn, i.bytes, $12, i.content::jsonb
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::boolean[], $6::boolean[], $7::text[], $8::uuid[],
            $9::uuid[], $10::bigint[], $11::text[])
         AS i (session, id, parent, kind, placed, partial, client_id, job, turn, bytes, content)
