-- breaker_save: writes what is known of a provider that fails or failed last.
-- ? provider  ? failures  ? open until  ? trial  ? trial ends
INSERT OR REPLACE INTO breakers (provider, failures, open_until, trial, trial_ends) VALUES (?, ?, ?, ?, ?);
