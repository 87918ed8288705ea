-- read_news: wake-ups left after a number, in order.
-- ? after this number
SELECT n, origin, signals FROM news WHERE n > ? ORDER BY n;
