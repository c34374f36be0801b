with

known as (

    {{ known_versions(source('salesforce', 'campaign_members')) }}

),

renamed as (

    select
        ----------  ids
        member_id,
        system || ':' || coalesce(lead_id, contact_id) as record_key,
        system || ':' || campaign_id as campaign_key,

        ----------  strings
        system,

        ----------  timestamps
        created_at
    from known

)

select * from renamed
