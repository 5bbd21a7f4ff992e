-- Receipts of bills' payments, numbered for each agency and fiscal year in the order of the books. They
-- follow from the journal: emptied together with their cursor, they come again the same.
CREATE TABLE fees.receipt (
    agency  integer  NOT NULL,
    year    smallint NOT NULL,
    number  bigint   NOT NULL CHECK (number > 0),
    act     uuid     NOT NULL UNIQUE,
    cart    uuid     NOT NULL,
    amount  numeric  NOT NULL,
    paid_at bigint   NOT NULL,
    PRIMARY KEY (agency, year, number)
);

COMMENT ON COLUMN fees.receipt.act IS 'the id of the transfer that is the payment of the bill';
COMMENT ON COLUMN fees.receipt.cart IS 'the id of the debit';

CREATE TABLE fees.receipt_cursor (
    single        boolean PRIMARY KEY DEFAULT true CHECK (single),
    timestamp     bigint  NOT NULL,
    window_number integer NOT NULL
);

INSERT INTO fees.receipt_cursor (timestamp, window_number) VALUES (0, 0);
