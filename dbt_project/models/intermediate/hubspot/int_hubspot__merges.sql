with

record_merges as (

    select * from {{ ref('stg_hubspot__merges') }}
    where kind = 'contacts'

),

renamed as (

    select
        ----------  ids
        system || ':' || merged_id as merged_record_key,
        system || ':' || surviving_id as surviving_record_key,

        ----------  strings
        system,

        ----------  dates
        null::date as merged_on,

        ----------  timestamps
        -- where HubSpot does not say when, the night that told of it
        coalesce(merged_at, known_from) as merged_at
    from record_merges

)

select * from renamed
