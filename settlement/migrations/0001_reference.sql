-- Reference data: what people decided and the journal doesn't hold.

-- Who is connected to the switch. Ledger accounts derive from the number, which is never reused.
CREATE TABLE reference.participants (
    number        integer     PRIMARY KEY CHECK (number > 0),
    name          text        NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9-]{1,32}$'),
    role          smallint    NOT NULL CHECK (role > 0),
    display_name  text        NOT NULL,
    bank_codes    text[]      NOT NULL DEFAULT '{}',
    ibans         text[]      NOT NULL DEFAULT '{}',
    net_debit_cap numeric(39) NOT NULL CHECK (net_debit_cap >= 0),
    unit          text        NOT NULL,
    auto_accept   boolean     NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN reference.participants.role IS 'payvand.v1.ParticipantRole';
COMMENT ON COLUMN reference.participants.net_debit_cap IS 'minor units of the unit';

-- A bank code or an IBAN leads to one participant: the primary keys say so, under any race.
CREATE TABLE reference.bank_code (
    bank_code   text    PRIMARY KEY,
    participant integer NOT NULL REFERENCES reference.participants (number)
);

CREATE TABLE reference.iban (
    iban        text    PRIMARY KEY,
    participant integer NOT NULL REFERENCES reference.participants (number)
);

CREATE FUNCTION reference.route_participant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM reference.bank_code WHERE participant = NEW.number;
    DELETE FROM reference.iban WHERE participant = NEW.number;
    INSERT INTO reference.bank_code SELECT unnest(NEW.bank_codes), NEW.number;
    INSERT INTO reference.iban SELECT unnest(NEW.ibans), NEW.number;
    RETURN NULL;
END
$$;

CREATE TRIGGER route_participant
    AFTER INSERT OR UPDATE OF bank_codes, ibans ON reference.participants
    FOR EACH ROW EXECUTE FUNCTION reference.route_participant();

-- What operators did, in the order of doing. Rows are added and never changed.
CREATE TABLE reference.audit (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    operator text        NOT NULL,
    act      text        NOT NULL,
    subject  text        NOT NULL,
    detail   jsonb       NOT NULL DEFAULT '{}'
);

COMMENT ON COLUMN reference.audit.operator IS 'the name its certificate carries';
COMMENT ON COLUMN reference.audit.act IS 'what was done, for example participant.put';
COMMENT ON COLUMN reference.audit.subject IS 'to whom or what, for example a short name';

CREATE INDEX audit_at ON reference.audit (at);

CREATE FUNCTION reference.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'reference.audit is append-only';
END
$$;

CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON reference.audit
    FOR EACH STATEMENT EXECUTE FUNCTION reference.refuse_change();
