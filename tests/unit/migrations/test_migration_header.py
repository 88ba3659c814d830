from deploy.migrations.header import parse_header

WHOLE = """\
-- Records when a receipt was sent,
-- so that it is sent once.
--
-- Phase:       expand (before the code)
-- Locks:       ACCESS EXCLUSIVE on receipts,
--              catalog change only
-- Transaction: none
-- Reversal:    alter table receipts drop column sent_at;
-- Follow-up:   none

-- A comment of the body: Phase: contract
select 1;
"""


def test_each_field_is_read_with_its_following_lines():
    header, problems = parse_header(WHOLE)

    assert problems == []
    assert header.purpose == "Records when a receipt was sent, so that it is sent once."
    assert header.phase == "expand (before the code)"
    assert header.locks == "ACCESS EXCLUSIVE on receipts, catalog change only"
    assert header.reversal == "alter table receipts drop column sent_at;"
    assert header.follow_up == "none"
    assert header.in_transaction is False


def test_a_file_runs_in_a_transaction_unless_it_says_none():
    header, _ = parse_header(WHOLE.replace("-- Transaction: none\n", ""))

    assert header.in_transaction is True


def test_every_missing_field_is_named():
    _, problems = parse_header("select 1;")

    (problem,) = problems
    assert problem == (
        "header lacks a first line that says what it is for, Phase, Locks, Reversal,"
        " Follow-up"
    )


def test_a_phase_and_a_transaction_mode_that_do_not_exist_are_refused():
    text = WHOLE.replace("expand (", "later (").replace("n: none", "n: maybe")

    _, problems = parse_header(text)

    phase, transaction = problems
    assert phase == (
        "Phase must begin with expand or backfill or contract, got 'later (before the"
        " code)'"
    )
    assert transaction == "Transaction can only be none, got 'maybe'"
