with

rules as (

    select * from {{ ref('stg_agreement__qualification_rules') }}

),

rule_points as (

    select * from {{ ref('stg_agreement__rule_points') }}

),

ideal_customer_rules as (

    select * from {{ ref('stg_agreement__ideal_customer_rules') }}

),

lead_fields as (

    select unnest(string_to_array('{{ lead_fields() | join(',') }}', ',')) as lead_field

),

points as (

    select
        version,
        rule,
        sum(points) filter (where points_kind = 'fit') as fit_points,
        sum(points) filter (where points_kind = 'engagement') as engagement_points
    from rule_points
    group by 1, 2

),

-- "different from region"
compared as (

    select
        *,
        case when test = 'compared' then substring(operands[1] from '^(.*) ') end as comparison,
        case when test = 'compared' then substring(operands[1] from '[a-z_]+$') end as other_field
    from rules

),

named as (

    select
        *,
        case
            when test = 'any_of' then operands
            -- which fields an author's condition names is read off its words
            when test = 'sql'
                then
                    array(
                        select lead_fields.lead_field
                        from lead_fields
                        where compared.operands[1] ~ ('\m' || lead_fields.lead_field || '\M')
                    )
            else array_remove(array[field, other_field], null)
        end as fields,
        case
            when test = 'one_of'
                then
                    array(
                        select {{ spelled('words.word') }}
                        from unnest(compared.operands) as words (word)
                    )
        end as words
    from compared

),

final as (

    select
        ----------  ids
        named.version,
        named.rule,

        ----------  strings
        named.stage,
        named.test,
        named.field,
        named.comparison,
        named.other_field,
        named.fields,
        named.operands,
        named.words,
        named.severity,
        named.statement,

        ----------  numerics
        named.share_allowed,
        named.position,
        coalesce(points.fit_points, 0) as fit_points,
        coalesce(points.engagement_points, 0) as engagement_points,

        ----------  booleans
        ideal_customer_rules.rule is not null as is_of_ideal_customer
    from named
    left join points
        on
            named.version = points.version
            and named.rule = points.rule
    left join ideal_customer_rules
        on
            named.version = ideal_customer_rules.version
            and named.rule = ideal_customer_rules.rule

)

select * from final
