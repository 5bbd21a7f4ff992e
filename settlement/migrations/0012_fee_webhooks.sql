-- Where an agency's events are sent, and how far they were taken.
CREATE TABLE fees.webhook (
    agency        integer PRIMARY KEY REFERENCES reference.participants (number),
    url           text    NOT NULL,
    cursor        bigint  NOT NULL,
    failures      integer NOT NULL DEFAULT 0,
    failing_since bigint  NOT NULL DEFAULT 0,
    next_try_at   bigint  NOT NULL DEFAULT 0,
    last_error    text    NOT NULL DEFAULT ''
);

COMMENT ON COLUMN fees.webhook.cursor IS 'the frame up to which all events were taken';
COMMENT ON COLUMN fees.webhook.failing_since IS 'nanoseconds since 1970, 0 where the last was taken';
