with

known as (

    {{ known_versions(source('hubspot', 'form_submissions')) }}

),

renamed as (

    select
        ----------  ids
        form_id,
        submission_id,

        ----------  strings
        system,
        email,

        ----------  timestamps
        submitted_at
    from known

)

select * from renamed
