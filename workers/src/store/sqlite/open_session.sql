-- open_session: opens a session, unless it is there.
-- ? id  ? tenant  ? title or null  ? busy  ? now  ? now
INSERT INTO sessions (id, tenant, title, busy, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;
