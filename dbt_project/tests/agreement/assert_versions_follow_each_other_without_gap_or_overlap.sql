-- A failure means that there are instants at which no version speaks, so that what happened then is
-- lost, or two, so that it counts twice.
with

eras as (

    select
        version,
        ends_at,
        lead(starts_at, 1, 'infinity'::timestamptz) over (order by starts_at) as next_starts_at
    from {{ ref('int_agreement_eras') }}

)

select * from eras
where ends_at <> next_starts_at
