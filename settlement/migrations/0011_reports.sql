-- Reports that operators saved, and when which report is written.

CREATE TABLE reference.report (
    name       text        PRIMARY KEY,
    definition text        NOT NULL,
    operator   text        NOT NULL,
    saved_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reference.report_schedule (
    report     text NOT NULL PRIMARY KEY,
    written_at text NOT NULL CHECK (written_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$')
);
