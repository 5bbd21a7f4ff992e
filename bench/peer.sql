-- The same double entry in PostgreSQL, as well as we can write it: a transfer once by its id, both
-- accounts there and in the right ledger, sums that fit. HOT updates find room in the pages.

CREATE TABLE account (
    id bigint PRIMARY KEY,
    ledger integer NOT NULL,
    debits_posted bigint NOT NULL DEFAULT 0,
    credits_posted bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE transfer (
    id uuid PRIMARY KEY,
    debit_account_id bigint NOT NULL,
    credit_account_id bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    ledger integer NOT NULL,
    code smallint NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One call a transfer. Accounts are taken in the order of their ids, so that calls never deadlock.
CREATE FUNCTION transfer_one(
    transfer_id uuid, debit bigint, credit bigint, moved bigint, unit integer, kind smallint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, ledger, code)
    VALUES (transfer_id, debit, credit, moved, unit, kind)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF debit < credit THEN
        UPDATE account SET debits_posted = debits_posted + moved WHERE id = debit AND ledger = unit;
        IF NOT FOUND THEN RAISE 'debit account not found'; END IF;
        UPDATE account SET credits_posted = credits_posted + moved
        WHERE id = credit AND ledger = unit;
        IF NOT FOUND THEN RAISE 'credit account not found'; END IF;
    ELSE
        UPDATE account SET credits_posted = credits_posted + moved
        WHERE id = credit AND ledger = unit;
        IF NOT FOUND THEN RAISE 'credit account not found'; END IF;
        UPDATE account SET debits_posted = debits_posted + moved WHERE id = debit AND ledger = unit;
        IF NOT FOUND THEN RAISE 'debit account not found'; END IF;
    END IF;
    RETURN true;
END $$;

-- A batch that was copied into the session's table `incoming`: ids that are new go into the books,
-- and each account is updated once. The lock lets one batch at a time at the accounts, while others
-- are on their way into their tables; returns how many transfers took effect.
CREATE FUNCTION transfer_batch() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    applied integer;
    found_accounts integer;
    wanted_accounts integer;
BEGIN
    PERFORM pg_advisory_xact_lock(1);
    WITH fresh AS (
        INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, ledger, code)
        SELECT id, debit_account_id, credit_account_id, amount, ledger, code FROM incoming
        ON CONFLICT DO NOTHING
        RETURNING debit_account_id, credit_account_id, amount, ledger
    ), entry AS (
        SELECT debit_account_id AS account_id, ledger, amount AS debit, 0 AS credit FROM fresh
        UNION ALL
        SELECT credit_account_id, ledger, 0, amount FROM fresh
    ), total AS (
        SELECT account_id, ledger, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits
        FROM entry GROUP BY account_id, ledger
    ), updated AS (
        UPDATE account SET debits_posted = debits_posted + total.debits,
                           credits_posted = credits_posted + total.credits
        FROM total WHERE account.id = total.account_id AND account.ledger = total.ledger
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM updated),
           (SELECT count(*) FROM total)
    INTO applied, found_accounts, wanted_accounts;
    IF found_accounts <> wanted_accounts THEN
        RAISE 'an account was not found';
    END IF;
    RETURN applied;
END $$;
