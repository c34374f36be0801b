{#- What happened in a promise's period (spec §7), from what its members add up to. -#}
{% macro promised_actual(promise, counted) -%}
    case
        when {{ promise }}.unit = 'leads' then coalesce({{ counted }}.sample_size, 0)::numeric
        when {{ promise }}.unit = 'money' then coalesce({{ counted }}.amount, 0)
        when {{ promise }}.unit = 'share'
            then {{ counted }}.success_count::numeric / nullif({{ counted }}.sample_size, 0)
        when {{ promise }}.unit = 'ratio'
            then
                (coalesce({{ counted }}.amount, 0) - {{ counted }}.spend)
                / nullif({{ counted }}.spend, 0)
        when {{ promise }}.statistic = 'median' then {{ counted }}.median_days::numeric
        when {{ promise }}.statistic = 'p90' then {{ counted }}.p90_days::numeric
    end
{%- endmacro %}
