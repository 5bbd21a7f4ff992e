-- What the fees of a settlement window come to for each account, as the treasury was told, and its word
-- on that. How much was moved is in the ledger.
CREATE TABLE fees.posting (
    window_number   integer PRIMARY KEY,
    text            text    NOT NULL,
    made_by         text    NOT NULL,
    made_at         bigint  NOT NULL,
    acknowledged_by text    NOT NULL DEFAULT '',
    acknowledged_at bigint  NOT NULL DEFAULT 0,
    refused_because text    NOT NULL DEFAULT ''
);

CREATE INDEX posting_open ON fees.posting (window_number) WHERE acknowledged_at = 0;
