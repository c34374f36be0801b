with

source as (

    select * from {{ source('agreement', 'shared_mailboxes') }}

),

renamed as (

    select
        version,
        local_part
    from source

)

select * from renamed
