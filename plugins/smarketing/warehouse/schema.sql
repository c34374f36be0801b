-- What stands in the warehouse before the first night: schemas, their owners, and the tables
-- that are not models. Idempotent; run after roles.sql, which says who the owners are.

create schema if not exists agreement authorization smarketing_loader;
create schema if not exists ops authorization smarketing_transformer;
create schema if not exists raw_csv_export authorization smarketing_loader;
create schema if not exists raw_csv_export_staging authorization smarketing_loader;
create schema if not exists raw_hubspot authorization smarketing_loader;
create schema if not exists raw_hubspot_staging authorization smarketing_loader;
create schema if not exists raw_marketo authorization smarketing_loader;
create schema if not exists raw_marketo_staging authorization smarketing_loader;
create schema if not exists raw_salesforce authorization smarketing_loader;
create schema if not exists raw_salesforce_staging authorization smarketing_loader;

grant usage on schema agreement, raw_csv_export, raw_hubspot, raw_marketo, raw_salesforce
    to smarketing_transformer, smarketing_auditor;
alter default privileges for role smarketing_loader
    in schema agreement, raw_csv_export, raw_hubspot, raw_marketo, raw_salesforce
    grant select on tables to smarketing_transformer, smarketing_auditor;
grant usage on schema ops to smarketing_loader, smarketing_auditor, smarketing_publisher;
-- of every night's models, which lie in schemas that come and go
alter default privileges for role smarketing_transformer
    grant usage on schemas to smarketing_auditor;
alter default privileges for role smarketing_transformer
    grant select on tables to smarketing_auditor;
alter default privileges for role smarketing_publisher
    grant select on tables to smarketing_auditor, smarketing_reader;

-- schema agreement: what the two teams signed, as data ------------------------------------

set role smarketing_loader;

create table if not exists agreement.versions (
    version text primary key,
    name text not null,
    effective_from date not null unique,
    effective_until date,
    zone text not null,
    marketing_party text not null,
    sales_party text not null,
    content_hash text not null,
    content jsonb not null,
    handoff_stage text not null,
    default_calendar text not null,
    first_in_force_at timestamptz
);
comment on table agreement.versions is
'One row per version of the agreement. In force from the start of effective_from to the start of effective_until (exclusive; null: still in force), both dates in zone. content is what was signed, in one spelling, and content_hash its SHA-256: a version in force may not change. first_in_force_at is the night that first saw it in force (null: none has yet); from then on it may not change for an earlier night either.';

create table if not exists agreement.stages (
    version text not null references agreement.versions on delete cascade,
    stage text not null,
    kind text not null check (kind in ('path', 'detour')),
    rank integer,
    label text not null,
    definition text not null,
    primary key (version, stage),
    check ((kind = 'path') = (rank is not null))
);
comment on table agreement.stages is
'The stages of a version. Path stages carry their rank, from 1; detours (recycled, disqualified, lost) have none.';

create table if not exists agreement.systems (
    version text not null references agreement.versions on delete cascade,
    system text not null,
    precedence integer not null,
    primary key (version, system)
);
comment on table agreement.systems is
'The systems that the agreement knows, the most trusted first (precedence 1).';

create table if not exists agreement.stage_mappings (
    version text not null references agreement.versions on delete cascade,
    system text not null,
    source_value text not null,
    stage text not null,
    primary key (version, system, source_value),
    foreign key (version, stage) references agreement.stages (version, stage) on delete cascade
);
comment on table agreement.stage_mappings is
'How a system''s own words map onto stages. source_value is trimmed and in lower case.';

create table if not exists agreement.shared_mailboxes (
    version text not null references agreement.versions on delete cascade,
    local_part text not null,
    primary key (version, local_part)
);
comment on table agreement.shared_mailboxes is
'Mailboxes that several people read (info@, sales@ ...): they never link two records.';

create table if not exists agreement.teams (
    version text not null references agreement.versions on delete cascade,
    team text not null,
    party text not null check (party in ('marketing', 'sales')),
    calendar text,
    primary key (version, team)
);
comment on table agreement.teams is
'Which party each team belongs to, and the calendar it works by (null: that of the lead''s region, else the default).';

create table if not exists agreement.regions (
    version text not null references agreement.versions on delete cascade,
    region text not null,
    calendar text,
    primary key (version, region)
);
comment on table agreement.regions is
'The regions of leads, and the calendar of those that no sales team holds (null: the default calendar).';

create table if not exists agreement.handoff_clocks (
    version text not null references agreement.versions on delete cascade,
    clock text not null check (clock in ('response', 'attempts', 'acceptance')),
    touches integer,
    kind text not null check (kind in ('business_time', 'clock_time', 'business_days')),
    seconds bigint check (seconds > 0),
    business_days integer check (business_days > 0),
    primary key (version, clock),
    check ((kind = 'business_days') = (business_days is not null)),
    check ((kind = 'business_days') = (seconds is null))
);
comment on table agreement.handoff_clocks is
'How long sales has, from the handoff on, for the first touch, for all attempts (touches: how many) and for the decision. kind says what runs: business time (seconds of it), any time (seconds), or whole business days.';

create table if not exists agreement.touch_kinds (
    version text not null references agreement.versions on delete cascade,
    kind text not null check (kind in ('call', 'email', 'meeting', 'message', 'forward move')),
    outcomes text [] check (cardinality(outcomes) > 0),
    primary key (version, kind)
);
comment on table agreement.touch_kinds is
'What shows that sales worked a lead, if a person in sales did it and outward: by kind, with any outcome (outcomes is null) or one of these, in lower case. A forward move is a step up the path: it has no outcome, and nobody knows who made it.';

create table if not exists agreement.conversation_kinds (
    version text not null references agreement.versions on delete cascade,
    kind text not null check (kind in ('call', 'email', 'meeting', 'message')),
    outcomes text [] check (cardinality(outcomes) > 0),
    primary key (version, kind)
);
comment on table agreement.conversation_kinds is
'What shows that both sides spoke, and ends the duty to try again: by kind, with any outcome (outcomes is null) or one of these, in lower case.';

create table if not exists agreement.leaving_reasons (
    version text not null references agreement.versions on delete cascade,
    reason text not null,
    is_excuse boolean not null,
    primary key (version, reason)
);
comment on table agreement.leaving_reasons is
'The reasons for which a lead may leave the funnel: sales rejects it, or, where is_excuse, nobody was there to be answered (a duplicate, a test). In lower case; no reason is both.';

create table if not exists agreement.qualification_rules (
    version text not null references agreement.versions on delete cascade,
    rule text not null,
    stage text not null,
    test text not null check (
        test in (
            'any_of', 'one_of', 'between', 'matches', 'not_matching', 'compared', 'sql'
        )
    ),
    field text,
    operands text [] not null,
    severity text not null check (severity in ('critical', 'warning')),
    share_allowed numeric not null check (share_allowed between 0 and 1),
    statement text not null,
    position integer not null,
    primary key (version, rule),
    foreign key (version, stage) references agreement.stages (version, stage)
);
comment on table agreement.qualification_rules is
'What must hold for a lead in a stage. any_of: at least one of the operands, which are fields, is known; sql: the operand is a condition on the lead; any other test is of field against the operands. Up to share_allowed of the leads (a fraction) may fail.';

create table if not exists agreement.rule_points (
    version text not null references agreement.versions on delete cascade,
    rule text not null,
    kind text not null check (kind in ('fit', 'engagement')),
    points integer not null check (points > 0),
    primary key (version, rule, kind),
    foreign key (version, rule)
    references agreement.qualification_rules (version, rule) on delete cascade
);
comment on table agreement.rule_points is
'What passing a rule adds to a lead''s score, for fit (who the lead is) and for engagement (what the lead did).';

create table if not exists agreement.score_thresholds (
    version text not null references agreement.versions on delete cascade,
    stage text not null,
    kind text not null check (kind in ('fit', 'engagement')),
    points integer not null check (points > 0),
    primary key (version, stage, kind),
    foreign key (version, stage) references agreement.stages (version, stage)
);
comment on table agreement.score_thresholds is
'The points that a lead needs to enter a stage, for fit and for engagement.';

create table if not exists agreement.ideal_customer_rules (
    version text not null references agreement.versions on delete cascade,
    rule text not null,
    primary key (version, rule),
    foreign key (version, rule)
    references agreement.qualification_rules (version, rule) on delete cascade
);
comment on table agreement.ideal_customer_rules is
'The rules that an ideal customer passes, all of them.';

create table if not exists agreement.lead_values (
    version text not null references agreement.versions on delete cascade,
    stage text not null,
    persona text,
    amount numeric not null check (amount > 0),
    currency text not null,
    foreign key (version, stage) references agreement.stages (version, stage)
);
create unique index if not exists lead_values_are_told_once
on agreement.lead_values (version, stage, coalesce(persona, ''));
comment on table agreement.lead_values is
'What a lead is worth on entering a stage, by its persona; persona null: everybody for whom the stage has no value of their own.';

create table if not exists agreement.commitments (
    version text not null references agreement.versions on delete cascade,
    commitment_id text not null,
    party text not null check (party in ('marketing', 'sales')),
    owner text not null,
    statement text not null,
    metric text not null check (
        metric in (
            'volume', 'value', 'quality', 'response', 'attempts', 'acceptance', 'worked',
            'conversion', 'cycle_time', 'revenue', 'pipeline', 'roi'
        )
    ),
    stage text,
    from_stage text,
    to_stage text,
    within_days integer,
    statistic text check (statistic in ('median', 'p90')),
    judged_by text check (judged_by in ('rules', 'acceptance')),
    only_qualified boolean not null,
    direction text not null check (direction in ('at_least', 'at_most')),
    unit text not null check (unit in ('leads', 'share', 'days', 'money', 'ratio')),
    currency text,
    period text not null check (period in ('week', 'month', 'quarter')),
    minimum_sample integer not null,
    position integer not null,
    primary key (version, commitment_id),
    foreign key (version, stage) references agreement.stages (version, stage),
    foreign key (version, from_stage) references agreement.stages (version, stage),
    foreign key (version, to_stage) references agreement.stages (version, stage)
);
comment on table agreement.commitments is
'One row per promise of a version: who made it, in words and as a metric of spec §7. Shares and ratios are fractions (0.25, not 25).';

create table if not exists agreement.commitment_segments (
    version text not null,
    commitment_id text not null,
    segment text not null,
    dimension text check (
        dimension in ('persona', 'region', 'channel', 'team', 'owner')
    ),
    value text,
    target numeric not null check (target > 0),
    primary key (version, commitment_id, segment),
    foreign key (version, commitment_id)
    references agreement.commitments (version, commitment_id) on delete cascade,
    check ((dimension is null) = (value is null))
);
comment on table agreement.commitment_segments is
'The parts of the population that a commitment sets a target for. Segment "all" (dimension null) is everybody.';

create table if not exists agreement.opening_windows (
    version text not null references agreement.versions on delete cascade,
    calendar text not null,
    opens_at timestamptz not null,
    closes_at timestamptz not null,
    local_date date not null,
    seconds_before bigint not null,
    business_day integer not null,
    primary key (version, calendar, opens_at),
    check (closes_at > opens_at)
);
comment on table agreement.opening_windows is
'The calendars of a version, expanded to opening windows [opens_at, closes_at). seconds_before is the business time of the calendar before opens_at; local_date is the day on which the window opens, and business_day counts these days, from 1.';

reset role;

-- schema ops: the record of every night ----------------------------------------------------

set role smarketing_transformer;

create table if not exists ops.nights (
    night_id text not null,
    attempt integer not null,
    as_of timestamptz not null,
    known_at timestamptz not null,
    state text not null check (state in ('running', 'published', 'failed')),
    failed_step text,
    message text,
    accepted_by text,
    accepted_reason text,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    primary key (night_id, attempt)
);
comment on table ops.nights is
'One row per attempt at a night. A killed attempt stays "running" until the next one starts and calls it failed. accepted_by is the person who said before it that critical checks may fail this once, and accepted_reason why.';

create table if not exists ops.steps (
    night_id text not null,
    attempt integer not null,
    step text not null,
    state text not null check (state in ('running', 'done', 'failed')),
    rows_in bigint,
    rows_out bigint,
    rows_rejected bigint,
    note text,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    seconds numeric(12, 3) generated always as (
        extract(epoch from ended_at - started_at)
    ) stored,
    primary key (night_id, attempt, step),
    foreign key (night_id, attempt) references ops.nights on delete cascade
);
comment on table ops.steps is 'What each step of an attempt did: rows in, out and rejected, and how long it took.';

create table if not exists ops.model_timings (
    night_id text not null,
    attempt integer not null,
    layer text not null,
    node text not null,
    kind text not null,
    status text not null,
    rows_affected bigint,
    seconds numeric(12, 3) not null,
    primary key (night_id, attempt, layer, node),
    foreign key (night_id, attempt) references ops.nights on delete cascade
);
comment on table ops.model_timings is 'What dbt measured for each model and test (run_results.json).';

create table if not exists ops.rejected_rows (
    night_id text not null,
    source text not null,
    system text not null,
    entity text not null,
    file text not null,
    file_sha text not null,
    line bigint not null,
    column_name text not null default '',
    value text,
    expected text,
    reason text not null,
    record jsonb,
    rejected_at timestamptz not null default clock_timestamp(),
    primary key (source, entity, file, file_sha, line, column_name)
);
comment on table ops.rejected_rows is
'Rows of a source that could not be read, kept whole with the reason. Holds personal data: readers have no access.';

create table if not exists ops.check_results (
    night_id text not null,
    attempt integer not null,
    suite text not null,
    check_name text not null,
    title text not null,
    severity text not null check (severity in ('critical', 'warning')),
    state text not null check (state in ('passed', 'failed', 'skipped', 'not_run')),
    evaluated bigint,
    failing bigint,
    share_allowed numeric,
    observed text,
    is_accepted boolean not null default false,
    meaning text not null,
    concerns text not null,
    source text,
    rule text,
    primary key (night_id, attempt, suite, check_name),
    foreign key (night_id, attempt) references ops.nights on delete cascade
);
comment on table ops.check_results is
'The figure of every check, every night. title: what holds where it passed, in words; meaning: what a failure means; concerns: for whom that is. It looked at so many (evaluated), and so many of them failed (failing) of whom a share is allowed. skipped: there was nothing to check, and that may be (observed says why); not_run: its query broke. is_accepted: it would have stopped the night, and somebody had accepted that (ops.nights). source: of whose arrival it is; rule: which of the agreement.';

create table if not exists ops.check_failures (
    night_id text not null,
    attempt integer not null,
    suite text not null,
    check_name text not null,
    failing_key text not null,
    value_class text not null,
    reason text not null,
    rule text,
    foreign key (night_id, attempt, suite, check_name) references ops.check_results on delete cascade
);
create index if not exists check_failures_of_a_check
on ops.check_failures (night_id, attempt, suite, check_name);
comment on table ops.check_failures is
'Every record that failed a check, by its key: what was wrong with its value (missing, malformed, out of range ...), why that fails in words, and which rule of the agreement that is, if it is one. Never the value: no personal data.';

create table if not exists ops.source_spans (
    night_id text not null,
    attempt integer not null,
    source text not null,
    missing_from timestamptz,
    missing_until timestamptz not null,
    reason text not null,
    primary key (night_id, attempt, source),
    foreign key (night_id, attempt) references ops.nights on delete cascade
);
comment on table ops.source_spans is
'What a night went on without: a source that could not be read, or that had brought nothing new, and since when (null: never anything).';

create table if not exists ops.systems (
    system text primary key,
    source text not null,
    record_link text
);
comment on table ops.systems is
'Which source tells of a system, by the name that stands in the keys of its records, and the address at which one can be opened, with {id} where its id goes (null: none is given). Written whenever the source is read.';

create table if not exists ops.publications (
    build_id bigint generated always as identity primary key,
    night_id text not null,
    attempt integer not null,
    as_of timestamptz not null,
    known_at timestamptz not null,
    published_at timestamptz not null default clock_timestamp(),
    withdrawn_at timestamptz,
    withdrawn_by text,
    withdrawn_reason text,
    check ((withdrawn_at is null) = (withdrawn_by is null and withdrawn_reason is null))
);
comment on table ops.publications is
'Every publication, in order. The newest that nobody has withdrawn is what readers see.';

create table if not exists ops.reported_periods (
    agreement_version text not null,
    commitment_id text not null,
    segment text not null,
    period_start_date date not null,
    as_of timestamptz not null,
    known_at timestamptz not null,
    status text not null,
    actual numeric,
    sample_size integer not null,
    success_count integer not null,
    members jsonb not null,
    primary key (
        agreement_version, commitment_id, segment, period_start_date, as_of, known_at
    )
);
comment on table ops.reported_periods is
'What the first night to report a period as over and final published about it, with the members behind the number: their keys, and what they contributed. Written with the publication. Nights out of order may leave several reports of a period: the one that knew least is the first. No personal data.';

grant insert, select on ops.rejected_rows to smarketing_loader;
grant insert, select, update on ops.systems to smarketing_loader;
grant insert, delete on ops.check_results, ops.check_failures, ops.source_spans
to smarketing_auditor;

reset role;

-- schema ops: who was erased, and what keeps them away ---------------------------------------

set role smarketing_transformer;

create table if not exists ops.erasures (
    erasure_id bigint generated always as identity primary key,
    state text not null check (state in ('running', 'done')),
    origin text not null,
    erased_by text not null,
    reason text not null,
    person_count integer not null,
    record_count integer not null,
    row_count bigint,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
comment on table ops.erasures is
'Every erasure: who asked for it, when and why, and how much there was. origin says what asked: the command line, a vendor, or an address in the ledger that came back with another record. Nothing in it says who was erased. One that was killed stays "running" until the next erasure or night completes it.';

create table if not exists ops.erasure_ledger (
    entry bytea primary key,
    key_check bytea not null,
    erasure_id bigint not null references ops.erasures
);
comment on table ops.erasure_ledger is
'Keyed hashes (HMAC-SHA-256, half of it) of the addresses, records and events of everybody who was erased: what is loaded is held against them. key_check tells whether the key is the one that they were made with. The key is nowhere in the database.';

create table if not exists ops.erasure_work (
    erasure_id bigint primary key references ops.erasures,
    plan jsonb not null
);
comment on table ops.erasure_work is
'What a running erasure exchanges for what, so that it can be completed after a kill. Holds personal data, and no row once the erasure is done.';

create table if not exists ops.erasure_requests (
    system text not null,
    record text not null,
    requested_at timestamptz not null default clock_timestamp(),
    primary key (system, record)
);
comment on table ops.erasure_requests is
'Records that came with an address in the ledger: the same person. The same night erases them, and their row here.';

grant select on ops.erasure_ledger to smarketing_loader;
grant insert, select on ops.erasure_requests to smarketing_loader;

reset role;
