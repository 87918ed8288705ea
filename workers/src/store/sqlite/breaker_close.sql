-- breaker_close: a provider is well.
-- ? provider
DELETE FROM breakers WHERE provider = ?;
