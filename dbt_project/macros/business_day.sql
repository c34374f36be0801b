{#- The business day from which an instant counts: the day on which the running opening began, or,
    out of hours, the day of the next opening (spec §2). -#}
{% macro business_day(at, day) -%}
    {{ day }}.business_day + width_bucket({{ at }}, {{ day }}.ends_of_business)
{%- endmacro %}
