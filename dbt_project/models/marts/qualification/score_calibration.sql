{%- set days = 90 %}

with

scores as (

    select * from {{ ref('fct_lead_scores') }}

),

cycle_stages as (

    select * from {{ ref('int_cycle_stages') }}

),

stages as (

    select * from {{ ref('stg_agreement__stages') }}
    where stage_rank is not null

),

versions as (

    select * from {{ ref('stg_agreement__versions') }}

),

-- each score of a lead, in bands of ten points
banded as (

    select
        scores.lead_id,
        scores.cycle_number,
        scores.stage,
        scores.agreement_version,
        kinds.score_kind,
        floor(kinds.score / 10)::integer * 10 as band_from,
        date_trunc('quarter', scores.entered_date)::date as quarter_start_date,
        scores.is_date_only,
        scores.entered_at,
        versions.zone,
        -- old enough that nothing still to come can be in time
        case
            when scores.is_date_only
                then
                    ({{ as_of() }} at time zone versions.zone)::date
                    > scores.entered_date + {{ days }}
            else {{ as_of() }} >= scores.entered_at + {{ days }} * interval '24 hours'
        end as is_mature
    from scores
    inner join versions
        on scores.agreement_version = versions.version
    cross join
        lateral (
            values
            ('fit', scores.fit_score::numeric, scores.fit_basis),
            ('engagement', scores.engagement_score::numeric, scores.engagement_basis),
            (
                'fit and engagement',
                (scores.fit_score + scores.engagement_score)::numeric,
                case
                    when scores.fit_basis = 'first_seen_after' then scores.fit_basis
                    else scores.engagement_basis
                end
            ),
            ('source', scores.source_score::numeric, scores.source_score_basis)
        ) as kinds (score_kind, score, basis)
    -- what was seen only later may have risen because the lead went on
    where
        kinds.score is not null
        and kinds.basis <> 'first_seen_after'

),

-- each further stage of the path, and whether the lead got there in the same cycle
followed as (

    select
        banded.*,
        further.stage as to_stage,
        further.stage_rank as to_stage_rank,
        banded.is_mature
        and coalesce(
            {{ duration_days(
                'banded.entered_at', 'banded.is_date_only',
                'arrivals.entered_at', 'arrivals.is_date_only',
                'banded.zone'
            ) }} <= {{ days }},
            false
        ) as has_arrived
    from banded
    inner join stages as own
        on
            banded.agreement_version = own.version
            and banded.stage = own.stage
    inner join stages as further
        on
            own.version = further.version
            and own.stage_rank < further.stage_rank
    left join cycle_stages as arrivals
        on
            banded.lead_id = arrivals.lead_id
            and banded.cycle_number = arrivals.cycle_number
            and further.stage = arrivals.stage

),

final as (

    select
        ----------  ids
        agreement_version,
        stage,
        to_stage,
        score_kind,

        ----------  numerics
        band_from,
        band_from + 9 as band_to,
        min(to_stage_rank) as to_stage_rank,
        count(*)::integer as lead_count,
        (count(*) filter (where is_mature))::integer as mature_count,
        (count(*) filter (where has_arrived))::integer as arrived_count,
        round(
            count(*) filter (where has_arrived)::numeric
            / nullif(count(*) filter (where is_mature), 0),
            6
        )::numeric(8, 6) as arrived_share,

        ----------  dates
        quarter_start_date
    from followed
    group by
        agreement_version,
        stage,
        to_stage,
        score_kind,
        band_from,
        quarter_start_date

)

select * from final
