with

items as (

    select * from {{ ref('stg_hubspot__spend') }}

),

current_era as (

    select * from {{ ref('int_agreement_eras') }}
    where is_current

),

-- an item has no day, but may be called after one; the 31st of a shorter month is none
named as (

    select
        *,
        case
            when item_name ~ '^[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$'
                then (left(item_name, 7) || '-01')::date + right(item_name, 2)::integer - 1
        end as named_date
    from items

),

spend as (

    select
        ----------  ids
        named.campaign_key,

        ----------  strings
        named.system,
        named.currency,

        ----------  numerics
        named.amount,

        ----------  dates
        case
            when to_char(named.named_date, 'YYYY-MM-DD') = named.item_name then named.named_date
            else (named.booked_at at time zone current_era.zone)::date
        end as spent_date
    from named
    cross join current_era

)

select * from spend
