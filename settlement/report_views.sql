-- The documented views: what reports ask, those that come with Payvand and those that operators save.
--
-- Names instead of numbers, one row a thing, and no account number of a bank's customer. Amounts are
-- in minor units, moments in nanoseconds since 1970. They follow from `books` and `reference` and are
-- made again with `books`; a column once here stays, others are added behind it.

DROP SCHEMA IF EXISTS report CASCADE;
CREATE SCHEMA report;

CREATE VIEW report.participant AS
SELECT
    number, name, display_name,
    CASE role WHEN 1 THEN 'bank' WHEN 2 THEN 'agency' ELSE 'other' END AS role,
    unit, auto_accept
FROM reference.participants;
COMMENT ON VIEW report.participant IS 'who is connected';

CREATE VIEW report.account AS
SELECT
    account.id,
    participant.name AS participant,  -- NULL for the central bank's and the switch's own
    CASE
        WHEN account.id < 16 THEN 'central_bank'
        WHEN account.id % 16 = 1 THEN 'position'
        WHEN account.id % 16 = 2 THEN 'settlement'
        WHEN account.id % 16 = 3 THEN 'fee'
        WHEN account.id % 16 = 4 THEN 'collateral'
        ELSE 'other'
    END AS purpose,
    account.ledger,
    account.timestamp AS opened_at
FROM books.account
LEFT JOIN reference.participants AS participant ON participant.number = account.id / 16;
COMMENT ON VIEW report.account IS 'the accounts of the books';

-- What moved an account, once for each side. 10 = reserved or released: nothing moved then.
CREATE VIEW report.posting AS
SELECT
    transfer.id AS transfer,
    coalesce(transfer.pending_id, transfer.id) AS payment,  -- of which it is the posting
    side.account, side.side,
    transfer.amount,
    CASE side.side WHEN 'credit' THEN transfer.amount ELSE -transfer.amount END AS change,
    transfer.code, transfer.ledger, transfer.timestamp AS posted_at, transfer.sequence,
    transfer.window_number AS settlement_window
FROM books.transfer
CROSS JOIN LATERAL (
    VALUES (transfer.debit_account_id, 'debit'), (transfer.credit_account_id, 'credit')
) AS side (account, side)
WHERE transfer.flags & 10 = 0;
COMMENT ON VIEW report.posting IS 'both sides of every transfer that moved money';

CREATE VIEW report.balance AS
SELECT
    account.id AS account, account.participant, account.purpose, account.ledger,
    coalesce(posted.debits, 0) AS debits,
    coalesce(posted.credits, 0) AS credits,
    coalesce(posted.credits, 0) - coalesce(posted.debits, 0) AS balance,
    coalesce(held.amount, 0) AS reserved,
    coalesce(limits.limit_amount, 0) AS account_limit
FROM report.account
LEFT JOIN (
    SELECT
        account,
        sum(amount) FILTER (WHERE side = 'debit') AS debits,
        sum(amount) FILTER (WHERE side = 'credit') AS credits
    FROM report.posting GROUP BY account
) AS posted ON posted.account = account.id
LEFT JOIN (
    SELECT reservation.debit_account_id AS account, sum(reservation.amount) AS amount
    FROM books.transfer AS reservation
    WHERE reservation.flags & 2 <> 0
        AND NOT EXISTS (SELECT FROM books.transfer WHERE pending_id = reservation.id)
        AND NOT EXISTS (SELECT FROM books.expiry WHERE pending_id = reservation.id)
    GROUP BY reservation.debit_account_id
) AS held ON held.account = account.id
LEFT JOIN (
    SELECT DISTINCT ON (account_id) account_id, limit_amount
    FROM books.account_limit ORDER BY account_id, timestamp DESC
) AS limits ON limits.account_id = account.id;
COMMENT ON VIEW report.balance IS 'each account as it stands, with what is reserved on it';

CREATE VIEW report.payment AS
SELECT
    payment.id,
    payment.state,
    CASE payment.code
        WHEN 1 THEN 'credit_transfer' WHEN 2 THEN 'fee' WHEN 3 THEN 'return'
        WHEN 4 THEN 'recall' ELSE payment.code::text
    END AS kind,
    debtor.name AS debtor_participant,
    creditor.name AS creditor_participant,
    payment.amount, payment.ledger,
    payment.recorded_at, payment.final_at,
    payment.window_number AS settlement_window
FROM books.payment
LEFT JOIN reference.participants AS debtor
    ON debtor.number = div(payment.debit_account_id, 16)
LEFT JOIN reference.participants AS creditor
    ON creditor.number = div(payment.credit_account_id, 16);
COMMENT ON VIEW report.payment IS 'every payment that was recorded, and where it stands';

CREATE VIEW report.net_position AS
SELECT
    position.window_number AS settlement_window, closed.closed_at,
    participant.name AS participant,
    position.opening, position.debits, position.credits, position.net,
    position.settled, position.carried, position.ledger
FROM books.net_position AS position
JOIN books.settlement_window AS closed ON closed.number = position.window_number
JOIN reference.participants AS participant ON participant.number = position.participant;
COMMENT ON VIEW report.net_position IS 'what each closed window came to';

CREATE VIEW report.reconciliation_break AS
SELECT
    found.id, participant.name AS participant, found.window_number AS settlement_window,
    CASE found.kind
        WHEN 1 THEN 'missing_at_bank' WHEN 2 THEN 'unknown_at_switch'
        WHEN 3 THEN 'duplicate_at_bank' WHEN 4 THEN 'amount_differs'
        WHEN 5 THEN 'side_differs' WHEN 6 THEN 'day_differs'
        WHEN 7 THEN 'split_at_bank' WHEN 8 THEN 'merged_at_bank'
        WHEN 9 THEN 'reference_differs' WHEN 10 THEN 'row_unreadable'
        WHEN 11 THEN 'control_total_differs'
    END AS kind,
    found.state, found.owner, found.expected, found.found,
    (extract(epoch FROM found.opened_at) * 1000000)::bigint * 1000 AS opened_at,
    (extract(epoch FROM found.closed_at) * 1000000)::bigint * 1000 AS closed_at
FROM reference.reconciliation_break AS found
JOIN reference.participants AS participant ON participant.number = found.participant;
COMMENT ON VIEW report.reconciliation_break IS 'what books and files of banks disagree about';

CREATE VIEW report.operator_act AS
SELECT sequence, timestamp AS done_at, act, operator, proposal FROM books.operator_act;
COMMENT ON VIEW report.operator_act IS 'what operators decided';

-- The files that banks owe: of every window closed since its first file, where it paid or was paid.
CREATE VIEW report.expected_file AS
SELECT
    participant.name AS participant, position.window_number AS settlement_window,
    closed.closed_at, closed.closed_at + 86400000000000 AS due,
    newest.revision, newest.imported_at
FROM books.net_position AS position
JOIN books.settlement_window AS closed ON closed.number = position.window_number
JOIN reference.participants AS participant ON participant.number = position.participant
JOIN (
    SELECT participant, min(window_number) AS window_number
    FROM reference.bank_file GROUP BY participant
) AS first_file
    ON first_file.participant = position.participant
    AND first_file.window_number <= position.window_number
LEFT JOIN (
    SELECT DISTINCT ON (participant, window_number) participant, window_number, revision,
        (extract(epoch FROM imported_at) * 1000000)::bigint * 1000 AS imported_at
    FROM reference.bank_file ORDER BY participant, window_number, revision DESC
) AS newest
    ON newest.participant = position.participant
    AND newest.window_number = position.window_number
WHERE position.debits > 0 OR position.credits > 0;
COMMENT ON VIEW report.expected_file IS 'the files that banks owe for closed windows, come or not';

-- What waits for somebody, who that is, and what ends it.
CREATE VIEW report.waiting AS
SELECT
    CASE reservation.code WHEN 4 THEN 'recall' ELSE 'payment' END AS kind,
    replace(reservation.id::text, '-', '') AS subject,
    creditor.name AS waits_for,
    reservation.amount,
    reservation.timestamp AS since,
    reservation.timestamp + reservation.timeout * 1000000000 AS due,
    'answer' AS may_be_done,
    CASE reservation.code
        WHEN 4 THEN 'recall_lapses' ELSE 'hold_released'
    END AS when_due
FROM books.transfer AS reservation
LEFT JOIN reference.participants AS creditor
    ON creditor.number = reservation.credit_account_id / 16
WHERE reservation.flags & 2 <> 0
    AND NOT EXISTS (SELECT FROM books.transfer WHERE pending_id = reservation.id)
    AND NOT EXISTS (SELECT FROM books.expiry WHERE pending_id = reservation.id)
UNION ALL
SELECT
    'proposal', replace(proposal::text, '-', ''),
    CASE last_act.act WHEN 'approved' THEN '' ELSE 'second-operator' END,
    NULL, begun, NULL,
    CASE last_act.act WHEN 'approved' THEN 'cancel' ELSE 'approve_or_refuse' END,
    'nothing_changes'
FROM (
    SELECT DISTINCT ON (proposal) proposal, act, min(timestamp) OVER (PARTITION BY proposal) AS begun
    FROM books.operator_act WHERE proposal IS NOT NULL ORDER BY proposal, sequence DESC
) AS last_act
WHERE last_act.act IN ('proposed', 'reviewed', 'approved')
UNION ALL
SELECT
    'break', found.id::text, coalesce(nullif(found.owner, ''), 'nobody'),
    abs(coalesce(found.expected, 0) - coalesce(found.found, 0)),
    found.opened_at, NULL,
    CASE found.owner WHEN '' THEN 'assign' ELSE 'close' END,
    'nothing_changes'
FROM report.reconciliation_break AS found WHERE found.state = 'open'
UNION ALL
SELECT
    'settlement_window', cursor.open_window::text, 'operator', NULL,
    coalesce(
        (SELECT closed_at FROM books.settlement_window WHERE number = cursor.open_window - 1),
        (SELECT timestamp FROM books.frame WHERE sequence = 1)
    ),
    NULL, 'settle', 'nothing_changes'
FROM books.cursor
WHERE EXISTS (
    SELECT FROM books.transfer
    WHERE window_number = cursor.open_window AND flags & 10 = 0 AND code < 10
)
UNION ALL
SELECT
    'claim', replace(claim.id::text, '-', ''),
    CASE claim.state WHEN 'waiting' THEN claim.donor ELSE claim.claimant END,
    NULL,
    (extract(epoch FROM claim.opened_at) * 1000000)::bigint * 1000,
    (extract(epoch FROM coalesce(claim.complete_by, claim.answer_by)) * 1000000)::bigint * 1000,
    'answer', 'claim_ends'
FROM reference.claim WHERE claim.state IN ('waiting', 'confirmed')
    AND coalesce(claim.complete_by, claim.answer_by) > now()
UNION ALL
SELECT
    'bank_file', settlement_window::text, participant, NULL, closed_at, due,
    'take_file', 'nothing_changes'
FROM report.expected_file WHERE revision IS NULL;
COMMENT ON VIEW report.waiting IS 'what waits, for whom, since when, and what comes of it';

CREATE VIEW report.standing AS
SELECT sequence, timestamp AS stands_at, open_window FROM books.cursor;
COMMENT ON VIEW report.standing IS 'the frame of the journal that all views stand at';

-- Whoever reads reports may read these views and nothing else.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'payvand_report') THEN
        CREATE ROLE payvand_report LOGIN CONNECTION LIMIT 4;
    END IF;
    GRANT USAGE ON SCHEMA report TO payvand_report;
    GRANT SELECT ON ALL TABLES IN SCHEMA report TO payvand_report;
EXCEPTION WHEN insufficient_privilege OR duplicate_object THEN
    NULL;  -- then only the reports that come with Payvand run
END
$$;
