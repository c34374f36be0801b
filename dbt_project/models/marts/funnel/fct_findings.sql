with

observations as (

    select * from {{ ref('int_stage_observations') }}

),

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}

),

opportunities as (

    select * from {{ ref('int_source_opportunities') }}

),

touches as (

    select * from {{ ref('int_source_touches') }}

),

lead_records as (

    select * from {{ ref('int_source_leads') }}

),

campaign_spend as (

    select * from {{ ref('int_campaign_spend') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

closed_before_opened as (

    select * from {{ ref('fct_opportunities') }}
    where closed_at < opened_at and days_to_close is null

),

unmapped as (

    select
        'unmapped_stage' as finding,
        record_key,
        min(lead_id) as lead_id,
        'stage "' || source_stage || '" is not in the agreement' as detail,
        min(observed_at) as found_at
    from observations
    where stage is null
    group by record_key, source_stage

),

-- a record that was only created after the night is not unknown
unknown_leads as (

    select
        'unknown_lead' as finding,
        mentions.record_key,
        null::text as lead_id,
        'the record is mentioned by ' || mentions.entity || ', but no lead has this id' as detail,
        null::timestamptz as found_at
    from (
        select
            record_key,
            'stage changes' as entity
        from observations
        where lead_id is null

        union

        select
            record_key,
            'opportunities' as entity
        from opportunities
        where
            record_key is not null
            and not exists (
                select 1
                from lead_records
                where opportunities.record_key = lead_records.record_key
            )

        union

        select
            record_key,
            'touches' as entity
        from touches
        where
            not exists (
                select 1
                from lead_records
                where touches.record_key = lead_records.record_key
            )
    ) as mentions

),

-- a later stage whose only entries lie before the first observed entry to an earlier one
out_of_order as (

    select
        'stage_out_of_order' as finding,
        later.lead_id as record_key,
        later.lead_id,
        later.stage || ' was entered before ' || earlier.stage || ' (cycle '
        || earlier.cycle_number || ')' as detail,
        later.entered_at as found_at
    from cycle_stages as earlier
    inner join cycle_stages as later
        on
            earlier.lead_id = later.lead_id
            and earlier.cycle_number = later.cycle_number
            and earlier.stage_rank < later.stage_rank
    where
        not earlier.is_inferred
        and not later.is_inferred
        and {{ duration_days(
            'earlier.entered_at', 'earlier.is_date_only',
            'later.entered_at', 'later.is_date_only',
            'earlier.zone'
        ) }} is null

),

deals as (

    select
        'closed_before_opened' as finding,
        opportunity_key as record_key,
        lead_id,
        'the deal was closed before it was opened' as detail,
        closed_at as found_at
    from closed_before_opened

),

-- won or lost, but nobody knows when: it counts as open until the source says
closed_without_date as (

    select
        'closed_without_date' as finding,
        opportunities.opportunity_key as record_key,
        published.lead_id,
        'the deal is ' || {{ spelled('opportunities.source_status') }}
        || ' but has no closing date, so it counts as open' as detail,
        null::timestamptz as found_at
    from opportunities
    inner join {{ ref('fct_opportunities') }} as published
        on opportunities.opportunity_key = published.opportunity_key
    where
        {{ spelled('opportunities.source_status') }} in ('won', 'lost')
        and opportunities.closed_at is null
        and opportunities.closed_on is null

),

-- nobody's: it counts for no promise
deals_without_lead as (

    select
        'deal_without_lead' as finding,
        opportunity_key as record_key,
        null::text as lead_id,
        'the deal names no lead, so it counts nowhere' as detail,
        opened_at as found_at
    from opportunities
    where
        record_key is null
        and coalesce(opened_at <= {{ as_of() }}, true)

),

-- sums are never converted: what is promised in one currency counts money of no other
other_currencies as (

    select
        'other_currency' as finding,
        mentions.record_key,
        mentions.lead_id,
        mentions.entity || ' in ' || mentions.currency || ', and the agreement promises '
        || current_era.currency || ': it counts for no promise' as detail,
        null::timestamptz as found_at
    from (
        select
            opportunity_key as record_key,
            lead_id,
            'the deal is' as entity,
            currency
        from {{ ref('fct_opportunities') }}

        union

        select
            campaign_key as record_key,
            null::text as lead_id,
            'money was spent' as entity,
            currency
        from campaign_spend
    ) as mentions
    inner join current_era
        on mentions.currency <> current_era.currency

),

findings as (

    select * from unmapped

    union all

    select * from unknown_leads

    union all

    select * from out_of_order

    union all

    select * from deals

    union all

    select * from closed_without_date

    union all

    select * from deals_without_lead

    union all

    select * from other_currencies

),

final as (

    select
        ----------  ids
        md5(concat_ws('|', finding, record_key, detail)) as finding_id,
        record_key,
        lead_id,

        ----------  strings
        finding,
        detail,

        ----------  timestamps
        found_at
    from findings

)

select * from final
