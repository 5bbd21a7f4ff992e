-- The directory: which account stands behind a number, and the claims by which numbers move.

CREATE TABLE reference.alias (
    key           uuid        PRIMARY KEY,
    bank_code     smallint    NOT NULL CHECK (bank_code BETWEEN 0 AND 999),
    account       numeric(19) NOT NULL CHECK (account >= 0),
    name          text        NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN reference.alias.key IS 'the kind in the first byte, the number in the rest';
COMMENT ON COLUMN reference.alias.name IS 'the owner''s, whole; payers see it masked';

CREATE TABLE reference.claim (
    id          uuid        PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind IN ('portability', 'ownership')),
    key         uuid        NOT NULL,
    donor       text        NOT NULL REFERENCES reference.participants (name),
    claimant    text        NOT NULL REFERENCES reference.participants (name),
    opened_at   timestamptz NOT NULL,
    answer_by   timestamptz NOT NULL,
    completion  interval    NOT NULL,
    state       text        NOT NULL
                CHECK (state IN ('waiting', 'confirmed', 'completed', 'cancelled')),
    complete_by timestamptz,
    reason      text        NOT NULL,
    moved_to    text        NOT NULL
);

COMMENT ON COLUMN reference.claim.state IS 'after the last act; deadlines since then are not in it';
COMMENT ON COLUMN reference.claim.moved_to IS 'the IBAN, once completed';

-- An alias has one open claim: the index says so, under any race.
CREATE UNIQUE INDEX claim_open ON reference.claim (key) WHERE state IN ('waiting', 'confirmed');
CREATE INDEX claim_donor ON reference.claim (donor, opened_at DESC, id DESC);
CREATE INDEX claim_claimant ON reference.claim (claimant, opened_at DESC, id DESC);
