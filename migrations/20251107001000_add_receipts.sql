-- Keeps a copy of the receipts of deploys beside what they changed.
--
-- Phase:     expand (before the first deploy that writes one; without it receipts stay
--            in the records of the machine that deployed)
-- Locks:     none on an existing table
-- Reversal:  drop table kiloscale.receipts; (the files in the records stay)
-- Follow-up: none

create table if not exists kiloscale.receipts (
    stack text not null,
    number bigint not null check (number > 0),
    sha256 text not null,
    previous text,
    written_at timestamptz not null default now(),
    document jsonb not null,
    primary key (stack, number, sha256)
);

comment on column kiloscale.receipts.document is
    'The receipt as it was written, its own SHA-256 included';
comment on column kiloscale.receipts.previous is
    'SHA-256 of the receipt before it; NULL for the first one of a machine';

select kiloscale.seal();
