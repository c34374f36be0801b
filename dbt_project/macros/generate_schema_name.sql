{#- Schemas are named as the house names them (staging, intermediate, marts_candidate), with no
    prefix of a target: one database is one company. Only a back-test builds beside the nights. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ var('schema_prefix', '') ~ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
