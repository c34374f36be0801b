{#- The instant at which a moment sorts: the time itself, or, where the source knows only the day,
    the start of that day in the zone given (spec §0). -#}
{% macro moment(at, on, zone) -%}
    coalesce({{ at }}, {{ on }}::timestamp at time zone {{ zone }})
{%- endmacro %}
