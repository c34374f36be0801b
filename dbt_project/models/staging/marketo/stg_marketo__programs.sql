with

known as (

    {{ known_versions(source('marketo', 'programs')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || program_id as campaign_key,

        ----------  strings
        system,
        name as program_name,
        channel,

        ----------  timestamps
        started_at,
        ended_at
    from known

)

select * from renamed
