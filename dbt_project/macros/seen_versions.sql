{#- Every version of each raw record that had been known at some time by known_at. What a night that was
    run again took back was known at none. -#}
{% macro seen_versions(raw) -%}
    select *
    from {{ raw }}
    where
        _known_from <= {{ known_at() }}
        and (_known_until is null or _known_until > _known_from)
{%- endmacro %}
