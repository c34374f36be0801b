with

deletions as (

    select * from {{ ref('stg_marketo__deletions') }}

),

record_merges as (

    select * from {{ ref('stg_marketo__merges') }}

),

final as (

    select
        ----------  ids
        deletions.record_key,

        ----------  strings
        deletions.system,

        ----------  dates
        null::date as deleted_on,

        ----------  timestamps
        -- where Marketo does not say when, the night that told of it
        coalesce(deletions.deleted_at, deletions.known_from) as deleted_at
    from deletions
    -- what was merged away is not found any more either, and is not gone
    left join record_merges
        on deletions.record_key = record_merges.merged_record_key
    where record_merges.merged_record_key is null

)

select * from final
