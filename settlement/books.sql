-- The projection of the journal: for queries and reports, never for decisions about money.
--
-- Everything here follows from the journal, so this schema has no migrations: where this file
-- changes, the schema is dropped and filled again. All tables are append-only but `cursor`. The
-- keys are the ledger's own identities, so that a frame can't be projected twice; those of the
-- large tables are in `books_indexes.sql`, since an empty projection is filled without them.
--
-- Accounts are the switch's own, with ids below 2**63. Amounts have up to 128 bits. Of fields with
-- 64 bits `bigint` holds the bits, so that those from 2**63 on are negative.

CREATE SCHEMA books;

-- One row for each frame: the numbers have no gap.
CREATE TABLE books.frame (
    sequence  bigint   PRIMARY KEY,
    timestamp bigint   NOT NULL,  -- nanoseconds since 1970, as everywhere here
    operation smallint NOT NULL,  -- payvand.core.Operation
    event     bigint   NOT NULL,  -- 0 none, 1 a window was closed, 2 a day, 3 an operator's act
    records   integer  NOT NULL,  -- in the frame
    created   integer  NOT NULL,  -- of them, those that had an effect
    failed    integer  NOT NULL,  -- of them, transfers that are rows of books.failure
    expired   integer  NOT NULL   -- reservations that ran out before them
);

CREATE TABLE books.account (
    id            bigint      PRIMARY KEY,
    ledger        bigint      NOT NULL,
    code          integer     NOT NULL,
    flags         integer     NOT NULL,
    user_data_128 uuid        NOT NULL,
    user_data_64  bigint      NOT NULL,
    user_data_32  bigint      NOT NULL,
    timestamp     bigint      NOT NULL UNIQUE,
    sequence      bigint      NOT NULL
);

CREATE TABLE books.account_limit (
    account_id   bigint  NOT NULL,
    limit_amount numeric NOT NULL,
    timestamp    bigint  PRIMARY KEY,
    sequence     bigint  NOT NULL
);

-- Every transfer that had an effect. The amount is what really moved, was reserved or released.
CREATE TABLE books.transfer (
    id                uuid    NOT NULL,
    debit_account_id  bigint  NOT NULL,
    credit_account_id bigint  NOT NULL,
    amount            numeric NOT NULL,
    pending_id        uuid,              -- what it posts or voids
    user_data_128     uuid    NOT NULL,
    user_data_64      bigint  NOT NULL,
    user_data_32      bigint  NOT NULL,
    timeout           bigint  NOT NULL,  -- seconds
    ledger            bigint  NOT NULL,
    code              integer NOT NULL,
    flags             integer NOT NULL,  -- payvand.core.TransferFlags
    timestamp         bigint  NOT NULL,
    sequence          bigint  NOT NULL,
    window_number     integer NOT NULL,  -- the window open then; a settlement's own window
    payload           bytea
);

-- Reservations that ran out.
CREATE TABLE books.expiry (
    pending_id uuid   NOT NULL,
    timestamp  bigint NOT NULL,
    sequence   bigint NOT NULL
);

-- Attempts that had no effect, but for those whose id had had its outcome before. What was asked
-- for may be any number.
CREATE TABLE books.failure (
    id                uuid    NOT NULL,
    status            bigint  NOT NULL,  -- payvand.core.TransferStatus
    decision          bigint  NOT NULL,  -- of the risk stage; low bits 0 allow 1 review 2 decline
    burned            boolean NOT NULL,  -- the id is spent: the failure is final
    debit_account_id  numeric NOT NULL,
    credit_account_id numeric NOT NULL,
    amount            numeric NOT NULL,
    ledger            bigint  NOT NULL,
    code              integer NOT NULL,
    flags             integer NOT NULL,
    timestamp         bigint  NOT NULL,
    sequence          bigint  NOT NULL
);

-- Closed windows.
CREATE TABLE books.settlement_window (
    number          integer PRIMARY KEY,
    opened_sequence bigint  NOT NULL UNIQUE,
    closed_sequence bigint  NOT NULL UNIQUE,
    closed_at       bigint  NOT NULL,
    note            text    NOT NULL  -- as the journal holds it
);

CREATE TABLE books.net_position (
    window_number integer     NOT NULL REFERENCES books.settlement_window (number),
    participant   integer     NOT NULL,
    ledger        bigint      NOT NULL,
    opening       numeric(39) NOT NULL,
    debits        numeric(39) NOT NULL,
    credits       numeric(39) NOT NULL,
    net           numeric(39) NOT NULL CHECK (net = credits - debits),
    settled       numeric(39) NOT NULL,
    carried       numeric(39) NOT NULL CHECK (carried = opening + net - settled),
    PRIMARY KEY (window_number, participant)
);

-- What operators proposed, approved, refused and set in force, an act for each frame of event 3.
CREATE TABLE books.operator_act (
    sequence  bigint PRIMARY KEY,
    timestamp bigint NOT NULL,
    act       text   NOT NULL,
    operator  text   NOT NULL,  -- empty where the switch did it by itself
    proposal  uuid,             -- NULL where it belongs to none
    note      text   NOT NULL   -- as the journal holds it
);

CREATE INDEX operator_act_proposal ON books.operator_act (proposal) WHERE proposal IS NOT NULL;

-- How far the projection is. Changes in the transaction that adds the rows.
CREATE TABLE books.cursor (
    single      boolean PRIMARY KEY DEFAULT true CHECK (single),
    sequence    bigint  NOT NULL,
    timestamp   bigint  NOT NULL,
    open_window integer NOT NULL,
    indexed     boolean NOT NULL DEFAULT false,  -- the large tables have their indexes
    definition  text    NOT NULL  -- SHA-256 of this file, the indexes and the views
);

-- Payments with the state that their transfers say. Codes below 10 are the kinds of payments;
-- ids with the topmost bit set are the switch's own. 2 pending, 4 post, 8 void.
CREATE VIEW books.payment AS
SELECT
    first.id,
    CASE
        WHEN first.flags & 2 = 0 THEN 'settled'
        WHEN resolution.flags & 4 <> 0 THEN 'settled'
        WHEN resolution.id IS NOT NULL THEN 'rejected'
        WHEN expiry.pending_id IS NOT NULL THEN 'expired'
        ELSE 'reserved'
    END AS state,
    first.debit_account_id,
    first.credit_account_id,
    first.amount,
    first.ledger,
    first.code,
    first.timestamp AS recorded_at,
    first.sequence AS recorded_sequence,
    CASE
        WHEN first.flags & 2 = 0 THEN first.timestamp
        ELSE coalesce(resolution.timestamp, expiry.timestamp)
    END AS final_at,
    CASE
        WHEN first.flags & 2 = 0 THEN first.window_number
        WHEN resolution.flags & 4 <> 0 THEN resolution.window_number
    END AS window_number,
    CASE WHEN resolution.flags & 8 <> 0 THEN resolution.user_data_32 END AS rejection,
    NULL::bigint AS status,
    NULL::bigint AS decision
FROM books.transfer AS first
LEFT JOIN books.transfer AS resolution ON resolution.pending_id = first.id
LEFT JOIN books.expiry ON expiry.pending_id = first.id
WHERE first.flags & 12 = 0
    AND first.code < 10
    AND first.id < '80000000-0000-0000-0000-000000000000'
UNION ALL
SELECT
    id, 'declined', debit_account_id, credit_account_id, amount, ledger, code,
    timestamp, sequence, timestamp, NULL, NULL, status, decision
FROM books.failure
WHERE burned AND flags & 12 = 0
    AND code < 10
    AND id < '80000000-0000-0000-0000-000000000000';
