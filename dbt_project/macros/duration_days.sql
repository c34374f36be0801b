{#- Days from one moment to another, as spec §0 counts them: from seconds; where either end is a
    day without a time, the difference of the two local dates. An end before its start has no
    duration (null). All arguments are SQL expressions. -#}
{% macro duration_days(start_at, start_is_day, end_at, end_is_day, zone) -%}
    {%- set local_days -%}
        ({{ end_at }} at time zone {{ zone }})::date - ({{ start_at }} at time zone {{ zone }})::date
    {%- endset -%}
    case
        when ({{ start_is_day }} or {{ end_is_day }}) and {{ local_days }} >= 0
            then ({{ local_days }})::numeric
        when not ({{ start_is_day }} or {{ end_is_day }}) and {{ end_at }} >= {{ start_at }}
            then trim_scale(extract(epoch from {{ end_at }} - {{ start_at }}) / 86400)
    end
{%- endmacro %}
