-- Counted guesses: for each purpose, principal, device and period, how many since the window began.
-- Principals and devices are keyed digests. Moments and periods are microseconds.

CREATE TABLE IF NOT EXISTS {vestibule_guesses} (
    principal VARCHAR(64) NOT NULL,
    purpose VARCHAR(32) NOT NULL,
    device VARCHAR(64) NOT NULL,
    period BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    guesses BIGINT NOT NULL,
    PRIMARY KEY (principal, purpose, device, period)
);

CREATE INDEX IF NOT EXISTS vestibule_guesses_ends_at ON {vestibule_guesses} (ends_at);
