-- Banks' files held against the books: what was imported, what was matched, what is left over.

-- A file of a participant for a settlement window. A later one supersedes the one before.
CREATE TABLE reference.bank_file (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    participant    integer     NOT NULL,
    window_number  integer     NOT NULL,
    revision       integer     NOT NULL CHECK (revision > 0),
    name           text        NOT NULL,
    sha256         bytea       NOT NULL,
    profile        text        NOT NULL,
    profile_sha256 bytea       NOT NULL,
    encoding       text        NOT NULL,
    rows_taken     integer     NOT NULL,
    rows_aside     integer     NOT NULL,
    rows_added     integer     NOT NULL,  -- against the revision before
    rows_removed   integer     NOT NULL,
    rules_version  integer     NOT NULL,
    operator       text        NOT NULL,
    imported_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (participant, window_number, revision)
);

-- The rows of a window's newest file, and the payment that each is about.
CREATE TABLE reference.bank_row (
    file      bigint   NOT NULL REFERENCES reference.bank_file (id),
    number    integer  NOT NULL,  -- the line, or the count of the entry
    payment   uuid,               -- NULL where it fits none
    rule      smallint NOT NULL,  -- payvand.settlement.reconciliation.matching.Rule
    amount    bigint   NOT NULL,  -- negative where money left the participant
    day       integer  NOT NULL,  -- since 1970-01-01
    reference text                -- NULL where it is the id of the payment, to the letter
);

CREATE INDEX bank_row_file ON reference.bank_row (file, number);
CREATE INDEX bank_row_payment ON reference.bank_row (payment) WHERE payment IS NOT NULL;

CREATE TABLE reference.bank_row_aside (
    file   bigint  NOT NULL REFERENCES reference.bank_file (id),
    number integer NOT NULL,
    rule   text    NOT NULL,
    line   text    NOT NULL
);

-- How many rows each rule matched.
CREATE TABLE reference.match_count (
    file  bigint   NOT NULL REFERENCES reference.bank_file (id),
    rule  smallint NOT NULL,
    count integer  NOT NULL,
    PRIMARY KEY (file, rule)
);

-- What books and files disagree about. A break has one key for as long as it is the same one, so
-- that a file read again, or a revised one, neither doubles nor loses it.
CREATE TABLE reference.reconciliation_break (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    participant   integer     NOT NULL,
    window_number integer     NOT NULL,  -- whose file it was found with
    kind          smallint    NOT NULL,  -- payvand.settlement.reconciliation.matching.Kind
    key           text        NOT NULL,
    payments      uuid[]      NOT NULL,
    rows          integer[]   NOT NULL,  -- numbers in the file
    expected      bigint,
    found         bigint,
    detail        text        NOT NULL DEFAULT '',
    suggestions   jsonb       NOT NULL DEFAULT '[]',
    state         text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    owner         text        NOT NULL DEFAULT '',
    opened_at     timestamptz NOT NULL DEFAULT now(),
    closed_at     timestamptz,
    UNIQUE (participant, kind, key),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);

CREATE INDEX reconciliation_break_open ON reference.reconciliation_break (participant, opened_at)
    WHERE state = 'open';

-- What happened to a break, in order; rows are added and never changed.
CREATE TABLE reference.break_event (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    break_id  bigint      NOT NULL REFERENCES reference.reconciliation_break (id),
    at        timestamptz NOT NULL DEFAULT now(),
    operator  text        NOT NULL,
    act       text        NOT NULL CHECK (act IN ('open', 'assign', 'note', 'close', 'reopen')),
    note      text        NOT NULL
);

CREATE INDEX break_event_break ON reference.break_event (break_id);

-- It serves more than one table now, and says which.
CREATE OR REPLACE FUNCTION reference.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END
$$;

CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON reference.break_event
    FOR EACH STATEMENT EXECUTE FUNCTION reference.refuse_change();
