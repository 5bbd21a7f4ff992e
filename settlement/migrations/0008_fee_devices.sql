-- Devices that charge, and which of their charges came in. A counter names one charge for ever: its
-- digest tells whether what comes again is the same.
CREATE TABLE fees.device (
    agency      integer        NOT NULL,
    name        text           NOT NULL,
    public_key  bytea          NOT NULL CHECK (length(public_key) = 32),
    service     text           NOT NULL,
    enrolled_by text           NOT NULL,
    enrolled_at bigint         NOT NULL,
    revoked_at  bigint,
    seen        int8multirange NOT NULL DEFAULT '{}',
    PRIMARY KEY (agency, name)
);

COMMENT ON COLUMN fees.device.seen IS 'the counters that came in';

CREATE TABLE fees.charge (
    agency  integer NOT NULL,
    device  text    NOT NULL,
    counter bigint  NOT NULL,
    digest  uuid    NOT NULL,
    bill    uuid    NOT NULL,
    PRIMARY KEY (agency, device, counter),
    FOREIGN KEY (agency, device) REFERENCES fees.device (agency, name)
);

COMMENT ON COLUMN fees.charge.bill IS 'the key of its bill, which is issued behind this row';
