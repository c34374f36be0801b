{#- The latest version of each raw record that was known at known_at. The raw layer keeps every
    version with the time from which and until which it was the one known; where one load brought
    two versions of a record (two lines, two files, two deliveries), the last one read wins. -#}
{% macro known_versions(raw) -%}
    select distinct on (system, _record_key) *
    from {{ raw }}
    where
        _known_from <= {{ known_at() }}
        and (_known_until is null or _known_until > {{ known_at() }})
    order by
        system,
        _record_key,
        _known_from desc,
        _sequence desc
{%- endmacro %}
