{#- When the period of some kind in which a local day lies is over, in the zone. -#}
{% macro period_end_at(day, period_kinds, zone) -%}
    (
        date_trunc({{ period_kinds }}.period_kind, {{ day }}::timestamp)
        + {{ period_kinds }}.period_length
    ) at time zone {{ zone }}
{%- endmacro %}
