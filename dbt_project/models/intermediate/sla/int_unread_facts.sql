-- A source that brings leads and no deals silences no promise of revenue when it is late.

with

spans as (

    select * from {{ ref('stg_ops__source_spans') }}

),

systems as (

    select * from {{ ref('stg_ops__systems') }}

),

money as (

    select
        'deals' as fact,
        system
    from {{ ref('int_source_opportunities') }}

    union

    select
        'spend' as fact,
        system
    from {{ ref('int_source_spend') }}

),

facts as (

    select *
    from (
        values ('leads'), ('deals'), ('spend')
    ) as facts (fact)

),

unread_facts as (

    select
        ----------  ids
        spans.source,

        ----------  strings
        facts.fact,

        ----------  timestamps
        spans.missing_from as unread_from
    from spans
    cross join facts
    where
        facts.fact = 'leads'
        -- of whoever never told anything nobody knows what it would tell of
        or spans.missing_from = '-infinity'
        or exists (
            select
            from money
            inner join systems
                on money.system = systems.system
            where
                money.fact = facts.fact
                and systems.source = spans.source
        )

)

select * from unread_facts
