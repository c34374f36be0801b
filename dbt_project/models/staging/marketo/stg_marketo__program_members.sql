with

known as (

    {{ known_versions(source('marketo', 'program_members')) }}

),

renamed as (

    select
        ----------  ids
        system || ':' || lead_id as record_key,
        system || ':' || program_id as campaign_key,

        ----------  strings
        system,

        ----------  timestamps
        member_since,
        case when is_success then succeeded_at end as succeeded_at
    from known

)

select * from renamed
