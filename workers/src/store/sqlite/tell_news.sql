-- tell_news: leaves wake-ups for other processes, the latest 256 of such notes, and commits.
-- ? origin  ? signals
INSERT INTO news (origin, signals) VALUES (?, ?);
DELETE FROM news WHERE n <= last_insert_rowid() - 256;
COMMIT;
