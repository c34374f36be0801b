with

users as (

    select * from {{ ref('stg_salesforce__users') }}

),

owners as (

    select
        ----------  ids
        owner_key,

        ----------  strings
        system,
        user_name as owner_name,
        team,
        time_zone,

        ----------  booleans
        is_active
    from users
    -- the others are integrations, sites, portals
    where kind = 'Standard'

)

select * from owners
