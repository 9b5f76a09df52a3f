-- Identities at providers that are linked to users. What a provider chooses is stored as bytes: the
-- text in UTF-8. Moments are microseconds since 1970.

CREATE TABLE IF NOT EXISTS {vestibule_identities} (
    id BIGINT NOT NULL AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    user_handle VARCHAR(64),
    provider VARCHAR(64) NOT NULL,
    issuer VARBINARY(255) NOT NULL,
    subject VARBINARY(255) NOT NULL,
    label VARBINARY(1020),
    linked_at BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (id),
    UNIQUE subject (issuer, subject),
    INDEX vestibule_identities_user_id (user_id)
) CHARACTER SET utf8mb4;
