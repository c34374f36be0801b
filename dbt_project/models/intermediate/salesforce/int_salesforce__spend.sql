with

spend as (

    select * from {{ ref('stg_salesforce__campaign_spend') }}

),

-- the company chose the object's name; no two objects have records of one id
deletions as (

    select * from {{ ref('stg_salesforce__deletions') }}
    where
        how <> 'restored'
        and coalesce(deleted_at, known_from) <= {{ as_of() }}

),

standing as (

    select
        ----------  ids
        spend.campaign_key,

        ----------  strings
        spend.system,
        spend.currency,

        ----------  numerics
        spend.amount,

        ----------  dates
        spend.spent_date
    from spend
    left join deletions
        on
            spend.system = deletions.system
            and spend.spend_id = deletions.record_id
    where
        deletions.record_id is null
        and spend.campaign_key is not null

)

select * from standing
