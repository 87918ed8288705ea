-- restore_entries: puts entries back as they were.
-- $1 session  $2 ids  $3 parents or null  $4 kinds  $5 placed  $6 partial  $7 client_ids or null  $8 jobs or null
-- $9 turns or null  $10 bytes  $11 times  $12 contents (JSON text)
INSERT INTO session_entries (session, id, parent, kind, placed, partial, client_id, job, turn, bytes, created_at, content)
SELECT $1, i.id, i.parent, i.kind, i.placed, i.partial, i.client_id, i.job, i.turn, i.bytes, i.created_at, i.content::jsonb
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::boolean[], $6::boolean[], $7::text[], $8::uuid[], $9::uuid[],
            $10::bigint[], $11::bigint[], $12::text[])
         AS i (id, parent, kind, placed, partial, client_id, job, turn, bytes, created_at, content)
