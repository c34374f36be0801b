{#- The fields of a lead that a rule may ask for. -#}
{% macro lead_fields() -%}
    {{- return([
        'email', 'phone', 'company', 'country', 'region', 'persona', 'channel', 'score'
    ]) -}}
{%- endmacro %}
