{#- When the period of some kind in which a local day lies is over, in the zone. -#}
{% macro period_end_at(day, kind, zone) -%}
    (
        date_trunc({{ kind }}, {{ day }}::timestamp) + {{ period_length(kind) }}
    ) at time zone {{ zone }}
{%- endmacro %}
