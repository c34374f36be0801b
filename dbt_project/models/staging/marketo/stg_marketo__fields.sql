with

known as (

    {{ known_versions(source('marketo', 'fields')) }}

),

renamed as (

    select
        ----------  strings
        system,
        name as field_name,
        label,
        fills
    from known

)

select * from renamed
