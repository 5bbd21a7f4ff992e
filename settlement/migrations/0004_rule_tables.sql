-- The texts of dated tables (banks, holidays, rails, services), by their digest. When which text was
-- in force is in the journal; the digest there tells whether a text here is what was approved.
CREATE TABLE reference.rule_table (
    digest   bytea       PRIMARY KEY CHECK (digest = sha256(convert_to(content, 'UTF8'))),
    name     text        NOT NULL,
    content  text        NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON reference.rule_table
    FOR EACH STATEMENT EXECUTE FUNCTION reference.refuse_change();
