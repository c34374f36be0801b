with

deletions as (

    select * from {{ ref('stg_hubspot__deletions') }}
    where kind = 'contacts'

),

renamed as (

    select
        ----------  ids
        system || ':' || record_id as record_key,

        ----------  strings
        system,

        ----------  dates
        null::date as deleted_on,

        ----------  timestamps
        -- where HubSpot does not say when, the night that told of it
        coalesce(deleted_at, known_from) as deleted_at
    from deletions

)

select * from renamed
