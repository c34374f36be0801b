{#- The version of each raw record that was known at known_at. The raw layer keeps every version with
    the time from which and until which it was the one known; at any time there is at most one. -#}
{% macro known_versions(raw) -%}
    select *
    from {{ raw }}
    where
        _known_from <= {{ known_at() }}
        and (_known_until is null or _known_until > {{ known_at() }})
{%- endmacro %}
