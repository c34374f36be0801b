{#- A word as the agreement spells it: trimmed, in lower case. What people type is compared like this
    and no other way. -#}
{% macro spelled(word) -%}
    lower({{ trimmed(word) }})
{%- endmacro %}
