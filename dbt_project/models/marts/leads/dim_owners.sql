with

owners as (

    select * from {{ ref('int_source_owners') }}

),

teams as (

    select teams.*
    from {{ ref('stg_agreement__teams') }} as teams
    inner join {{ ref('int_agreement_eras') }} as eras
        on teams.version = eras.version
    where eras.is_current

),

final as (

    select
        ----------  ids
        owners.owner_key,

        ----------  strings
        owners.owner_name,
        owners.team,
        teams.party,
        owners.time_zone,

        ----------  booleans
        coalesce(owners.is_active, true) as is_active
    from owners
    left join teams
        on owners.team = teams.team

)

select * from final
