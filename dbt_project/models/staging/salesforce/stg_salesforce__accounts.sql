with

known as (

    {{ known_versions(source('salesforce', 'accounts')) }}

),

renamed as (

    select
        ----------  ids
        account_id,

        ----------  strings
        system,
        name as account_name
    from known

)

select * from renamed
