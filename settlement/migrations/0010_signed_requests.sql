-- Requests that banks signed, as they came: the proof of who instructed a payment.
CREATE TABLE reference.signed_request (
    digest      bytea       PRIMARY KEY,
    participant text        NOT NULL,
    signing_key bytea       NOT NULL CHECK (length(signing_key) = 32),
    signature   bytea       NOT NULL CHECK (length(signature) = 64),
    request     bytea       NOT NULL,
    received_at numeric(20) NOT NULL
);

COMMENT ON COLUMN reference.signed_request.digest IS
    'SHA-256 of participant, signing key, signature and request';
COMMENT ON COLUMN reference.signed_request.received_at IS 'nanoseconds since 1970';

CREATE TABLE reference.signed_payment (
    id     uuid  NOT NULL,
    digest bytea NOT NULL REFERENCES reference.signed_request (digest),
    PRIMARY KEY (id, digest)
);

CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON reference.signed_request
    FOR EACH STATEMENT EXECUTE FUNCTION reference.refuse_change();
CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON reference.signed_payment
    FOR EACH STATEMENT EXECUTE FUNCTION reference.refuse_change();
