-- The keys and indexes of the large tables: made when a projection has caught up for the first
-- time, since filling a table that has none and sorting afterwards takes a third of the time.

CREATE UNIQUE INDEX transfer_id ON books.transfer (id);

-- A reservation is resolved once.
CREATE UNIQUE INDEX transfer_pending_id ON books.transfer (pending_id)
    WHERE pending_id IS NOT NULL;

-- The postings of an account, in the order of the books: statements. 10 = pending or void.
CREATE INDEX transfer_debit ON books.transfer (debit_account_id, window_number, timestamp)
    WHERE flags & 10 = 0;
CREATE INDEX transfer_credit ON books.transfer (credit_account_id, window_number, timestamp)
    WHERE flags & 10 = 0;

CREATE UNIQUE INDEX expiry_pending_id ON books.expiry (pending_id);

CREATE UNIQUE INDEX failure_timestamp ON books.failure (timestamp);
CREATE UNIQUE INDEX failure_burned ON books.failure (id) WHERE burned;
