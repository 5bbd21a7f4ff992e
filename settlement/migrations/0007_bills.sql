-- What agencies ask of payers. What was paid, and whether an amendment took effect, is in the ledger
-- and never here.
CREATE SCHEMA fees;

CREATE TABLE fees.bill (
    key              uuid     PRIMARY KEY,
    service          text     NOT NULL,
    reference        text     NOT NULL,
    payer            text     NOT NULL,
    subject_kind     text     NOT NULL,
    subject          text     NOT NULL,
    amount           bigint   NOT NULL CHECK (amount > 0),
    lines            jsonb    NOT NULL,
    due              date     NOT NULL,
    objection_until  date,
    allows_partial   boolean  NOT NULL,
    instalments      jsonb,
    bill_id          bigint,
    payment_id       bigint,
    treasury_id      text,
    schedule_version integer  NOT NULL,
    facts            jsonb,
    issued_at        bigint   NOT NULL,
    content          bigint   NOT NULL
);

COMMENT ON COLUMN fees.bill.key IS 'the first 28 digits of its number';
COMMENT ON COLUMN fees.bill.amount IS 'the sum of its lines, in minor units';
COMMENT ON COLUMN fees.bill.content IS 'a digest, to tell the same bill again from another one';

CREATE INDEX bill_payer ON fees.bill (payer, issued_at DESC, key DESC) WHERE payer <> '';
CREATE INDEX bill_subject ON fees.bill (subject, subject_kind, issued_at DESC, key DESC)
    WHERE subject <> '';
CREATE INDEX bill_bill_id ON fees.bill (bill_id, payment_id) WHERE bill_id IS NOT NULL;
CREATE UNIQUE INDEX bill_treasury_id ON fees.bill (treasury_id) WHERE treasury_id IS NOT NULL;

-- What changes a bill without moving money. It holds where the ledger has an act of this number and
-- this digest; a row whose number another act took is of no effect.
CREATE TABLE fees.notice (
    key     uuid    NOT NULL,
    act     integer NOT NULL,
    digest  uuid    NOT NULL,
    content jsonb   NOT NULL,
    PRIMARY KEY (key, act, digest)
);
