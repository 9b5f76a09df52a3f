-- Tables of our own: secrets that were spent, mails that wait, what happened. Moments are
-- microseconds since 1970.

CREATE TABLE IF NOT EXISTS {vestibule_ledger} (
    purpose VARCHAR(32) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (purpose, digest),
    INDEX vestibule_ledger_expires_at (expires_at)
) CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS {vestibule_outbox} (
    id BIGINT NOT NULL AUTO_INCREMENT,
    message_id VARCHAR(128) NOT NULL,
    payload MEDIUMTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    claim VARCHAR(64),
    claimed_until BIGINT NOT NULL,
    failed_at BIGINT,
    last_error VARCHAR(255),
    PRIMARY KEY (id),
    UNIQUE (message_id),
    INDEX vestibule_outbox_due_at (due_at)
) CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS {vestibule_audit} (
    id BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    kind VARCHAR(64) NOT NULL,
    user_id BIGINT,
    address VARCHAR(64),
    request_id VARCHAR(64),
    detail TEXT,
    seal VARCHAR(64) NOT NULL,
    PRIMARY KEY (id),
    INDEX vestibule_audit_user_id (user_id, id)
) CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS {vestibule_audit_head} (
    id INTEGER NOT NULL,
    last BIGINT NOT NULL,
    seal VARCHAR(64) NOT NULL,
    end_seal VARCHAR(64),
    PRIMARY KEY (id)
) CHARACTER SET utf8mb4;
