with

owners as (

    select * from {{ ref('int_source_owners') }}

),

teams as (

    select * from {{ ref('stg_agreement__teams') }}
    where party = 'sales'

),

sales_people as (

    select
        ----------  ids
        teams.version,
        owners.owner_key,

        ----------  strings
        teams.team,
        teams.calendar
    from owners
    inner join teams
        on {{ spelled('owners.team') }} = {{ spelled('teams.team') }}

)

select * from sales_people
