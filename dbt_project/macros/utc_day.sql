{#- The start of the UTC day in which an instant lies: what instants and int_business_clocks are
    joined by. No zone is needed for it, and it is the same in every session. -#}
{% macro utc_day(at) -%}
    date_bin(interval '1 day', {{ at }}, timestamptz '1970-01-01 00:00Z')
{%- endmacro %}
