with

known as (

    {{ known_versions(source('salesforce', 'opportunity_history')) }}

),

renamed as (

    select
        ----------  ids
        history_id,
        opportunity_id,

        ----------  strings
        system,
        stage,

        ----------  timestamps
        changed_at
    from known

)

select * from renamed
