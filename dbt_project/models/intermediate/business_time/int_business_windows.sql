{{ config(
    indexes=[{'columns': ['version', 'calendar', 'shows_at_opening'], 'unique': true}]
) }}

with

opening_windows as (

    select * from {{ ref('stg_agreement__opening_windows') }}

),

business_windows as (

    select
        ----------  ids
        version,
        calendar,

        ----------  timestamps
        opens_at,
        closes_at,
        to_timestamp(seconds_before) as shows_at_opening,
        -- made of seconds: what a day is would depend on the zone of the session
        make_interval(secs => date_part('epoch', opens_at) - seconds_before) as behind
    from opening_windows

)

select * from business_windows
