-- last_news: the number of the latest note.
SELECT coalesce(max(n), 0) AS n FROM news;
