-- Identities at providers that are linked to users. What a provider chooses is stored as bytes: the
-- text in UTF-8. Moments are microseconds since 1970.

CREATE TABLE IF NOT EXISTS {vestibule_identities} (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    user_handle VARCHAR(64),
    provider VARCHAR(64) NOT NULL,
    issuer BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    label BYTEA,
    linked_at BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (id),
    UNIQUE (issuer, subject)
);

CREATE INDEX IF NOT EXISTS vestibule_identities_user_id ON {vestibule_identities} (user_id);
