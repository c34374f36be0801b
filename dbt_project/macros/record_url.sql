{#- Where a record can be opened in its source: the source's address with the record's id in it. An id
    that would need escaping in an address, which no vendor's does, gives none: the text comes from
    outside, and ends in somebody's browser. -#}
{% macro record_url(record_key, record_link) -%}
    {%- set id -%}
        substr({{ record_key }}, strpos({{ record_key }}, ':') + 1)
    {%- endset -%}
    case
        when {{ id }} ~ '^[A-Za-z0-9._~-]+$' then replace({{ record_link }}, '{id}', {{ id }})
    end
{%- endmacro %}
