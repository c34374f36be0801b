with

source_systems as (

    select * from {{ ref('stg_ops__source_systems') }}

),

-- two sources may tell of one system: by its API, and by files from before
record_links as (

    select
        ----------  ids
        system,

        ----------  strings
        min(record_link) as record_link
    from source_systems
    group by 1

)

select * from record_links
