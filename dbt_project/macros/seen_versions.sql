{#- Every version of each raw record that had been seen by known_at, the one known then included. -#}
{% macro seen_versions(raw) -%}
    select *
    from {{ raw }}
    where _known_from <= {{ known_at() }}
{%- endmacro %}
