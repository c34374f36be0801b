-- Each lead that entered a guarded stage, judged by each rule of the version in force at the entry.
-- The one place where a rule is applied: people, models and checks all read its verdict.

with

leads as (

    select * from {{ ref('int_values_at_entry') }}

),

rules as (

    select * from {{ ref('int_qualification_rules') }}

),

asked as (

    select
        leads.lead_id,
        leads.cycle_number,
        leads.is_date_only,
        leads.is_anything_known,
        leads.entered_at,
        leads.known_fields,
        rules.*,
        {% for role in ('field', 'other_field') -%}
            case rules.{{ role }}
                {%- for field in lead_fields() %}
                    when '{{ field }}' then leads.{{ field }}::text
                {%- endfor %}
            end as {{ 'value' if role == 'field' else 'other_value' }},
        {% endfor -%}
        -- the weakest of the fields that the rule names
        greatest(
            {%- for field in lead_fields() %}
                case when '{{ field }}' = any(rules.fields) then leads.{{ field }}_basis end
                {{- ',' if not loop.last }}
            {%- endfor %}
        ) as basis,
        {%- set conditions = sql_conditions() %}
        {%- if conditions %}
        case
            {%- for condition in conditions %}
            when
                rules.test = 'sql'
                and rules.operands[1] = {{ dbt.string_literal(dbt.escape_single_quotes(condition)) }}
                then ({{ condition }})
            {%- endfor %}
        end as is_condition_met
        {%- else %}
            null::boolean as is_condition_met
        {%- endif %}
    from leads
    inner join rules
        on
            leads.version = rules.version
            and leads.stage = rules.stage

),

-- a field that is not known passes no test
judged as (

    select
        *,
        coalesce(
            case test
                when 'any_of' then known_fields && operands
                when 'one_of' then lower(value) = any(words)
                when 'between'
                    then value::numeric between operands[1]::numeric and operands[2]::numeric
                when 'matches' then value ~* operands[1]
                when 'not_matching' then value !~* operands[1]
                when 'compared'
                    then
                        case comparison
                            when 'equal to' then lower(value) = lower(other_value)
                            when 'different from' then lower(value) <> lower(other_value)
                            when 'at least' then lower(value) >= lower(other_value)
                            when 'at most' then lower(value) <= lower(other_value)
                        end
                when 'sql' then is_condition_met
            end,
            false
        ) as is_passed
    from asked

),

classed as (

    select
        *,
        case test
            when 'any_of'
                then
                    coalesce(
                        nullif(
                            array_to_string(
                                array(
                                    select field_named
                                    from unnest(judged.operands) as operand (field_named)
                                    where operand.field_named = any(judged.known_fields)
                                ),
                                ', '
                            ) || ' known',
                            ' known'
                        ),
                        'missing'
                    )
            when 'sql' then case when is_passed then 'condition met' else 'condition not met' end
            when 'compared'
                then
                    {{ value_class('field', 'value') }}
                    || ' / '
                    || {{ value_class('other_field', 'other_value') }}
            else {{ value_class('field', 'value') }}
        end as value_class
    from judged

),

explained as (

    select
        *,
        case
            when not is_anything_known
                then 'nothing is known of the person any more'
            when is_passed then null
            when test = 'any_of' and cardinality(operands) = 1
                then operands[1] || ' was missing'
            when test = 'any_of'
                then 'none of ' || array_to_string(operands, ', ') || ' was known'
            when test = 'sql' then 'not so: ' || statement
            when value is null then field || ' was missing'
            when test = 'one_of'
                then
                    field || ' was ' || value_class || ', which is none of the '
                    || cardinality(operands) || ' agreed'
            when test = 'between'
                then
                    field || ' was ' || value_class || ', not between ' || operands[1] || ' and '
                    || operands[2]
            when test = 'matches'
                then field || ' (' || value_class || ') had not the form agreed'
            when test = 'not_matching'
                then field || ' (' || value_class || ') had a form that is ruled out'
            when other_value is null then other_field || ' was missing'
            else
                field || ' and ' || other_field || ' were ' || value_class || ': the one has to be '
                || operands[1]
        end as reason
    from classed

),

final as (

    select
        ----------  ids
        lead_id,
        version,
        rule,

        ----------  strings
        stage,
        test,
        array_to_string(fields, ', ') as fields,
        value_class,
        {{ value_basis('basis') }} as value_basis,
        reason,
        severity,

        ----------  numerics
        cycle_number,
        position,
        share_allowed,
        basis,
        fit_points,
        engagement_points,

        ----------  booleans
        -- of whom nothing is known any more, nobody can say
        case when is_anything_known then is_passed end as passed,
        is_of_ideal_customer,
        is_date_only,

        ----------  timestamps
        entered_at
    from explained

)

select * from final
