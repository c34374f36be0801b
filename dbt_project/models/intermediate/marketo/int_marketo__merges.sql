with

record_merges as (

    select * from {{ ref('stg_marketo__merges') }}

),

final as (

    select
        ----------  ids
        merged_record_key,
        surviving_record_key,

        ----------  strings
        system,

        ----------  dates
        null::date as merged_on,

        ----------  timestamps
        -- where Marketo does not say when, the night that told of it
        coalesce(merged_at, known_from) as merged_at
    from record_merges

)

select * from final
