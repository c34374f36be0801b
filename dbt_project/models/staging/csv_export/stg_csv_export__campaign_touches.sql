with

known as (

    {{ known_versions(source('csv_export', 'leads')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,
        system || ':' || campaign_id as campaign_key,

        ----------  strings
        system,
        'joined' as touch_kind,

        ----------  dates
        created_on as occurred_on,

        ----------  timestamps
        created_at as occurred_at
    from known
    where campaign_id is not null

)

select * from renamed
