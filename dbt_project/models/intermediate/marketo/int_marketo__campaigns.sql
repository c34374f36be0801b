with

programs as (

    select * from {{ ref('stg_marketo__programs') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

campaigns as (

    select
        ----------  ids
        programs.campaign_key,

        ----------  strings
        programs.system,
        programs.program_name as campaign_name,
        programs.channel,

        ----------  dates
        (programs.started_at at time zone current_era.zone)::date as started_date,
        (programs.ended_at at time zone current_era.zone)::date as ended_date
    from programs
    cross join current_era

)

select * from campaigns
